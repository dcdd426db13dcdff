"""Derivatives by the scale of every gate's error, against differences of exact expectations."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SuperOp
from qiskit_aer.noise import (
    NoiseModel,
    QuantumError,
    ReadoutError,
    depolarizing_error,
)
from qiskit_ibm_runtime.fake_provider import FakeManilaV2

from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.simulation.heisenberg import gate_sensitivities, noisy_expectations
from tests.tolerances import DIFFERENCE_STEP, FINITE_DIFFERENCE, VALUE
from tests.unit.simulation.heisenberg_cases import ERRORS
from tests.unit.simulation.simulation_cases import one_thread

_one_thread = pytest.fixture(autouse=True)(one_thread)

READINGS = (0, 2, (0, 1), (0, 1, 2))
VALUES = np.random.default_rng(3).uniform(-np.pi, np.pi, (2, 5))


def ansatz() -> QuantumCircuit:
    """Gates before, between and behind two-qubit gates, in both directions, with free parameters; measured."""
    circuit, angles = QuantumCircuit(3, 3), ParameterVector("θ", 5)
    for qubit in range(3):
        circuit.ry(angles[qubit], qubit)
        circuit.sx(qubit)
    circuit.cz(0, 1)
    circuit.sx(1)
    circuit.rz(angles[3], 1)
    circuit.cx(2, 1)
    circuit.sx(0)
    circuit.cz(0, 1)
    circuit.ry(angles[4], 2)
    circuit.ecr(0, 2)
    circuit.sx(2)
    circuit.measure(range(3), range(3))
    return circuit


Gate = tuple[str, tuple[int, ...]]
#: Of an error that is mixed with the identity, so that a little more of it is still a channel.
MOSTLY = 0.9


@dataclass
class Scaled:
    """Errors of gates and of readings, of which a model is built with some of them scaled."""

    errors: dict[Gate, QuantumError]
    readout: dict[int, ReadoutError]

    def model(self, scales: dict[Gate, float]) -> NoiseModel:
        model = NoiseModel()
        for (name, qubits), error in self.errors.items():
            channel, scale = SuperOp(error).data, scales.get((name, qubits), 1.0)
            mixed = np.eye(len(channel)) + MOSTLY * scale * (channel - np.eye(len(channel)))
            model.add_quantum_error(QuantumError(SuperOp(mixed)), name, list(qubits), warnings=False)
        for qubit, error in self.readout.items():
            confusion = np.eye(2) + scales.get(("measure", (qubit,)), 1.0) * (error.probabilities - np.eye(2))
            model.add_readout_error(ReadoutError(confusion), [qubit])
        return model


def noise(seed: int, kinds: list[str]) -> Scaled:
    """A different error for every gate of the ansatz."""
    rng = np.random.default_rng(seed)
    places = [("sx", (0,)), ("sx", (2,)), ("cz", (0, 1)), ("cx", (2, 1)), ("ecr", (0, 2)), ("ry", (2,))]
    errors = {place: ERRORS[rng.choice(kinds)](len(place[1]), rng) for place in places}
    return Scaled(errors, {0: ReadoutError([[0.9, 0.1], [0.3, 0.7]]), 1: ReadoutError([[0.95, 0.05], [0.05, 0.95]])})


def differences(scaled: Scaled, gates: list[Gate]) -> np.ndarray:
    """Central differences of all readings, every scale of these gates' errors moved at once."""
    sides = [
        noisy_expectations(ansatz(), scaled.model(dict.fromkeys(gates, 1 + step)), READINGS, values=VALUES)
        for step in (DIFFERENCE_STEP, -DIFFERENCE_STEP)
    ]
    return ((sides[0] - sides[1]) / (2 * DIFFERENCE_STEP)).numpy()


@pytest.mark.parametrize("kinds", [["kraus", "coherent"], ["relaxation", "damping"], ["pauli", "depolarising"]])
def test_derivatives_are_differences(kinds: list[str]) -> None:
    scaled = noise(5, kinds)
    found = gate_sensitivities(ansatz(), scaled.model({}), READINGS, VALUES, dtype=torch.float64)
    assert set(found.gates) == {*scaled.errors, ("measure", (0,)), ("measure", (1,))}
    assert found.derivatives.shape == (len(VALUES), len(READINGS), len(found.gates))
    for index, gate in enumerate(found.gates):
        expected = differences(scaled, [gate])
        np.testing.assert_allclose(found.derivatives[..., index], expected, rtol=0, atol=FINITE_DIFFERENCE)
    together = differences(scaled, list(found.gates))
    np.testing.assert_allclose(found.derivatives.sum(-1), together, rtol=0, atol=FINITE_DIFFERENCE)


def test_delays_and_measurements_are_gates_by_their_names() -> None:
    device = FakeManilaV2()
    circuit = QuantumCircuit(2, 2)
    circuit.x(0)
    circuit.delay(100, 0, unit="us")
    circuit.cx(0, 1)
    circuit.measure([1, 0], [0, 1])
    found = gate_sensitivities(circuit, NoiseModel.from_backend(device), None, np.zeros((1, 0)), dtype=torch.float64)
    assert found.gates == (("cx", (0, 1)), ("delay", (0,)), ("measure", (0,)), ("measure", (1,)), ("x", (0,)))
    assert found.uses == (1,) * 5


