import numpy as np
import pytest
import torch
from pydantic import ValidationError
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import SuperOp
from qiskit_aer import AerSimulator

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.noise import NoiseSpec, check_touches
from tests.tolerances import VALUE

TOLERANCE = VALUE[torch.float64]


def density(circuit: QuantumCircuit, spec: NoiseSpec) -> np.ndarray:
    circuit = circuit.copy()
    circuit.save_density_matrix()
    return (
        AerSimulator(method="density_matrix", noise_model=spec.build())
        .run(circuit)
        .result()
        .data()["density_matrix"]
        .data
    )


def one_gate() -> QuantumCircuit:
    circuit = QuantumCircuit(1)
    circuit.x(0)
    return circuit


def test_depolarising_after_one_gate() -> None:
    spec = NoiseSpec.model_validate({"depolarizing": {"one_qubit": 0.3}})
    assert np.abs(density(one_gate(), spec) - np.diag([0.15, 0.85])).max() < TOLERANCE


def test_amplitude_damping_decays_to_zero_not_to_one() -> None:
    """The paper writes the decay the other way round; physically |1⟩ relaxes to |0⟩."""
    spec = NoiseSpec(amplitude_damping=0.2)
    assert np.abs(density(one_gate(), spec) - np.diag([0.2, 0.8])).max() < TOLERANCE


def test_bit_flip() -> None:
    assert np.abs(density(one_gate(), NoiseSpec(bit_flip=0.1)) - np.diag([0.1, 0.9])).max() < TOLERANCE


def test_channels_follow_one_another_on_each_qubit_of_a_two_qubit_gate() -> None:
    circuit = QuantumCircuit(2)
    circuit.x([0, 1])
    circuit.cz(0, 1)
    spec = NoiseSpec.model_validate({"depolarizing": {"two_qubit": 0.4}})
    mixed = density(circuit, spec)
    expected = 0.6 * np.diag([0, 0, 0, 1]) + 0.4 * np.eye(4) / 4
    assert np.abs(mixed - expected).max() < TOLERANCE


def test_rz_is_free() -> None:
    circuit = QuantumCircuit(1)
    circuit.rz(0.3, 0)
    spec = NoiseSpec.model_validate({"depolarizing": {"one_qubit": 0.5}, "amplitude_damping": 0.5, "bit_flip": 0.5})
    assert np.abs(density(circuit, spec) - np.diag([1, 0])).max() < TOLERANCE


def test_channels_preserve_the_trace() -> None:
    spec = NoiseSpec.model_validate({"depolarizing": {"one_qubit": 0.1}, "amplitude_damping": 0.2, "bit_flip": 0.3})
    assert SuperOp(spec.build()._default_quantum_errors["sx"]).is_cptp()


def test_empty_noise_is_ideal() -> None:
    assert NoiseSpec().build().is_ideal()


def test_noise_on_foreign_gates_is_refused() -> None:
    circuit = QuantumCircuit(1)
    circuit.u(0.1, 0.2, 0.3, 0)
    with pytest.raises(ConfigurationError, match="touches no gate"):
        check_touches(NoiseSpec(bit_flip=0.1).build(), circuit)
    check_touches(NoiseSpec(bit_flip=0.1).build(), one_gate())
    check_touches(NoiseSpec().build(), circuit)


@pytest.mark.parametrize(
    "values", [{"bit_flip": 1.2}, {"amplitude_damping": -0.1}, {"bitflip": 0.1}, {"readout": {"p10": 2}}]
)
def test_strengths_are_probabilities(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        NoiseSpec.model_validate(values)
