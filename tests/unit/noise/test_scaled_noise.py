"""Noise with weaker and stronger errors."""

import numpy as np
import pytest
from numpy.typing import NDArray
from qiskit.quantum_info import SuperOp, average_gate_fidelity
from qiskit_aer.noise import (
    NoiseModel,
    QuantumError,
    ReadoutError,
    amplitude_damping_error,
    depolarizing_error,
    thermal_relaxation_error,
)

from qaml_qiskit.errors import InputError
from qaml_qiskit.noise import scaled_noise
from qaml_qiskit.noise.aer_model import errors_everywhere, local_errors, local_readout_errors, readout_error

RELAXES = thermal_relaxation_error(50e-6, 30e-6, 1e-6)


def model() -> NoiseModel:
    found = NoiseModel()
    found.add_all_qubit_quantum_error(amplitude_damping_error(0.1), "sx")
    found.add_quantum_error(RELAXES, "sx", [1])
    found.add_quantum_error(depolarizing_error(0.02, 2), "cz", [0, 1])
    found.add_quantum_error(depolarizing_error(0.03, 2), "cz", [1, 0])
    found.add_readout_error(ReadoutError([[0.9, 0.1], [0.2, 0.8]]), [0])
    return found


def matrix(error: QuantumError) -> NDArray[np.complexfloating]:
    return np.asarray(SuperOp(error).data)


def rate(error: QuantumError) -> float:
    return float(1 - average_gate_fidelity(SuperOp(error)))


@pytest.mark.parametrize("scale", [0.0, 0.3, 1.0])
def test_weaker_errors_happen_in_a_share_of_the_cases(scale: float) -> None:
    found = scaled_noise(model(), scale)
    for error, was in (
        (errors_everywhere(found)["sx"], errors_everywhere(model())["sx"]),
        (local_errors(found)["sx"][1,], RELAXES),
    ):
        assert np.allclose(matrix(error), np.eye(4) + scale * (matrix(was) - np.eye(4)))
    assert local_readout_errors(found) == local_readout_errors(model())
    assert readout_error(found) is None


@pytest.mark.parametrize("scale", [1.5, 4.0])
def test_stronger_errors_have_a_rate_as_much_larger(scale: float) -> None:
    found = scaled_noise(model(), scale)
    for label, own in local_errors(found).items():
        for qubits, error in own.items():
            assert rate(error) == pytest.approx(scale * rate(local_errors(model())[label][qubits]), rel=0.1)
    # However strong, it is a channel.
    everything = scaled_noise(model(), 1e6)
    assert rate(local_errors(everything)["cz"][0, 1]) == pytest.approx(0.75)


def test_only_the_errors_of_the_named_gates_are_scaled() -> None:
    found = scaled_noise(model(), 3.0, [("cz", (0, 1)), ("sx", (0,)), ("x", (0,))])
    was, now = local_errors(model()), local_errors(found)
    assert rate(now["cz"][0, 1]) > 2 * rate(was["cz"][0, 1])
    assert now["cz"][1, 0] == was["cz"][1, 0]
    assert now["sx"][1,] == was["sx"][1,]
    # What holds everywhere is taken to the one qubit.
    assert rate(now["sx"][0,]) > 2 * rate(errors_everywhere(model())["sx"])
    assert errors_everywhere(found)["sx"] == errors_everywhere(model())["sx"]
    assert "x" not in now


@pytest.mark.parametrize("scale", [-0.1, float("inf"), float("nan")])
def test_a_scale_that_is_none_is_refused(scale: float) -> None:
    with pytest.raises(InputError, match="cannot scale the noise"):
        scaled_noise(model(), scale)
