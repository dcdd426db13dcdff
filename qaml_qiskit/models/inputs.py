"""The check that every model makes of its input."""

import torch
from torch import Tensor

from qaml_qiskit.batches import image_batch


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
