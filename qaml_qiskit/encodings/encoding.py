"""What every encoding is to the rest of the package."""

from abc import ABC, abstractmethod

import torch
from qiskit.circuit import ParameterVector, QuantumCircuit
from torch import Tensor

from qaml_qiskit.batches import as_tensor


class Encoding(ABC):
    """How an image becomes a state: the state itself, and a circuit that prepares it.

    Most encodings are one circuit of free angles for all images, to be compiled once; :class:`ExactEncoding` has a
    circuit for every image.

    Qubit 0 is the least significant bit of a state's index, as everywhere in Qiskit.

    Attributes:
        name: how configurations and tables call the encoding.
        num_qubits: n.
    """

    name: str
    num_qubits: int

    @property
    @abstractmethod
    def parameters(self) -> ParameterVector:
        """The circuit's P angles, in the order of the columns of :meth:`angles`."""

    @property
    @abstractmethod
    def _template(self) -> QuantumCircuit:
        """The circuit, built once; :attr:`circuit` hands out copies."""

    @property
    def circuit(self) -> QuantumCircuit:
        """The parameterised circuit on |0…0⟩, unmeasured; every call returns a copy."""
        return self._template.copy()

    @abstractmethod
    def angles(self, images: Tensor) -> Tensor:
        """The angles of a batch in radians, shape (N, P), float64, for images of shape (N, ...).

        Raises:
            InputError: an image that cannot be encoded; the message names its index.
        """

    @abstractmethod
    def state(self, images: Tensor) -> Tensor:
        """The real amplitudes that the circuit prepares with :meth:`angles`, shape (N, 2ⁿ), of the images' dtype.

        Differentiable: what the derivative is, each encoding says.

        Raises:
            InputError: as :meth:`angles`.
        """

    def circuit_for(self, image: Tensor) -> QuantumCircuit:
        """The circuit that prepares one image, with no free angle.

        Args:
            image: one image, of the shape that :meth:`angles` takes without the first axis.

        Raises:
            InputError: as :meth:`angles`.
        """
        return self.circuit.assign_parameters(self.angles(as_tensor(image, "the image")[None])[0].numpy(force=True))

    def fidelity(self, images: Tensor) -> Tensor:
        """|⟨wanted|prepared⟩|² of every image, shape (N,): ones, unless the encoding is an approximate one.

        Raises:
            InputError: as :meth:`angles`.
        """
        state = self.state(images)
        return torch.ones(len(state), dtype=state.dtype, device=state.device)