def test_idling_pulls_an_excited_qubit_down() -> None:
    device = FakeManilaV2()
    circuit = QuantumCircuit(1, 1)
    circuit.x(0)
    circuit.delay(100, 0, unit="us")
    circuit.measure(0, 0)
    model = NoiseModel.from_backend(device, gate_error=False, thermal_relaxation=True, readout_error=False)
    found = gate_sensitivities(circuit, model, None, np.zeros((1, 0)), dtype=torch.float64)
    (excited,) = noisy_expectations(_excited(), model, [0])
    decay = 1 - np.exp(-100e-6 / device.qubit_properties(0).t1)
    at = found.gates.index(("delay", (0,)))
    np.testing.assert_allclose(found.derivatives[0, 0, at], decay * (1 - excited), atol=VALUE[torch.float64])


def _excited() -> QuantumCircuit:
    circuit = QuantumCircuit(1)
    circuit.x(0)
    return circuit


def test_a_quantum_error_before_a_measurement_counts_with_its_readout_error() -> None:
    circuit = QuantumCircuit(1, 1)
    circuit.x(0)
    circuit.measure(0, 0)
    model = NoiseModel()
    model.add_quantum_error(depolarizing_error(0.1, 1), "measure", [0], warnings=False)
    model.add_quantum_error(depolarizing_error(0.1, 1), "x", [0])
    model.add_readout_error(ReadoutError([[0.9, 0.1], [0.1, 0.9]]), [0])
    found = gate_sensitivities(circuit, model, None, np.zeros((1, 0)), dtype=torch.float64)
    assert found.gates == (("measure", (0,)), ("x", (0,)))
    # ⟨Z⟩ = −(1 − 0.1λ)(1 − 0.2λ)(1 − 0.1μ)
    expected = [0.9 * (0.1 * 0.8 + 0.9 * 0.2), 0.9 * 0.8 * 0.1]
    np.testing.assert_allclose(found.derivatives[0, 0], expected, atol=VALUE[torch.float64])


def test_single_precision_agrees() -> None:
    model = noise(2, [*ERRORS]).model({})
    single, double = (
        gate_sensitivities(ansatz(), model, READINGS, VALUES, dtype=dtype).derivatives
        for dtype in (torch.float32, torch.float64)
    )
    np.testing.assert_allclose(single, double, rtol=0, atol=VALUE[torch.float32])


def test_combinations_of_readings_differ_between_runs() -> None:
    model, weights = noise(2, [*ERRORS]).model({}), np.random.default_rng(0).normal(size=(2, 3, len(READINGS)))
    found = gate_sensitivities(ansatz(), model, READINGS, VALUES, combinations=weights, dtype=torch.float64)
    each = gate_sensitivities(ansatz(), model, READINGS, VALUES, dtype=torch.float64)
    np.testing.assert_allclose(found.derivatives, weights @ each.derivatives, rtol=0, atol=VALUE[torch.float64])


@pytest.mark.parametrize("shape", [(2, 4), (1, 1, 4), (2, 1, 3), (2, 0, 4)])
def test_combinations_must_fit_the_readings(shape: tuple[int, ...]) -> None:
    model = noise(1, ["pauli"]).model({})
    with pytest.raises(InputError, match="do not fit the readings"):
        gate_sensitivities(ansatz(), model, READINGS, VALUES, combinations=np.ones(shape))


def test_gates_that_meet_in_a_ring_are_followed_too() -> None:
    circuit, rng, model = QuantumCircuit(5), np.random.default_rng(1), NoiseModel()
    for _ in range(2):
        for qubit in range(5):
            circuit.ry(rng.uniform(-np.pi, np.pi), qubit)
            circuit.cz(qubit, (qubit + 2) % 5)
    model.add_all_qubit_quantum_error(depolarizing_error(0.1, 2), "cz")
    found = gate_sensitivities(circuit, model, None, np.zeros((1, 0)), dtype=torch.float64)
    halves = [NoiseModel(), NoiseModel()]
    for half, scale in zip(halves, (1 + DIFFERENCE_STEP, 1 - DIFFERENCE_STEP), strict=True):
        half.add_all_qubit_quantum_error(depolarizing_error(0.1 * scale, 2), "cz")
    above, below = (noisy_expectations(circuit, half).numpy() for half in halves)
    expected = (above - below) / (2 * DIFFERENCE_STEP)
    np.testing.assert_allclose(found.derivatives[0].sum(1), expected, rtol=0, atol=FINITE_DIFFERENCE)
    assert found.uses == (2,) * 5


def test_a_circuit_without_noise_has_nothing_to_blame() -> None:
    with pytest.raises(ConfigurationError, match="without noise"):
        gate_sensitivities(ansatz(), None, READINGS, VALUES)


@pytest.mark.parametrize("values", [VALUES[0], VALUES[:, :4], VALUES[:0], VALUES * np.nan])
def test_values_must_fit_the_circuit(values: np.ndarray) -> None:
    with pytest.raises(InputError, match="do not fit the circuit"):
        gate_sensitivities(ansatz(), noise(1, ["pauli"]).model({}), READINGS, values)
