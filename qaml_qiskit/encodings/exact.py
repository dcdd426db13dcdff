"""Exact amplitude encoding by Qiskit's state preparation: the reference that other encodings are compared with."""

from qiskit.circuit import QuantumCircuit
from qiskit.circuit.library import StatePreparation
from torch import Tensor

from qaml_qiskit.encodings.amplitude import amplitudes
from qaml_qiskit.encodings.order import PixelOrder


def state_preparation(image: Tensor, num_qubits: int, order: PixelOrder = "flat") -> QuantumCircuit:
    """A circuit of gates (no reset) that prepares one image's state from |0…0⟩.

    Its structure depends on the image, so there is no parameterised circuit for a batch and this is a function, not an
    :class:`~qaml_qiskit.encodings.Encoding`.

    Args:
        image: shape (C, H, W), or for the order ``flat`` any shape, at most 2ⁿ values.
        num_qubits: n.
        order: which pixel becomes which amplitude.

    Raises:
        InputError: as :func:`qaml_qiskit.encodings.amplitudes`.
    """
    state = amplitudes(image.double()[None], num_qubits, order)[0]
    circuit = QuantumCircuit(num_qubits, name="encoding")
    circuit.append(StatePreparation(state.numpy()), range(num_qubits))
    return circuit
