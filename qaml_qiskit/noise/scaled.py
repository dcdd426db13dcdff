"""The same noise, weaker by one factor."""

from qiskit.circuit import QuantumCircuit
from qiskit_aer.noise import NoiseModel, QuantumError

from qaml_qiskit.errors import InputError
from qaml_qiskit.noise.aer_model import errors_everywhere, local_errors, local_readout_errors, readout_error


def scaled_noise(model: NoiseModel, scale: float) -> NoiseModel:
    """Noise whose errors of gates happen only in a share ``scale`` of the cases; reading is as it was.

    The transfer matrix R of each error becomes 1 + scale·(R − 1). Noise of waiting, which Aer's own passes insert, is
    not in it.

    Args:
        model: the noise.
        scale: from 0 to 1.

    Raises:
        InputError: another scale: what is stronger than an error need not be a channel.
    """
    if not 0 <= scale <= 1:
        raise InputError(
            "cannot scale the noise", got=f"a factor of {scale:g}", expected="0 to 1", remedy="weaken it, or leave it"
        )
    scaled = NoiseModel(basis_gates=model.basis_gates)
    for label, error in errors_everywhere(model).items():
        scaled.add_all_qubit_quantum_error(_mixed(error, scale), label)
    for label, by_qubits in local_errors(model).items():
        for qubits, error in by_qubits.items():
            scaled.add_quantum_error(_mixed(error, scale), label, qubits)
    if (everywhere := readout_error(model)) is not None:
        scaled.add_all_qubit_readout_error(everywhere)
    for qubits, read in local_readout_errors(model).items():
        scaled.add_readout_error(read, qubits)
    return scaled


def _mixed(error: QuantumError, scale: float) -> QuantumError:
    """The error in a share of the cases, and nothing in the others."""
    if not isinstance(error, QuantumError):
        error = QuantumError(error.to_quantumchannel())
    nothing = QuantumCircuit(error.num_qubits)
    nothing.id(range(error.num_qubits))
    terms = zip(error.circuits, error.probabilities, strict=True)
    return QuantumError([*((circuit, scale * share) for circuit, share in terms), (nothing, 1 - scale)])
