"""The check that every model makes of its input."""

from torch import Tensor

from qaml_qiskit.errors import InputError


def check_batch(images: Tensor, image_shape: tuple[int, int, int]) -> None:
    """Raise InputError unless ``images`` has shape (N, C, H, W) with the model's (C, H, W)."""
    if images.dim() != 4 or tuple(images.shape[1:]) != image_shape:
        raise InputError(
            "the images do not fit the model",
            got=f"shape {tuple(images.shape)}",
            expected=f"(N, {', '.join(map(str, image_shape))})",
            remedy="use images of the size that the model was trained on",
        )
