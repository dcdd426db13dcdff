"""Exact amplitude encoding by Qiskit's state preparation: the reference that other encodings are compared with."""

from typing import NoReturn

from qiskit.circuit import QuantumCircuit
from qiskit.circuit.library import StatePreparation
from torch import Tensor

from qaml_qiskit.batches import as_tensor, real_batch
from qaml_qiskit.encodings.amplitude import amplitudes
from qaml_qiskit.encodings.linear import LinearEncoding
from qaml_qiskit.encodings.pixel_order import PixelOrder
from qaml_qiskit.errors import ConfigurationError


class ExactEncoding(LinearEncoding):
    """Qiskit's state preparation: exact, with another circuit for every image.

    There is no circuit of free angles: :attr:`circuit`, :attr:`parameters` and :meth:`angles` raise ConfigurationError.
    Use :meth:`circuit_for`; for one exact circuit that serves all images use
    :class:`~qaml_qiskit.encodings.MultiplexedEncoding`.

    Args:
        num_qubits: n.
        order: which pixel becomes which amplitude.
    """

    name = "exact"

    @property
    def parameters(self) -> NoReturn:
        """Raises ConfigurationError: there are none."""
        raise self._no_template()

    @property
    def template(self) -> NoReturn:
        """See :attr:`Encoding.template`."""
        raise self._no_template()

    def angles(self, images: Tensor) -> NoReturn:
        """Raises ConfigurationError: there are none."""
        raise self._no_template()

    def circuit_for(self, image: Tensor) -> QuantumCircuit:
        """Qiskit's circuit for one image, decomposed to one- and two-qubit gates.

        Raises:
            InputError: as :func:`qaml_qiskit.encodings.amplitudes`.
        """
        return state_preparation(image, self.num_qubits, self.order).decompose(reps=8)

    def _no_template(self) -> ConfigurationError:
        return ConfigurationError(
            "the exact encoding has no circuit of free angles",
            got="a request for one",
            expected="a request for the circuit of one image, because every image has another",
            remedy="use circuit_for(image), or the multiplexed encoding for one circuit that serves all images",
        )


def state_preparation(image: Tensor, num_qubits: int, order: PixelOrder = "flat") -> QuantumCircuit:
    """A circuit of gates (no reset) that prepares one image's state from |0…0⟩.

    Its structure depends on the image, so there is no parameterised circuit for a batch.

    Args:
        image: shape (C, H, W), or for the order ``flat`` any shape, at most 2ⁿ values.
        num_qubits: n.
        order: which pixel becomes which amplitude.

    Raises:
        InputError: as :func:`qaml_qiskit.encodings.amplitudes`.
    """
    state = amplitudes(real_batch(as_tensor(image, "the image")[None]).double(), num_qubits, order)[0]
    circuit = QuantumCircuit(num_qubits, name="encoding")
    circuit.append(StatePreparation(state.detach().cpu().numpy()), range(num_qubits))
    return circuit
