"""An encoding of what something in front of it makes of an image."""

from collections.abc import Callable
from typing import NoReturn

import torch
from qiskit.circuit import ParameterVector, QuantumCircuit
from torch import Tensor

from qaml_qiskit.encodings.encoding import Encoding
from qaml_qiskit.encodings.pixel_order import PixelOrder
from qaml_qiskit.errors import ConfigurationError


class FrontedEncoding(Encoding):
    """An encoding behind trained layers, or behind a filter.

    Args:
        front: images (N, C, H, W) to what the encoding takes, in the type of the images, differentiable.
        encoding: of that.
    """

    def __init__(self, front: Callable[[Tensor], Tensor], encoding: Encoding) -> None:
        self.name, self.num_qubits = encoding.name, encoding.num_qubits
        self.fits_images, self.gradient_rules = encoding.fits_images, encoding.gradient_rules
        self._front, self._encoding = front, encoding

    @classmethod
    def on_qubits(cls, num_qubits: int, *, layers: int | None = None, order: PixelOrder | None = None) -> NoReturn:
        """Raises ConfigurationError: what is in front of it is a model's."""
        raise ConfigurationError(
            "there is no encoding behind a front without a model",
            got="a number of qubits",
            expected="the encoding of a trained model",
            remedy="take that of its QVC",
        )

    @property
    def parameters(self) -> ParameterVector:
        """See :attr:`Encoding.parameters`."""
        return self._encoding.parameters

    @property
    def template(self) -> QuantumCircuit:
        """See :attr:`Encoding.template`."""
        return self._encoding.template

    @torch.no_grad()
    def angles(self, images: Tensor) -> Tensor:
        """The angles for what the front makes of the images, shape (N, P); not differentiable."""
        return self._encoding.angles(self._front(images))

    def state(self, images: Tensor) -> Tensor:
        """The amplitudes for what the front makes of the images, shape (N, 2ⁿ), differentiable through it."""
        return self._encoding.state(self._front(images))

    def differentiated(self, rule: str) -> Encoding:
        """See :meth:`Encoding.differentiated`."""
        return FrontedEncoding(self._front, self._encoding.differentiated(rule))

    def wanted(self, images: Tensor) -> Tensor:
        """See :meth:`Encoding.wanted`."""
        return self._encoding.wanted(self._front(images))

    def fidelity(self, images: Tensor) -> Tensor:
        """See :meth:`Encoding.fidelity`."""
        return self._encoding.fidelity(self._front(images))
