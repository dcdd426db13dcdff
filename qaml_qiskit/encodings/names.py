"""The encodings by name; for requests, which do not wait for torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from qaml_qiskit.encodings.pixel_order import PixelOrder
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.registry import Named, Registry

if TYPE_CHECKING:
    from qaml_qiskit.encodings.encoding import Encoding

#: Every encoding that a classifier can have, as subclasses of :class:`~qaml_qiskit.encodings.Encoding`.
ENCODINGS: Registry[type[Encoding]] = Registry(
    "encoding",
    {
        "multiplexed": ("qaml_qiskit.encodings.multiplexed:MultiplexedEncoding", "exact, about 2ⁿ CZ"),
        "approximate": ("qaml_qiskit.encodings.approximate:ApproximateEncoding", "a few layers, fitted to every image"),
        "angle": ("qaml_qiskit.encodings.angle:AngleEncoding", "a qubit a pixel, for small data"),
    },
    base="qaml_qiskit.encodings.encoding:Encoding",
)

EncodingName = Annotated[str, Named(ENCODINGS)]


def encoding_for(
    name: str, image_shape: tuple[int, ...], *, layers: int | None = None, order: PixelOrder | None = None
) -> Encoding:
    """The encoding of this name for images of a shape.

    Args:
        name: of :data:`ENCODINGS`.
        image_shape: (C, H, W).
        layers: of an encoding that has layers, and of no other.
        order: the pixel order; None for the encoding's own default.

    Raises:
        ConfigurationError: an unknown name, layers for an encoding without, or none for one with layers, or images
            that the encoding has no qubits for.
    """
    kind = ENCODINGS[name]
    if kind.has_layers() != (layers is not None):
        raise ConfigurationError(
            "the encoding's layers do not fit the encoding",
            got=f"encoding {name} with {layers or 'no'} encoding layers",
            expected="a number of layers for an encoding that has layers, such as approximate, and none for another",
            remedy="give --encoding-layers" if kind.has_layers() else "leave out --encoding-layers",
        )
    return kind.for_images(image_shape, layers=layers, order=order)


def encoding_defaults(
    name: str, layers: int | None = None, order: PixelOrder | None = None
) -> tuple[int | None, PixelOrder]:
    """Layers and pixel order, the encoding's own where they are None."""
    kind = ENCODINGS[name]
    return layers or kind.default_layers, order or kind.default_order
