"""What an error on a part of a line costs a classifier."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from qiskit.circuit import QuantumCircuit
from scipy.stats import norm

from qaml_qiskit.deployments.circuits import parameter_values
from qaml_qiskit.deployments.compiled import circuit_to_run
from qaml_qiskit.deployments.line_weights import (
    ONE_QUBIT_ERROR,
    SHOTS,
    TWO_QUBIT_ERROR,
    line_losses,
    line_weights,
    on_uniform_line,
    uniform_noise,
)
from qaml_qiskit.evaluation import LinearHead, Margins
from qaml_qiskit.execution import measured_qubits
from qaml_qiskit.models import QVC, QVCConfig, unit_head
from qaml_qiskit.simulation.heisenberg import noisy_expectations
from tests.tolerances import DIFFERENT, FINITE_DIFFERENCE

Classifier = tuple[QVC, LinearHead, QuantumCircuit, torch.Tensor, np.ndarray]


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    qvc = QVC(QVCConfig(image_shape=(1, 1, 4), num_classes=3, num_layers=2, encoding="angle", init_std=1.0), 3)
    images = torch.rand(12, 1, 1, 4, generator=torch.Generator().manual_seed(1))
    return qvc, unit_head(qvc), circuit_to_run(qvc), images, np.arange(12) % 3


def expected_accuracy(classifier: Classifier) -> Callable[[float, np.ndarray], np.ndarray]:
    """By the scale of the noise, and by how much larger readout makes the spread of each string."""
    qvc, head, circuit, images, labels = classifier
    isa = on_uniform_line(circuit)
    with torch.no_grad():
        values = parameter_values(isa, qvc.encoding.angles(images).numpy())
    strings = [tuple(measured_qubits(isa)[bit] for bit in string) for string in qvc.readout.bits]
    bare = isa.remove_final_measurements(inplace=False)

    def read(scale: float) -> np.ndarray:
        return noisy_expectations(bare, uniform_noise(scale), strings, values=values).numpy()

    at = Margins.of(read(1), head, labels)
    variances = at.variances(read(1), SHOTS)

    def accuracy(scale: float, errors: np.ndarray) -> np.ndarray:
        # The same class stays the best other one.
        margins = at.values + ((read(scale) - read(1)) * at.weights).sum(1)
        growth = np.array([np.prod([1 / (1 - 2 * errors[qubit]) ** 2 for qubit in string]) for string in strings])
        return norm.cdf(margins / np.sqrt((variances * growth).sum(1))).mean()

    return accuracy


def test_losses_are_derivatives_of_the_expected_accuracy(classifier: Classifier) -> None:
    accuracy, losses = expected_accuracy(classifier), line_losses(*classifier)
    n, step = len(losses.readout), DIFFERENT
    found = losses.bonds.sum() * TWO_QUBIT_ERROR + losses.one_qubit.sum() * ONE_QUBIT_ERROR
    sides = [accuracy(1 + side, np.zeros(n)) for side in (step, -step)]
    assert found == pytest.approx(-(sides[0] - sides[1]) / (2 * step), abs=FINITE_DIFFERENCE)
    for qubit in range(n):
        errors = np.eye(n)[qubit] * step
        slope = (accuracy(1, errors) - accuracy(1, -errors)) / (2 * step)
        assert losses.readout[qubit] == pytest.approx(-slope, abs=step**2 * 10)


def test_weights_are_losses_and_never_below_nothing(classifier: Classifier) -> None:
    losses, weights = line_losses(*classifier), line_weights(*classifier)
    assert weights.bonds == tuple(np.maximum(losses.bonds, 0))
    assert weights.one_qubit == tuple(np.maximum(losses.one_qubit, 0))
    assert all((weight > 0) == measured for weight, measured in zip(weights.readout, losses.measured, strict=True))
