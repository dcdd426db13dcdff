"""Images and labels of any kind are taken by public functions and right, or refused in one sentence."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from qaml_qiskit.attacks import FGSMConfig, PGDConfig, drawn_accuracy, run_attack
from qaml_qiskit.attacks.quantum import (
    AngleAttack,
    Budget,
    CalibrationAttack,
    GateAttack,
    ReadoutAttack,
    StateAttack,
    logits_of_weights,
)
from qaml_qiskit.certificates import (
    certify_l2,
    decompose,
    hypothesis_testing_radii,
    l2_attack,
    linf_attack,
    linf_lower_bounds,
    lipschitz_radii,
)
from qaml_qiskit.encodings import (
    AngleEncoding,
    ApproximateEncoding,
    Encoding,
    ExactEncoding,
    MultiplexedEncoding,
    amplitudes,
    choose_layers,
    qubits_for,
)
from qaml_qiskit.errors import InputError, QamlError
from qaml_qiskit.evaluation import accuracy
from qaml_qiskit.labels import check_labels
from qaml_qiskit.models import Trainer, TrainingConfig, predict
from tests.tolerances import VALUE
from tests.unit.ground.input_cases import MODELS, SHAPE, images
from tests.unit.simulation.simulation_cases import samples


@pytest.fixture(params=list(MODELS))
def model(request: pytest.FixtureRequest) -> nn.Module:
    return MODELS[request.param]().eval()


def read_only(pictures: Tensor) -> np.ndarray:
    array = pictures.numpy().copy()
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    "given",
    [
        lambda x: x.numpy(),
        read_only,
        lambda x: np.ascontiguousarray(x.numpy()[::-1])[::-1],
        lambda x: x.numpy().astype(">f4"),
        lambda x: x.double(),
        lambda x: x.numpy().astype(np.float64),
    ],
    ids=["array", "read-only", "reversed", "big-endian", "double", "double-array"],
)
def test_models_take_images_of_any_floating_kind(model: nn.Module, given: Callable[[Tensor], object]) -> None:
    expected = model(images()).detach()
    found = model(given(images())).detach()
    assert torch.allclose(found.float(), expected, atol=20 * VALUE[torch.float32], rtol=0)


def test_models_take_an_empty_batch(model: nn.Module) -> None:
    assert model(images(0)).shape == (0, 3)
    assert predict(model, images(0)).shape == (0, 3)


@pytest.mark.parametrize(
    "wrong",
    [
        torch.ones(2, *SHAPE, dtype=torch.uint8),
        torch.ones(2, *SHAPE, dtype=torch.int64),
        torch.ones(2, *SHAPE, dtype=torch.bool),
        torch.ones(2, *SHAPE, dtype=torch.complex64),
        np.ones((2, *SHAPE), dtype=np.uint8),
        np.ones((2, *SHAPE), dtype=object),
        torch.ones(2, 8, 8),
        torch.ones(2, 1, 8, 9),
        None,
        [[1.0]],
    ],
    ids=str,
)
def test_other_images_are_refused(model: nn.Module, wrong: object) -> None:
    labels = torch.tensor([0, 1])
    for call in (
        lambda: model(wrong),
        lambda: predict(model, wrong),
        lambda: run_attack(model, wrong, labels, FGSMConfig()),
        lambda: drawn_accuracy(model, wrong, labels, 2),
        lambda: Trainer(model, (wrong, labels), (images(2), labels), TrainingConfig()),
    ):
        with pytest.raises(InputError):
            call()


LABEL_KINDS = [
    torch.tensor([0, 1, 0, 1, 1, 0], dtype=torch.int32),
    torch.tensor([0, 1, 0, 1, 1, 0], dtype=torch.uint8),
    torch.tensor([0, 1, 0, 1, 1, 0]).bool(),
    np.array([0, 1, 0, 1, 1, 0], dtype=np.int8),
    np.array([0, 1, 0, 1, 1, 0], dtype=np.uint64),
    [0, 1, 0, 1, 1, 0],
]
WRONG_LABELS = [
    torch.tensor([[0], [1], [0], [1], [1], [0]]),
    torch.tensor([0, 1, 0, 1, 1, 3]),
    torch.tensor([0, 1, 0, 1, 1, -1]),
    torch.tensor([0.0, 1, 0, 1, 1, 0]),
    torch.tensor([0, 1, 0]),
    torch.tensor(1),
    np.array(["0", "1", "0", "1", "1", "0"]),
    np.array([0, 1, 0, 1, 1, 2**63], dtype=np.uint64),
    None,
]


def label_users() -> dict[str, Callable[[object], object]]:
    """Functions of the labels of six examples in three classes."""
    classifier = MODELS["qvc"]()
    pictures = images().numpy()
    logits = predict(classifier, images())
    forms = decompose(np.random.default_rng(1).normal(size=(3, 64, 64)))
    flat = images().flatten(1).double().numpy()
    z, angles = logits / 20, torch.full((6, 2), 0.3)
    states = torch.nn.functional.normalize(images().flatten(1).double(), dim=1)
    matrices = torch.from_numpy(forms.matrices)
    wanted, weight = logits_of_weights(classifier, "connector.weight", images())
    budget = Budget(0.1, 2)

    def shifted(point: Tensor) -> Tensor:
        return logits + point.sum(1, keepdim=True) * torch.arange(3)

    def trained(labels: object) -> Tensor:
        trainer = Trainer(MODELS["qvc"](), (pictures, labels), (pictures, labels), TrainingConfig(epochs=1))
        trainer.run()
        return trainer.model.weight.detach()

    return {
        "run_attack": lambda labels: run_attack(classifier, pictures, labels, PGDConfig(steps=2)).images,
        "drawn_accuracy": lambda labels: drawn_accuracy(classifier, pictures, labels, 2).correct,
        "Trainer": trained,
        "accuracy": lambda labels: accuracy(logits.numpy(), labels).successes,
        "certify_l2": lambda labels: certify_l2(forms, flat, labels).radius,
        "linf_lower_bounds": lambda labels: linf_lower_bounds(forms, flat, labels, np.full(6, 0.1), refine=False),
        "lipschitz_radii": lambda labels: lipschitz_radii(forms, flat, labels),
        "hypothesis_testing_radii": lambda labels: hypothesis_testing_radii(forms, flat, labels),
        "l2_attack": lambda labels: l2_attack(forms, flat, labels, steps=3),
        "linf_attack": lambda labels: linf_attack(forms, flat, labels, np.full(6, 0.1), steps=2),
        "AngleAttack": lambda labels: AngleAttack(shifted, angles, labels, steps=2).damage(budget).change,
        "GateAttack": lambda labels: GateAttack(wanted, weight, [(0, 1, 2)], labels).damage(Budget(1.0)).fooled,
        "ReadoutAttack": lambda labels: ReadoutAttack(z.numpy(), labels).damage(budget).change,
        "CalibrationAttack": lambda labels: (
            CalibrationAttack(z, torch.full((3,), 0.1), torch.full((3,), 0.1), labels).damage(budget).change
        ),
        "StateAttack": lambda labels: StateAttack(states, matrices, labels).damage(budget).fooled,
    }


@pytest.fixture(scope="module")
def users() -> dict[str, Callable[[object], object]]:
    return label_users()


@pytest.mark.parametrize("name", list(label_users()))
def test_labels_of_any_integer_kind_mean_the_same(users: dict[str, Callable[[object], object]], name: str) -> None:
    expected = np.asarray(users[name](torch.tensor([0, 1, 0, 1, 1, 0])))
    for labels in LABEL_KINDS:
        assert np.array_equal(np.asarray(users[name](labels)), expected)


@pytest.mark.parametrize("name", list(label_users()))
def test_other_labels_are_refused(users: dict[str, Callable[[object], object]], name: str) -> None:
    for labels in WRONG_LABELS:
        with pytest.raises(InputError, match="label"):
            users[name](labels)


def test_the_label_that_is_no_class_is_named() -> None:
    with pytest.raises(InputError, match="image 2 is no class: got 7; expected a number from 0 to 4"):
        check_labels([0, 1, 7], 3, 5)


ENCODINGS = [
    MultiplexedEncoding(2),
    MultiplexedEncoding(2, "gray"),
    ExactEncoding(2),
    ApproximateEncoding(2, 1),
    AngleEncoding(4),
]


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda encoding: encoding.name)
def test_encodings_take_arrays_and_whole_numbers(encoding: Encoding) -> None:
    numbers = torch.tensor([[[[0.0, 1.0], [2.0, 3.0]]]])
    expected = encoding.state(numbers)
    for given in (numbers.numpy(), numbers.long(), numbers.numpy().astype(np.uint8)):
        assert torch.equal(encoding.state(given), expected)
        if not isinstance(encoding, ExactEncoding):
            assert torch.equal(encoding.angles(given), encoding.angles(numbers))
    assert encoding.circuit_for(numbers[0].numpy()).num_parameters == 0
    size = 2**encoding.num_qubits
    assert encoding.state(numbers[:0]).shape == (0, size)
    assert encoding.fidelity(numbers[:0]).shape == (0,)
    for wrong in (numbers.to(torch.complex64), torch.tensor(1.0), torch.ones(4), None, "image"):
        with pytest.raises(InputError):
            encoding.state(wrong)


def test_encoding_nothing() -> None:
    with pytest.raises(InputError, match="0 features"):
        qubits_for(0)
    assert choose_layers(torch.zeros(0, 1, 2, 2), 0.9, make=partial(ApproximateEncoding, 2)).layers.shape == (0,)


def test_complex_amplitudes_keep_their_phases() -> None:
    features = samples(3, 2, torch.complex128)
    assert torch.allclose(amplitudes(2 * features, 2), features)


def test_errors_have_four_beats() -> None:
    with pytest.raises(QamlError) as caught:
        MODELS["convnet"]()(torch.ones(1, *SHAPE, dtype=torch.uint8))
    assert "divide bytes by 255" in caught.value.remedy
