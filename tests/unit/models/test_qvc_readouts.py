"""A QVC with any readout: its logits against Qiskit, its gradients against differences, its files and its training."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from pydantic import ValidationError
from qiskit_machine_learning.connectors import TorchConnector

from qaml_qiskit.attacks import frozen
from qaml_qiskit.defences import NoiseAware, noisy_logits
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.models import (
    QVC,
    DataCard,
    QVCConfig,
    Trainer,
    TrainingConfig,
    TrainingState,
    dump_state,
    load_model,
    load_state,
    save_model,
)
from qaml_qiskit.simulation import use_backend
from tests.readout_cases import CASES, config, configs, exact_logits, images, model, shaken
from tests.tolerances import DIFFERENCE_STEP, FINITE_DIFFERENCE, GRADIENT, SIGMAS, VALUE

REFERENCE = Path(__file__).parents[3] / "runs" / "reference" / "mnist-shallow12"
each_case = pytest.mark.parametrize("name", CASES)


def scale(qvc: QVC) -> float:
    """What rounding of an average comes to in a logit."""
    return float(qvc.head.matrix.detach().abs().sum(1).max())


@given(configs())
@settings(max_examples=30, deadline=None)
def test_logits_are_those_of_qiskit(drawn: QVCConfig) -> None:
    qvc, pictures = shaken(QVC(drawn, 1)), images(2, drawn.image_shape)
    expected = exact_logits(qvc, pictures)
    for dtype in (torch.float64, torch.float32):
        found = qvc.to(dtype)(pictures.to(dtype)).detach().double().numpy()
        assert found.shape == (2, drawn.num_classes)
        assert np.abs(found - expected).max() < scale(qvc) * VALUE[dtype]


@given(configs())
@settings(max_examples=20, deadline=None)
def test_gradients_of_angles_images_and_head_are_differences(drawn: QVCConfig) -> None:
    qvc, pictures = shaken(QVC(drawn, 1)).double(), images(2, drawn.image_shape).double().requires_grad_()
    generator = torch.Generator().manual_seed(2)

    def loss() -> torch.Tensor:
        return torch.nn.functional.cross_entropy(qvc(pictures) / 5, torch.tensor([0, 1]))

    for place in (pictures, *qvc.parameters()):
        (gradient,) = torch.autograd.grad(loss(), place)
        step = torch.randn(place.shape, generator=generator, dtype=torch.float64) * DIFFERENCE_STEP
        with torch.no_grad():
            place += step
            ahead = loss()
            place -= 2 * step
            behind = loss()
            place += step
        slope = float((gradient * step).sum()) / DIFFERENCE_STEP
        assert abs(slope - float(ahead - behind) / (2 * DIFFERENCE_STEP)) < FINITE_DIFFERENCE * 10


@given(configs())
@settings(max_examples=20, deadline=None)
def test_collapsed_and_by_torch_it_says_the_same(drawn: QVCConfig) -> None:
    qvc, pictures = shaken(QVC(drawn, 1)).double(), images(3, drawn.image_shape).double()
    logits = qvc(pictures).detach()
    with frozen(qvc):
        assert (qvc(pictures) - logits).abs().max() < scale(qvc) * VALUE[torch.float64]
    with use_backend("torch"):
        assert (qvc(pictures).detach() - logits).abs().max() < scale(qvc) * VALUE[torch.float64]


@each_case
def test_a_deep_circuit_collapses_with_its_strings(name: str) -> None:
    qvc, pictures = model(name, num_layers=8).double(), images().double()
    results = []
    for context in (torch.enable_grad(), frozen(qvc)):
        inputs = pictures.clone().requires_grad_()
        with context:
            logits = qvc(inputs)
            results.append((logits.detach(), *torch.autograd.grad(logits.square().sum(), inputs)))
    assert qvc.connector._collapsed is not None
    for whole, collapsed in zip(*results, strict=True):
        assert (whole - collapsed).abs().max() < GRADIENT[torch.float64] * whole.abs().max()


@each_case
def test_a_stock_connector_takes_its_network(name: str) -> None:
    qvc, features = model(name), images().flatten(1)
    stock = TorchConnector(qvc.connector.neural_network, initial_weights=qvc.weight.detach().numpy())
    results = []
    for connector in (stock, qvc.connector):
        inputs = features.clone().requires_grad_()
        output = connector(inputs)
        assert output.shape == (4, len(qvc.readout.strings))
        results.append((output.detach(), *torch.autograd.grad(output.square().sum(), (inputs, connector.weight))))
    for theirs, ours in zip(*results, strict=True):
        assert (theirs - ours).abs().max() < GRADIENT[torch.float32] * max(1.0, theirs.abs().max().item())


def test_the_scale_is_in_the_head_and_the_head_in_the_weights() -> None:
    fixed, trained = QVC(config("single", logit_scale=7.0)), QVC(config("linear-zz", logit_scale=7.0))
    assert fixed.head.matrix.tolist() == [[7.0], [-7.0]]
    assert [name for name, _ in fixed.named_parameters()] == ["connector.weight"]
    assert torch.equal(trained.head.matrix, 7 * trained.head_matrix)
    assert trained.unit_head.matrix is trained.head_matrix
    (trained.head.matrix.sum() + trained.head.offset.sum()).backward()
    assert trained.head_matrix.grad is not None
    assert trained.head_offset.grad is not None
    assert {name for name, _ in trained.named_parameters()} == {"connector.weight", "head_matrix", "head_offset"}
    for qvc in (fixed, trained):
        assert qvc.config.num_weights == sum(parameter.numel() for parameter in qvc.parameters())


def test_a_reference_model_has_the_logits_that_it_always_had() -> None:
    """⟨Z_k⟩ times the scale, to the last bit, in both precisions; and the same file."""
    stored = load_model(REFERENCE)
    qvc, pictures = stored.model, images(5, (1, 28, 28))
    assert isinstance(qvc, QVC)
    assert qvc.config.num_weights == qvc.weight.numel()
    for dtype in (torch.float32, torch.float64):
        typed = pictures.to(dtype)
        with torch.no_grad():
            assert torch.equal(qvc(typed), qvc.expectations(typed) * qvc.config.logit_scale)
    assert not {"observables", "readout"} & stored.card.model.model_dump().keys()


@each_case
def test_saved_and_loaded_it_says_the_same_to_the_last_bit(name: str, tmp_path: Path) -> None:
    qvc, pictures = model(name), images()
    loaded = load_model(save_model(tmp_path / "m", qvc, DataCard(dataset="own", classes=tuple(range(6))))).model
    assert loaded.config == qvc.config
    assert torch.equal(loaded(pictures), qvc(pictures))


@pytest.mark.parametrize("objective", [None, NoiseAware(shots=50, depolarizing=0.01, draws=2)])
def test_a_stopped_training_goes_on_bit_for_bit(objective: NoiseAware | None) -> None:
    pictures = images(30)
    data = pictures, (pictures.flatten(1).argmax(1) % 6)

    def trainer(state: TrainingState | None = None) -> Trainer:
        how = TrainingConfig(epochs=2, batch_size=10, learning_rate=0.05)
        return Trainer(QVC(config("linear-zz"), 3), data, data, how, state, objective)

    whole, steps = trainer(), iter(range(100))
    assert whole.run()
    part = trainer()
    assert not part.run(should_stop=lambda: next(steps) == 4)
    again = trainer(load_state(dump_state(part.snapshot())))
    assert again.run()
    start = QVC(config("linear-zz"), 3).state_dict()
    for key, tensor in whole.model.state_dict().items():
        assert torch.equal(tensor, again.model.state_dict()[key])
        assert not torch.equal(tensor, start[key])


@pytest.mark.parametrize("name", ["single", "strings", "linear-zz"])
def test_shot_noise_is_that_of_the_same_shots(name: str) -> None:
    """Mean and covariance of the drawn logits against those of counts."""
    qvc, picture, shots = model(name).double(), images(1).double(), 100
    generator = torch.Generator().manual_seed(9)
    with torch.no_grad():
        z = qvc.expectations(picture)[0].numpy()
        same = picture.expand(4000, -1, -1, -1)
        draws = noisy_logits(qvc, same, NoiseAware(shots=shots), generator).numpy()
        network = qvc.connector.neural_network
        outcomes = network.probabilities(qvc.features(picture), qvc.weight)[0].numpy()  # type: ignore[attr-defined]
    signs = 1 - 2 * (np.arange(8)[:, None] >> np.arange(3) & 1)
    values = np.stack([signs[:, list(string)].prod(1) for string in qvc.readout.strings], axis=1)
    covariance = (values.T * outcomes) @ values - np.outer(z, z)
    matrix = qvc.head.matrix.detach().numpy()
    wanted = matrix @ covariance @ matrix.T / shots
    spread = np.sqrt(np.diag(wanted))
    logits = qvc(picture).detach().numpy()[0]
    assert (np.abs(draws.mean(0) - logits) <= SIGMAS * spread / len(draws) ** 0.5 + VALUE[torch.float64]).all()
    error = np.outer(spread, spread) * (2 / len(draws)) ** 0.5
    assert (np.abs(np.cov(draws.T) - wanted) <= SIGMAS * error + VALUE[torch.float64]).all()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"readout": "linear", "observables": ("ZZ",)}, "'ZZ': got 2 letters; expected 3"),
        ({"readout": "linear", "observables": ("ZYI",)}, "got the letter Y"),
        ({"readout": "single"}, "got 3 classes; expected two"),
        ({"readout": "qubits", "observables": ("ZZZ",)}, "products of Z of its own"),
    ],
)
def test_a_configuration_that_cannot_be_read_is_none(fields: dict[str, object], message: str) -> None:
    values = {"image_shape": (1, 2, 4), "num_classes": 3, "num_layers": 1, **fields}
    with pytest.raises((ConfigurationError, ValidationError), match=message):
        QVCConfig.model_validate(values)
