"""What every encoding is to the rest of the package."""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import prod
from typing import ClassVar, Self

import torch
from qiskit.circuit import ParameterVector, QuantumCircuit
from torch import Tensor

from qaml_qiskit.batches import as_tensor
from qaml_qiskit.encodings.movement import Norm
from qaml_qiskit.encodings.order import order_qubits
from qaml_qiskit.encodings.pixel_order import PixelOrder
from qaml_qiskit.errors import ConfigurationError

#: Most qubits, and features, of an encoding with a qubit a feature whose state is written out.
MAX_ANGLE_QUBITS = 16


class Encoding(ABC):
    """How an image becomes a state: the state itself, and a circuit that prepares it.

    Most encodings are one circuit of free angles for all images, to be compiled once; :class:`ExactEncoding` has a
    circuit for every image.

    Qubit 0 is the least significant bit of a state's index, as everywhere in Qiskit.

    A subclass of :data:`~qaml_qiskit.encodings.ENCODINGS` says what it is by its class attributes, and
    nobody asks for its class.

    Attributes:
        name: how configurations and tables call the encoding.
        num_qubits: n.
        default_layers: of an encoding with layers, when no number is asked for; None for one without layers.
        default_order: the pixel order when none is asked for.
        qubit_a_pixel: whether every pixel, or feature, has a qubit of its own; otherwise n qubits hold 2ⁿ pixels.
        fits_images: whether a circuit is fitted to every image, so that encoding takes some milliseconds an image.
        gradient_rules: how :meth:`state` can be differentiated, see :meth:`differentiated`; its own way first.
    """

    name: str
    num_qubits: int
    default_layers: ClassVar[int | None] = None
    default_order: ClassVar[PixelOrder] = "flat"
    qubit_a_pixel: ClassVar[bool] = False
    fits_images: bool = False
    gradient_rules: tuple[str, ...] = ("unrolled",)

    @classmethod
    @abstractmethod
    def on_qubits(cls, num_qubits: int, *, layers: int | None = None, order: PixelOrder | None = None) -> Self:
        """The encoding on so many qubits.

        Args:
            num_qubits: n.
            layers: None for :attr:`default_layers`; without meaning for an encoding that has none.
            order: None for :attr:`default_order`; without meaning where every pixel has a qubit.

        Raises:
            ConfigurationError: there is no such encoding on so many qubits.
        """

    @classmethod
    def for_images(
        cls, image_shape: tuple[int, ...], *, layers: int | None = None, order: PixelOrder | None = None
    ) -> Self:
        """The encoding on the fewest qubits that images of a shape need.

        Args:
            image_shape: (C, H, W).
            layers: as for :meth:`on_qubits`.
            order: as for :meth:`on_qubits`.

        Raises:
            ConfigurationError: a qubit a pixel, and more pixels than :data:`MAX_ANGLE_QUBITS`; or as
                :meth:`on_qubits`.
        """
        if not cls.qubit_a_pixel:
            needed = order_qubits(image_shape, order or cls.default_order)
            return cls.on_qubits(needed, layers=layers, order=order)
        if (pixels := prod(image_shape)) > MAX_ANGLE_QUBITS:
            raise ConfigurationError(
                f"the {cls.name} encoding takes one qubit a pixel",
                got=f"{pixels} pixels, shape {tuple(image_shape)}",
                expected=f"at most {MAX_ANGLE_QUBITS}, because the state has 2ⁿ amplitudes",
                remedy="use --encoding multiplexed or approximate, which hold 2ⁿ pixels in n qubits",
            )
        return cls.on_qubits(pixels, layers=layers, order=order)

    @classmethod
    def has_layers(cls) -> bool:
        """Whether it is built from a number of layers."""
        return cls.default_layers is not None

    def positions(self, image_shape: tuple[int, ...]) -> Tensor | None:
        """Where the pixels are, if states are a linear function of the image; certificates need that.

        Args:
            image_shape: (C, H, W).

        Returns:
            The basis state of every pixel in row-major order, one to one, int64, where a state is the pixels in these
            places, zeros elsewhere, divided by their norm; None for every other encoding.
        """
        return None

    def movement(self, images: Tensor, eps: float, norm: Norm = "linf") -> Tensor:
        """How far a perturbation of at most ε can move each state, in trace distance, shape (N,), float64.

        The worst case, exactly or from above; in l∞ pixels stay in [0, 1], in l2 they are free.

        Args:
            images: shape (N, ...), in [0, 1].
            eps: ε, in pixel units.
            norm: ``linf`` or ``l2``.

        Raises:
            ConfigurationError: an encoding for which it is not known.
            InputError: an image that cannot be encoded.
        """
        raise ConfigurationError(
            f"it is not known how far the states of the {self.name} encoding can be moved",
            got="states that are not given by a formula of the pixels",
            expected="multiplexed or angle",
            remedy="leave out --movement",
        )

    def differentiated(self, rule: str) -> Encoding:
        """The same encoding, whose :meth:`state` is differentiated by one of :attr:`gradient_rules`."""
        return self

    @property
    @abstractmethod
    def parameters(self) -> ParameterVector:
        """The circuit's P angles, in the order of the columns of :meth:`angles`."""

    @property
    @abstractmethod
    def template(self) -> QuantumCircuit:
        """The circuit, built once and not to be changed; :attr:`circuit` hands out copies."""

    @property
    def circuit(self) -> QuantumCircuit:
        """The parameterised circuit on |0…0⟩, unmeasured; every call returns a copy."""
        return self.template.copy()

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

    def wanted(self, images: Tensor) -> Tensor:
        """The amplitudes that the circuit is meant to prepare, as :meth:`state`, unless it is an approximate one.

        Raises:
            InputError: as :meth:`angles`.
        """
        return self.state(images)

    def fidelity(self, images: Tensor) -> Tensor:
        """|⟨wanted|prepared⟩|² of every image, shape (N,): ones, unless the encoding is an approximate one.

        Raises:
            InputError: as :meth:`angles`.
        """
        state = self.state(images)
        if type(self).wanted is Encoding.wanted:
            return torch.ones(len(state), dtype=state.dtype, device=state.device)
        return (self.wanted(images) * state).sum(1) ** 2
