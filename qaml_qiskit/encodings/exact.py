"""Exact amplitude encoding by Qiskit's state preparation: the reference that other encodings are compared with."""

from qiskit.circuit import QuantumCircuit
from qiskit.circuit.library import StatePreparation
from torch import Tensor

from qaml_qiskit.encodings.amplitude import amplitudes


def state_preparation(image: Tensor, num_qubits: int) -> QuantumCircuit:
    """A circuit of gates (no reset) that prepares one image's state from |0…0⟩.

    Args:
        image: shape (C, H, W) or flat, at most 2ⁿ values.
        num_qubits: n.

    Raises:
        InputError: as :func:`qaml_qiskit.encodings.amplitudes`.
    """
    state = amplitudes(image.flatten().double()[None], num_qubits)[0]
    circuit = QuantumCircuit(num_qubits, name="encoding")
    circuit.append(StatePreparation(state.numpy()), range(num_qubits))
    return circuit
