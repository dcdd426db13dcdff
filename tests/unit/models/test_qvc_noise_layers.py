"""Noise layers of a QVC: drawn in training, exact on average in use."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from qiskit.quantum_info import DensityMatrix, Kraus

from qaml_qiskit.circuits import ANSAETZE, Brickwork, NoiseLayers
from qaml_qiskit.defences import Combined, NoiseAware
from qaml_qiskit.encodings import amplitudes
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.execution import load_recipe, open_target, to_isa
from qaml_qiskit.execution.catalogue import IdealEntry
from qaml_qiskit.freezing import frozen
from qaml_qiskit.models import (
    QVC,
    DataCard,
    Hybrid,
    HybridConfig,
    Trainer,
    TrainingConfig,
    TrainingState,
    dump_state,
    load_model,
    load_state,
    save_model,
)
from qaml_qiskit.noise import LAYER_END, add_flips
from tests.tolerances import DIFFERENCE_STEP, DIFFERENT, FINITE_DIFFERENCE, GRADIENT, SIGMAS, VALUE
from tests.unit.models.noise_layer_cases import LOUD, MIXED, SHAPE, L, N, qvc
from tests.unit.simulation.heisenberg_cases import aer_expectations


@pytest.fixture
def images(generator: torch.Generator) -> torch.Tensor:
    return torch.rand(3, *SHAPE, generator=generator) * 0.98 + 0.01


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(2)
        yield


# On average


@pytest.mark.parametrize("ansatz", sorted(ANSAETZE.parts()))
@pytest.mark.parametrize("layers", [LOUD, MIXED], ids=["gaussian", "gaussian-bernoulli"])
def test_the_mean_of_draws_is_the_exact_average(images: torch.Tensor, ansatz: str, layers: NoiseLayers) -> None:
    model = qvc(layers, ansatz)
    exact = model.eval().expectations(images)
    model.train()
    with torch.no_grad():
        drawn = torch.stack([model.expectations(images) for _ in range(300)]).double()
    errors = drawn.std(0) / len(drawn) ** 0.5
    assert ((drawn.mean(0) - exact).abs() < SIGMAS * errors + VALUE[torch.float32]).all()
    assert (exact - model.without_noise_layers()(images) / 20).abs().max() > DIFFERENT


@pytest.mark.parametrize("layers", [LOUD, MIXED], ids=["gaussian", "gaussian-bernoulli"])
def test_the_mean_gradient_is_that_of_the_exact_average(images: torch.Tensor, layers: NoiseLayers) -> None:
    """Of ⟨Z₀⟩ by every β and by two weights, against central differences of the exact average."""
    model = qvc(layers).double()
    image = images[:1].double()
    found = []
    for _ in range(400):
        z = model.train().expectations(image)[0, 0]
        by_betas, by_weights = torch.autograd.grad(z, (model.betas, model.weight))
        found.append(torch.cat([by_betas, by_weights[:2]]))
    drawn = torch.stack(found)
    errors = drawn.std(0) / len(drawn) ** 0.5
    model.eval()
    for place in range(L + 2):
        parameter, index = (model.betas, place) if place < L else (model.weight, place - L)
        ends = []
        for sign in (1, -1):
            with torch.no_grad():
                parameter[index] += sign * DIFFERENCE_STEP
                ends.append(model.expectations(image)[0, 0])
                parameter[index] -= sign * DIFFERENCE_STEP
        slope = (ends[0] - ends[1]) / (2 * DIFFERENCE_STEP)
        assert (drawn.mean(0)[place] - slope).abs() < SIGMAS * errors[place] + FINITE_DIFFERENCE
        assert place >= L or slope.abs() > DIFFERENT


@pytest.mark.parametrize("ansatz", ["cnot", "brickwork", "qcnn", "real"])
def test_the_exact_average_is_that_of_density_matrices(images: torch.Tensor, ansatz: str) -> None:
    """By Aer with the flips behind their markers, and by hand with a channel in front of every layer."""
    model = qvc(MIXED, ansatz).double().eval()
    with torch.no_grad():
        model.betas += torch.arange(L) / 3
        exact = model.expectations(images.double()).numpy()
    native = to_isa(
        model.ansatz(noise_layers="markers"),
        open_target("native", IdealEntry(kind="ideal"), N).isa,
        load_recipe("quick"),
    )
    marked, noise = add_flips(native, model.flips())
    parts = [*model.config.build_ansatz().layers(), model.config.build_ansatz().end()]
    weights, betas = model.weight.tolist(), model.betas.tolist()
    for state, z in zip(amplitudes(images.double(), N).numpy(), exact, strict=True):
        assert np.abs(aer_expectations(marked, noise, state)[:2] - z).max() < VALUE[torch.float64]
        density = DensityMatrix(state)
        for layer, part in enumerate(parts):
            bound = part.assign_parameters({each: weights[each.index] for each in part.parameters})
            for qubit in model.config.build_ansatz().noisy_qubits(layer) if layer < L else ():
                p = 0.7 * (1 - math.exp(-0.5 * betas[layer] ** 2 / 2)) / 2
                flip = Kraus([np.sqrt(1 - p) * np.eye(2), np.sqrt(p) * np.array([[0, -1j], [1j, 0]])])
                density = density.evolve(flip, [qubit])
            density = density.evolve(bound)
        diagonal, index = density.data.diagonal().real, np.arange(2**N)
        by_hand = [(diagonal * (1 - 2 * (index >> qubit & 1))).sum() for qubit in range(2)]
        assert np.abs(by_hand - z).max() < VALUE[torch.float64]


def test_the_average_differentiates_in_the_images_alone(images: torch.Tensor) -> None:
    model = qvc().double().eval()
    image = images[:1].double().requires_grad_()
    logits = model(image)
    (gradient,) = torch.autograd.grad(logits[0, 1], image)
    step = torch.zeros_like(image)
    step[0, 0, 1, 2] = DIFFERENCE_STEP
    with torch.no_grad():
        slope = (model(image + step)[0, 1] - model(image - step)[0, 1]) / (2 * DIFFERENCE_STEP)
    assert abs(float(gradient[0, 0, 1, 2] - slope)) < FINITE_DIFFERENCE * model.config.logit_scale
    assert not model(images.double()).requires_grad
    with frozen(model):
        assert torch.equal(model(image), logits)


def test_the_average_follows_every_change(images: torch.Tensor) -> None:
    """What is kept belongs to the weights, β and the precision as they are."""
    model = qvc().eval()
    with torch.inference_mode():
        first = model(images)
    found = [first]
    for change in (model.betas, model.weight):
        with torch.no_grad():
            change[0] += 0.5
        found.append(model(images))
        assert (found[-1] - found[-2]).abs().max() > DIFFERENT
    assert torch.equal(found[-1], model(images))
    assert model.double()(images.double()).dtype == torch.float64


# The model


@pytest.mark.parametrize("layers", [NoiseLayers(variance=0), NoiseLayers(beta=0)], ids=["no variance", "no beta"])
@pytest.mark.parametrize("ansatz", ["cnot", "qcnn", "real"])
def test_no_variance_and_no_beta_are_the_plain_model(images: torch.Tensor, layers: NoiseLayers, ansatz: str) -> None:
    model = qvc(layers, ansatz)
    plain = model.without_noise_layers()
    assert plain.state_dict().keys() == qvc(None, ansatz).state_dict().keys()
    for mode in (True, False):
        assert (model.train(mode)(images) - plain(images)).abs().max() < VALUE[torch.float32] * 20
    gradients = [torch.autograd.grad(each.train()(images).sum(), each.weight)[0] for each in (model, plain)]
    assert (gradients[0] - gradients[1]).abs().max() < GRADIENT[torch.float32] * gradients[1].abs().max()


def test_layers_act_in_their_phases_alone(images: torch.Tensor) -> None:
    both = qvc()
    plain = both.without_noise_layers()
    for phases in ("training", "inference"):
        model = both.with_noise_layers(LOUD.model_copy(update={"phases": phases}))
        noisy, quiet = model.train(phases == "training")(images), model.train(phases != "training")(images)
        assert torch.equal(quiet, plain(images))
        assert (noisy - quiet).abs().max() > DIFFERENT


def test_a_draw_is_shared_by_the_batch_and_repeated_by_its_seed(images: torch.Tensor) -> None:
    model = qvc().train()
    torch.manual_seed(5)
    together = model(images)
    assert not torch.equal(together, model(images))
    torch.manual_seed(5)
    drawn = model.draw()
    assert drawn.shape == (L, N)
    assert (model.drawn_logits(images, drawn) - together).abs().max() < VALUE[torch.float32] * 20
    own = torch.Generator().manual_seed(3)
    assert not torch.equal(model.draw(own), model.draw(own))
    assert torch.equal(model.draw(torch.Generator().manual_seed(3)), model.draw(torch.Generator().manual_seed(3)))


def test_gaussian_bernoulli_draws_are_often_zero() -> None:
    model = qvc(MIXED, num_layers=400)
    drawn = model.draw().detach()
    share, count = float((drawn != 0).double().mean()), drawn.numel()
    assert abs(share - 0.7) < SIGMAS * math.sqrt(0.7 * 0.3 / count)
    spread = drawn[drawn != 0].square().double().mean() / 1.5**2
    assert abs(float(spread) - 0.5) < SIGMAS * 0.5 * math.sqrt(2 / (0.7 * count))


def test_copies_have_the_same_weights_under_another_rule(images: torch.Tensor) -> None:
    model = qvc()
    with torch.no_grad():
        model.betas += 0.1
    other = model.with_noise_layers(MIXED)
    assert torch.equal(other.betas, model.betas)
    assert other.config.noise_layers == MIXED
    assert torch.equal(other.weight, model.weight)
    anew = model.without_noise_layers().with_noise_layers(NoiseLayers(beta=0.4))
    assert torch.equal(anew.betas, torch.full((L,), 0.4))
    assert "noise layers in both" in repr(model)


def test_models_without_noise_layers_have_no_draws(images: torch.Tensor) -> None:
    plain = qvc(None)
    assert "betas" not in plain.state_dict()
    for ask in (plain.draw, plain.flips, lambda: plain.drawn_logits(images, torch.zeros(L, N))):
        with pytest.raises(ConfigurationError, match="has no noise layers"):
            ask()
    with pytest.raises(InputError, match="do not fit the noise layers"):
        qvc().drawn_logits(images, torch.zeros(N, L))


def test_circuits_without_layers_are_refused_and_with_some_taken(images: torch.Tensor) -> None:
    with pytest.raises(ConfigurationError, match="noise layers need layers"):
        QVC(circuit=Brickwork(N, 2).circuit(), noise_layers=LOUD)
    own = QVC(circuit=Brickwork(N, 2).circuit(LAYER_END), noise_layers=LOUD)
    assert own.betas.shape == (2,)
    built = qvc(ansatz="brickwork", num_layers=2)
    built.load_state_dict(own.state_dict())
    difference = own.eval()(images) - built.eval()(images)
    assert difference.abs().max() < VALUE[torch.float32] * 20


def test_a_model_comes_back_from_its_files(tmp_path: Path, images: torch.Tensor) -> None:
    model = qvc(MIXED)
    with torch.no_grad():
        model.betas += torch.arange(L) / 7
    card = save_model(tmp_path / "model", model, DataCard(dataset="mine", classes=(0, 1)))
    again = load_model(card).model
    assert isinstance(again, QVC)
    assert again.config == model.config
    assert torch.equal(again.betas, model.betas)
    assert torch.equal(again(images), model.eval()(images))


def test_a_hybrid_has_noise_layers_too(images: torch.Tensor) -> None:
    config = HybridConfig(image_shape=SHAPE, num_classes=2, num_layers=L, ansatz="cnot", noise_layers=LOUD)
    model = Hybrid(config, seed=1)
    model(images).sum().backward()
    for parameter in (model.betas, model.weight, model.layers.convolution.weight):
        assert parameter.grad is not None
        assert parameter.grad.abs().max() > 0
    exact = model.eval()(images).detach()
    with torch.no_grad():
        drawn = torch.stack([model.train()(images) for _ in range(200)]).double()
    errors = drawn.std(0) / len(drawn) ** 0.5
    assert ((drawn.mean(0) - exact).abs() < SIGMAS * errors + VALUE[torch.float32] * 20).all()
    twin = model.eval().without_noise_layers()
    assert isinstance(twin, Hybrid)
    assert (twin(images) - exact).abs().max() > DIFFERENT


# Training


@pytest.mark.parametrize("layers", [LOUD, MIXED], ids=["gaussian", "gaussian-bernoulli"])
@pytest.mark.parametrize("stop_after", [1, 3, 4, 6])
def test_resumed_training_is_bit_identical(generator: torch.Generator, layers: NoiseLayers, stop_after: int) -> None:
    """With adversarial images made through the noise, stopped inside and between epochs."""
    images = torch.rand(20, *SHAPE, generator=generator) * 0.98 + 0.01
    data = images, (images[:, 0, 0].sum(1) > images[:, 0, 1].sum(1)).long()

    def trainer(state: TrainingState | None = None) -> Trainer:
        config = TrainingConfig(epochs=2, batch_size=6, learning_rate=0.05)
        return Trainer(qvc(layers), data, data, config, state, Combined(adversary="bim", adversary_steps=2))

    whole, steps = trainer(), 0
    assert whole.run()

    def count(state: TrainingState) -> None:
        nonlocal steps
        steps += 1

    first = trainer()
    assert not first.run(on_step=count, should_stop=lambda: steps >= stop_after)
    second = trainer(load_state(dump_state(first.snapshot())))
    assert second.run()
    for name, tensor in whole.model.state_dict().items():
        assert torch.equal(tensor, second.model.state_dict()[name]), name
    assert whole.state.history == second.state.history
    assert not torch.equal(whole.model.betas, torch.full((L,), layers.beta))


def test_noise_of_a_device_is_not_trained_with_noise_layers() -> None:
    with pytest.raises(ConfigurationError, match="noise layers under device noise"):
        NoiseAware(depolarizing=0.01).check(qvc())
