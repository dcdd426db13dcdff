"""What public functions are given: images and labels of any kind are taken and right, or refused in one sentence."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from qaml_qiskit.attacks import (
    AttackConfig,
    ExpectedLogits,
    FGSMConfig,
    PGDConfig,
    attack_images,
    audit,
    drawn_accuracy,
    run_attack,
)
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
from qaml_qiskit.errors import ConfigurationError, InputError, QamlError
from qaml_qiskit.evaluation import Proportion, accuracy, rms_difference, slope
from qaml_qiskit.labels import check_labels
from qaml_qiskit.models import (
    QVC,
    ConvNet,
    ConvNetConfig,
    QuadraticClassifier,
    QuadraticConfig,
    QVCConfig,
    ResNet18,
    ResNet18Config,
    Trainer,
    TrainingConfig,
    predict,
)
from qaml_qiskit.simulation import compile_circuit, unitary, z_expectations
from tests.tolerances import VALUE
from tests.unit.simulation_cases import qvc, samples, weights_for

SHAPE = (1, 8, 8)
MODELS: dict[str, Callable[[], nn.Module]] = {
    "qvc": lambda: QVC(QVCConfig(image_shape=SHAPE, num_classes=3, num_layers=2), 1),
    "approximate": lambda: QVC(
        QVCConfig(
            image_shape=SHAPE,
            num_classes=3,
            num_layers=2,
            encoding="approximate",
            encoding_layers=1,
            pixel_order="gray",
        ),
        1,
    ),
    "convnet": lambda: ConvNet(ConvNetConfig(image_shape=SHAPE, num_classes=3, hidden=4), 1),
    "resnet18": lambda: ResNet18(ResNet18Config(image_shape=SHAPE, num_classes=3, width=2), 1),
    "quadratic": lambda: QuadraticClassifier(QuadraticConfig(image_shape=SHAPE, num_classes=3), 1),
}


def images(count: int = 6) -> Tensor:
    return torch.rand(count, *SHAPE, generator=torch.Generator().manual_seed(2))


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
    assert attack_images(model, images(0), torch.zeros(0, dtype=torch.long), AttackConfig()).shape == (0, *SHAPE)


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
        lambda: attack_images(model, wrong, labels, AttackConfig()),
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
        "attack_images": lambda labels: attack_images(classifier, pictures, labels, AttackConfig(steps=2)),
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


class Mute(nn.Module):
    """Says NaN of the fourth image."""

    def forward(self, pictures: Tensor) -> Tensor:
        logits = pictures.flatten(1)[:, :3]
        return torch.where((torch.arange(len(pictures)) == 3)[:, None], torch.full_like(logits, torch.nan), logits)


def test_nan_logits_are_no_right_answer() -> None:
    labels = torch.zeros(6, dtype=torch.long)
    for call in (
        lambda: run_attack(Mute(), images(), labels, FGSMConfig()),
        lambda: drawn_accuracy(Mute(), images(), labels, 2),
        lambda: audit(Mute(), images(), labels, PGDConfig()),
        lambda: accuracy(Mute()(images()).numpy(), labels.numpy()),
    ):
        with pytest.raises(InputError, match="image 3"):
            call()
    with pytest.raises(InputError, match="NaN"):
        ReadoutAttack(Mute()(images()), labels).damage(Budget(0.1))


def test_accuracy_of_logits_that_still_have_their_graph() -> None:
    logits = torch.eye(3, requires_grad=True)
    assert accuracy(logits, torch.arange(3)).value == 1


def test_accuracy_of_nothing_and_of_infinite_logits() -> None:
    assert accuracy(np.array([[np.inf, 0.0], [-np.inf, 0.0]]), np.array([0, 1])).value == 1
    for logits, labels in ((np.ones((0, 3)), []), (np.ones(3), [0, 0, 0]), (np.ones((3, 0)), [0, 0, 0])):
        with pytest.raises(InputError, match="no accuracy"):
            accuracy(logits, np.array(labels, dtype=int))
    for successes, trials in ((0, 0), (2, 1), (-1, 3)):
        with pytest.raises(InputError, match="no proportion"):
            Proportion(successes, trials)


@pytest.mark.parametrize("function", [rms_difference, slope])
def test_values_are_compared_with_as_many(function: Callable[[object, object], float]) -> None:
    good = np.arange(6.0).reshape(3, 2)
    assert function(torch.from_numpy(good), good) == (0 if function is rms_difference else 1)
    for wrong in (good[:, :1], good[:1], good[:0], np.full((3, 2), np.nan), good * 1j):
        with pytest.raises(InputError):
            function(wrong, good)


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
    assert choose_layers(torch.zeros(0, 1, 2, 2), 0.9, num_qubits=2).layers.shape == (0,)


def test_complex_amplitudes_keep_their_phases() -> None:
    features = samples(3, 2, torch.complex128)
    assert torch.allclose(amplitudes(2 * features, 2), features)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_angles(value: float) -> None:
    circuit = qvc(2, 1)
    program, weights = compile_circuit(circuit), weights_for(circuit)
    exact = z_expectations(program, samples(2, 2, torch.float64), weights, [0])
    assert torch.equal(z_expectations(program, samples(2, 2, torch.float64).numpy(), weights.numpy(), [0]), exact)
    weights[1] = value
    for call in (
        lambda: z_expectations(program, samples(2, 2, torch.float64), weights, [0]),
        lambda: unitary(program, weights),
    ):
        with pytest.raises(InputError, match="NaN or infinite"):
            call()


def test_radii_must_belong_to_the_images() -> None:
    forms, pictures = decompose(np.random.default_rng(1).normal(size=(2, 4, 4))), np.ones((3, 4))
    for wrong in (np.ones((3, 1)), np.ones(2), -np.ones(3), np.full(3, np.nan)):
        with pytest.raises(InputError, match="do not fit the images"):
            linf_lower_bounds(forms, pictures, [0, 0, 0], wrong)
        with pytest.raises(InputError, match="do not fit the images"):
            linf_attack(forms, pictures, [0, 0, 0], wrong)
    with pytest.raises(InputError, match="image 1 has no direction"):
        lipschitz_radii(forms, np.array([[1.0, 0, 0, 0], [0, 0, 0, 0]]), [0, 0])
    assert certify_l2(forms, pictures[:0], []).radius.shape == (0,)


def seed_users() -> dict[str, Callable[[int], object]]:
    config = QVCConfig(image_shape=(1, 2, 2), num_classes=2, num_layers=1)
    forms = decompose(np.random.default_rng(1).normal(size=(2, 4, 4)))
    labels = torch.zeros(6, dtype=torch.long)
    return {
        "QVC": lambda seed: QVC(config, seed),
        "convnet": lambda seed: ConvNet(ConvNetConfig(image_shape=SHAPE, num_classes=2, hidden=2), seed),
        "resnet": lambda seed: ResNet18(ResNet18Config(image_shape=SHAPE, num_classes=2, width=1), seed),
        "quadratic": lambda seed: QuadraticClassifier(QuadraticConfig(image_shape=(1, 2, 2), num_classes=2), seed),
        "drawn_accuracy": lambda seed: drawn_accuracy(MODELS["qvc"](), images(), labels, 1, seed=seed),
        "l2_attack": lambda seed: l2_attack(forms, np.ones((1, 4)), [0], steps=1, seed=seed),
    }


@pytest.mark.parametrize("name", list(seed_users()))
def test_seeds_that_no_library_takes(name: str) -> None:
    seed_users()[name](2**63 - 1)
    for seed in (2**63, 2**64, -1, 1.5, True):
        with pytest.raises(InputError, match="no seed"):
            seed_users()[name](seed)


def test_the_largest_seeds_serve_a_training_and_an_attack() -> None:
    classifier, labels = MODELS["qvc"](), torch.zeros(6, dtype=torch.long)
    Trainer(classifier, (images(), labels), (images(), labels), TrainingConfig(epochs=1, seed=2**62 - 1)).run()
    labels = predict(classifier, images()).argmax(1)
    audit(classifier, images(), labels, PGDConfig(steps=1, restarts=2, seed=2**62 - 1))


def test_draws_that_are_none() -> None:
    for call in (
        lambda: drawn_accuracy(MODELS["qvc"](), images(), torch.zeros(6, dtype=torch.long), 0),
        lambda: ExpectedLogits(MODELS["qvc"](), 0),
    ):
        with pytest.raises(ConfigurationError, match="at least one draw"):
            call()


def test_errors_have_four_beats() -> None:
    with pytest.raises(QamlError) as caught:
        MODELS["convnet"]()(torch.ones(1, *SHAPE, dtype=torch.uint8))
    assert "divide bytes by 255" in caught.value.remedy
