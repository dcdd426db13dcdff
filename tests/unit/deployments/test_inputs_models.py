"""Logits, weights, radii, seeds and draws: what models, attacks and their measures are given is right, or refused."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from qaml_qiskit.attacks import ExpectedLogits, FGSMConfig, PGDConfig, audit, drawn_accuracy, run_attack
from qaml_qiskit.attacks.quantum import Budget, ReadoutAttack
from qaml_qiskit.certificates import certify_l2, decompose, l2_attack, linf_attack, linf_lower_bounds, lipschitz_radii
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.evaluation import Proportion, accuracy, rms_difference, slope
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
from tests.unit.ground.input_cases import MODELS, SHAPE, images
from tests.unit.simulation.simulation_cases import qvc, samples, weights_for


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
