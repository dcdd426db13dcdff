"""One strength to one Aer error."""

from math import inf, pi, sqrt

import numpy as np
import numpy.typing as npt
from qiskit.circuit import Gate, QuantumCircuit
from qiskit.circuit.library import CPhaseGate, RXGate, RZXGate, RZZGate
from qiskit_aer.noise import (
    QuantumError,
    amplitude_damping_error,
    coherent_unitary_error,
    depolarizing_error,
    kraus_error,
    pauli_error,
    thermal_relaxation_error,
)

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.noise.kinds import Kraus
from qaml_qiskit.noise.strengths import OverRotation, ThermalRelaxation
from qaml_qiskit.text import printable

ComplexArray = npt.NDArray[np.complex128]

#: Kraus operators are complete to so much in every element of Σ K†K.
_COMPLETE = 1e-8

_HALF_TURNS = ("sx", "rx", "ecr")
_H = np.array([[1, 1], [1, -1]]) / sqrt(2)


def bit_flip(probability: float) -> QuantumError:
    """X with this probability."""
    return pauli_error([("X", probability), ("I", 1 - probability)])


def phase_damping(strength: float) -> QuantumError:
    """⟨X⟩ and ⟨Y⟩ times √(1 − λ): the channel of Aer's ``phase_damping_error``, written as a random Z.

    As Pauli errors it is cheap to draw, and Aer drops none of it for a small norm.
    """
    flip = (1 - sqrt(1 - strength)) / 2
    return pauli_error([("Z", flip), ("I", 1 - flip)])


def relaxation(strengths: ThermalRelaxation, time: float) -> QuantumError:
    """What a qubit suffers in so many seconds; T2 > 2·T1 is cut to 2·T1."""
    t1 = inf if strengths.t1 is None else strengths.t1
    t2 = min(inf if strengths.t2 is None else strengths.t2, 2 * t1)
    return thermal_relaxation_error(t1, t2, time, strengths.excited_population)


def over_rotation(strengths: OverRotation, gate: str, width: int) -> QuantumError | None:
    """What the gate turns too much, as a unitary after it; None where that is nothing."""
    own = pi / 2 if gate in _HALF_TURNS else pi
    angle = (strengths.one_qubit if width == 1 else strengths.two_qubit) + strengths.fraction * own
    return _unitary(_turn(gate, angle)) if angle else None


def x_rotation(angle: float) -> QuantumError:
    """A turn about X."""
    return _unitary(_matrix(RXGate(angle)))


def zz_rotation(angle: float) -> QuantumError:
    """exp(−iθ/2·ZZ) on two qubits."""
    return _unitary(_matrix(RZZGate(angle)))


def global_depolarizing(strength: float, uses: int) -> QuantumError:
    """One qubit's share of a channel on the whole register, used so many times: its ⟨Z⟩ times (1 − p)^uses."""
    return depolarizing_error(1 - (1 - strength) ** uses, 1)


def _unitary(matrix: ComplexArray) -> QuantumError:
    """A unitary error that Aer keeps, however small.

    Aer takes a unitary whose elements differ from the identity's by less than about 1e-5 for no error and leaves it
    out of the model. Thousands of gates add such angles up. Between two H it stays.
    """
    error = coherent_unitary_error(matrix)
    if not error.ideal():
        return error
    hadamard = np.kron(np.eye(len(matrix) // 2), _H)
    circuit = QuantumCircuit(len(matrix) // 2)  # one or two
    circuit.h(0)
    circuit.unitary(hadamard @ matrix @ hadamard, circuit.qubits)
    circuit.h(0)
    return QuantumError([(circuit, 1.0)])


def _turn(gate: str, angle: float) -> ComplexArray:
    match gate:
        case "cz":
            return _matrix(CPhaseGate(angle))
        case "cx":
            to_x = np.kron(_H, np.eye(2))  # the target is the more significant qubit
            return to_x @ _matrix(CPhaseGate(angle)) @ to_x
        case "ecr":
            return _matrix(RZXGate(-angle))  # ECR ends with an X on its first qubit, which turns the sign
        case "rzz":
            return _matrix(RZZGate(angle / 2))  # CZ is RZZ(π/2) in other frames
        case _:
            return _matrix(RXGate(angle))


def _matrix(gate: Gate) -> ComplexArray:
    return np.asarray(gate.to_matrix(), dtype=np.complex128)


def kraus(name: str, operators: Kraus) -> QuantumError:
    """A registered channel.

    Raises:
        ConfigurationError: operators that are no channel on one qubit.
    """
    matrices = [np.asarray(operator, dtype=np.complex128) for operator in operators]
    if not matrices or any(matrix.shape != (2, 2) for matrix in matrices):
        raise _no_channel(name, f"matrices of shape {', '.join(str(matrix.shape) for matrix in matrices) or 'none'}")
    total = sum(matrix.conj().T @ matrix for matrix in matrices)
    if not np.abs(total - np.eye(2)).max() < _COMPLETE:  # not a number fails this too
        raise _no_channel(name, f"operators whose Σ K†K is off by {np.abs(total - np.eye(2)).max():.1e}")
    return kraus_error(matrices)


def _no_channel(name: str, got: str) -> ConfigurationError:
    return ConfigurationError(
        f"the noise {printable(name)!r} is no channel on one qubit",
        got=got,
        expected="2×2 Kraus operators K with Σ K†K = 1, which preserves the trace",
        remedy="correct the operators where the noise is registered",
    )


def on_each_qubit(channel: QuantumError, width: int) -> QuantumError:
    """The channel on each of so many qubits (one or two)."""
    return channel if width == 1 else channel.tensor(channel)


def compose(channels: list[QuantumError]) -> QuantumError:
    """The channels one after the other."""
    total, *rest = channels
    for channel in rest:
        total = total.compose(channel)
    return total


def local_channels(amplitude: float, flip: float, phase: float) -> list[QuantumError]:
    """The one-qubit channels of a positive strength, in time order."""
    made = ((amplitude, amplitude_damping_error), (flip, bit_flip), (phase, phase_damping))
    return [make(strength) for strength, make in made if strength]
