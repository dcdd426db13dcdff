"""What every model checks: its input, and before it is built, its size."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from qaml_qiskit.batches import image_batch
from qaml_qiskit.memory import check_memory

Size = Annotated[int, Field(ge=1)]
#: (C, H, W).
ImageShape = tuple[Size, Size, Size]


def check_size(needed: int) -> None:
    """Raise ConfigurationError where a model of ``needed`` bytes does not fit into the memory."""
    check_memory("cannot build the model", needed, remedy="use fewer layers, fewer classes or smaller images")


def check_batch(images: object, image_shape: tuple[int, int, int], dtype: torch.dtype | None = None) -> Tensor:
    """The images as a tensor of shape (N, C, H, W) with the model's (C, H, W); N may be 0.

    Args:
        images: a tensor or an array of floating-point numbers.
        image_shape: (C, H, W).
        dtype: of the model's weights, where it takes no other.

    Raises:
        InputError: another shape, or numbers that are not floating-point.
    """
    batch = image_batch(images, image_shape)
    return batch if dtype is None else batch.to(dtype)
