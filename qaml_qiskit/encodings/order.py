"""Which pixel becomes which amplitude.

Any order is a relabelling, free of gates, and exact encodings do not care. Shallow circuits do: how well they can
follow an image depends on how much its two halves know of each other at every cut of the line of qubits.
"""

import math
from functools import lru_cache

import torch
from torch import Tensor

from qaml_qiskit.batches import example_batch
from qaml_qiskit.encodings.pixel_order import PixelOrder
from qaml_qiskit.errors import InputError


def pixel_positions(image_shape: tuple[int, ...], num_qubits: int, order: PixelOrder = "flat") -> Tensor:
    """The basis state of every pixel, a one-to-one map.

    ``gray`` centres the image in a frame of 2ᵃ rows and 2ᵇ columns, the smallest that hold it, and numbers rows and
    columns by a Gray code, so that neighbours differ in one bit and the coarsest bit tells one half of the picture
    from its mirror image. On the line of qubits, from the most significant down, the bits are channel, y₀ … yₐ₋₁,
    x_b₋₁ … x₀ (index 0 is the finest bit): coarse bits, which know most of each other, meet in the middle. C channels
    take ⌈log₂ C⌉ bits; qubits left over stay in |0⟩, half of them at either end of the line.

    Args:
        image_shape: (C, H, W) or (H, W); for ``flat`` any shape.
        num_qubits: n.
        order: the pixel order.

    Returns:
        Shape (number of pixels,), int64, for the pixels in row-major order; values in 0 … 2ⁿ−1.

    Raises:
        InputError: more pixels than basis states, or a frame that needs more qubits.
    """
    needed = order_qubits(image_shape, order)
    if needed > num_qubits:
        raise InputError(
            "cannot amplitude-encode the images",
            got=f"{math.prod(image_shape)} pixels, shape {tuple(image_shape)}, for {num_qubits} qubits",
            expected=f"at most 2^{num_qubits} = {2**num_qubits} pixels"
            if order == "flat"
            else f"an image whose power-of-two frame fits {num_qubits} qubits",
            remedy=f"use {needed} qubits or smaller images",
        )
    if order == "flat":
        return torch.arange(math.prod(image_shape))
    channels, height, width = _channels_first(image_shape)
    row_bits, column_bits = _bits(height), _bits(width)
    rows = _reversed_bits(_centred_gray(height, row_bits), row_bits)
    columns = _centred_gray(width, column_bits)
    channel_and_row = (torch.arange(channels)[:, None] << row_bits) + rows
    positions = (channel_and_row[:, :, None] << column_bits) + columns
    return positions.flatten() << ((num_qubits - needed) // 2)


def order_qubits(image_shape: tuple[int, ...], order: PixelOrder = "flat") -> int:
    """The smallest number of qubits (at least one) that an image of this shape needs in this order.

    Raises:
        InputError: ``gray`` for images without rows and columns.
    """
    if order == "flat":
        return max(1, _bits(math.prod(image_shape)))
    return max(1, sum(map(_bits, _channels_first(image_shape))))


def arrange(images: Tensor, num_qubits: int, order: PixelOrder = "flat") -> Tensor:
    """Pixels as unnormalised amplitudes, zeros where no pixel goes. Differentiable.

    Args:
        images: shape (N, C, H, W) or (N, H, W); for ``flat`` any (N, ...).
        num_qubits: n.
        order: the pixel order.

    Returns:
        Shape (N, 2ⁿ), of the dtype of ``images``.

    Raises:
        InputError: as :func:`pixel_positions`.
    """
    images = example_batch(images)
    positions = _positions_on(tuple(images.shape[1:]), num_qubits, order, images.device)
    pixels = images.flatten(1)
    if order == "flat":
        return torch.nn.functional.pad(pixels, (0, 2**num_qubits - pixels.shape[1]))
    return images.new_zeros(len(images), 2**num_qubits).index_copy(1, positions, pixels)


@lru_cache(maxsize=32)
def _positions_on(image_shape: tuple[int, ...], num_qubits: int, order: PixelOrder, device: torch.device) -> Tensor:
    """:func:`pixel_positions` on a device, where they are placed once."""
    with torch.inference_mode(False):
        return pixel_positions(image_shape, num_qubits, order).to(device)


def _bits(size: int) -> int:
    """How many bits number ``size`` things."""
    return (size - 1).bit_length()


def _channels_first(image_shape: tuple[int, ...]) -> tuple[int, int, int]:
    if len(image_shape) not in (2, 3):
        raise InputError(
            "cannot arrange the pixels in Gray order",
            got=f"images of shape {tuple(image_shape)}",
            expected="(C, H, W) or (H, W), because the order goes by rows and columns",
            remedy="do not flatten the images, or use the order 'flat'",
        )
    channels, height, width = (1, *image_shape)[-3:]
    return channels, height, width


def _centred_gray(size: int, bits: int) -> Tensor:
    line = torch.arange(size) + (2**bits - size) // 2
    return line ^ (line >> 1)


def _reversed_bits(values: Tensor, bits: int) -> Tensor:
    place = torch.arange(bits)
    return (((values[:, None] >> place) & 1) << place.flip(0)).sum(1)
