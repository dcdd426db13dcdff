"""What the exact encodings share: states that are the pixels themselves."""

from typing import Self

from torch import Tensor

from qaml_qiskit.batches import real_batch
from qaml_qiskit.encodings.amplitude import amplitudes
from qaml_qiskit.encodings.encoding import Encoding
from qaml_qiskit.encodings.movement import Norm, amplitude_movement
from qaml_qiskit.encodings.order import pixel_positions
from qaml_qiskit.encodings.pixel_order import PixelOrder


class LinearEncoding(Encoding):
    """Prepares the pixels, each in its place, divided by their norm.

    Args:
        num_qubits: n; nothing is built until asked for.
        order: which pixel becomes which amplitude.
    """

    def __init__(self, num_qubits: int, order: PixelOrder = "flat") -> None:
        self.num_qubits = num_qubits
        self.order = order

    @classmethod
    def on_qubits(cls, num_qubits: int, *, layers: int | None = None, order: PixelOrder | None = None) -> Self:
        """See :meth:`Encoding.on_qubits`."""
        return cls(num_qubits, order or cls.default_order)

    def positions(self, image_shape: tuple[int, ...]) -> Tensor:
        """See :meth:`Encoding.positions`."""
        return pixel_positions(image_shape, self.num_qubits, self.order)

    def movement(self, images: Tensor, eps: float, norm: Norm = "linf") -> Tensor:
        """See :meth:`Encoding.movement`: neither the order nor the padding matters; see :func:`amplitude_movement`."""
        return amplitude_movement(real_batch(images), eps, norm)[1]

    def state(self, images: Tensor) -> Tensor:
        """The images' amplitudes, shape (N, 2ⁿ), of their dtype, differentiable exactly; see :func:`amplitudes`."""
        return amplitudes(real_batch(images), self.num_qubits, self.order)
