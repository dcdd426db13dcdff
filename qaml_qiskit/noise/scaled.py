"""The same noise, with the errors of all gates or of some weaker or stronger by one factor."""

from collections.abc import Iterable

from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import SuperOp, average_gate_fidelity
from qiskit_aer.noise import NoiseModel, QuantumError, depolarizing_error

from qaml_qiskit.errors import InputError
from qaml_qiskit.noise.aer_model import BaseQuantumError, errors_everywhere, local_errors, with_errors


def scaled_noise(
    model: NoiseModel, scale: float, gates: Iterable[tuple[str, tuple[int, ...]]] | None = None
) -> NoiseModel:
    """Noise with error rates of gates that are a factor as large; reading and waiting are as they were.

    The transfer matrix R of each error becomes 1 + λ(R − 1) with the scale λ up to 1. Beyond, that need not be a
    channel. What is more then is depolarising, by so much that the average error rate is λ times the one of R: as in a
    device's model when its calibration publishes a rate λ times as large with the same relaxation.

    Args:
        model: the noise.
        scale: 0 for no errors, 1 for the noise as it is.
        gates: those that it holds for, labels and qubits; all if None. Gates without an error are left out.

    Raises:
        InputError: a scale below 0, or none.
    """
    if not 0 <= scale < float("inf"):
        raise InputError(
            "cannot scale the noise",
            got=f"a factor of {scale:g}",
            expected="0 or more",
            remedy="weaken or strengthen it",
        )
    everywhere, local = errors_everywhere(model), local_errors(model)
    if gates is None:
        return with_errors(
            model,
            {label: _scaled(error, scale) for label, error in everywhere.items()},
            {label: {on: _scaled(error, scale) for on, error in own.items()} for label, own in local.items()},
        )
    changed = {label: dict(own) for label, own in local.items()}
    for label, qubits in gates:
        if (error := local.get(label, {}).get(qubits, everywhere.get(label))) is not None:
            changed.setdefault(label, {})[qubits] = _scaled(error, scale)
    return with_errors(model, everywhere, changed)


def _scaled(error: BaseQuantumError, scale: float) -> QuantumError:
    if not isinstance(error, QuantumError):
        error = QuantumError(error.to_quantumchannel())
    if scale <= 1:
        nothing = QuantumCircuit(error.num_qubits)
        nothing.id(range(error.num_qubits))
        return _mixed(error, scale, QuantumError([(nothing, 1.0)]))
    size = 2**error.num_qubits
    more = (scale - 1) * (1 - average_gate_fidelity(SuperOp(error))) * size / (size - 1)
    # Whatever comes before it, what is depolarised is the same.
    return _mixed(error, 1 - min(1.0, more), depolarizing_error(1.0, error.num_qubits))


def _mixed(error: QuantumError, share: float, other: QuantumError) -> QuantumError:
    """An error in a share of the cases, and another in the rest."""
    parts = ((error, share), (other, 1 - share))
    return QuantumError(
        [
            (circuit, weight * probability)
            for part, weight in parts
            for circuit, probability in zip(part.circuits, part.probabilities, strict=True)
        ]
    )
