"""Long work on many images, piece by piece behind a bar."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from qaml_qiskit.models import QVC
from qaml_qiskit.progress import Progress

#: Images between two steps of a bar: some seconds of fitting. A multiple of what the fit takes at once.
_PIECE = 64


def in_pieces(work: Callable[[Tensor], Tensor], images: Tensor, description: str, progress: Progress) -> Tensor:
    """The results of ``work`` on all images, in their order.

    Args:
        work: a result an image, of shape (N, ...).
        images: shape (N, ...).
        description: of the work, for the bar.
        progress: told about every piece.
    """
    with progress.task(description, len(images)) as advance:
        parts = []
        for piece in images.split(_PIECE):
            parts.append(work(piece))
            advance(len(piece))
    return torch.cat(parts)


def encodes_slowly(model: nn.Module) -> bool:
    """Whether a model fits a circuit to every image before it can say anything.

    That takes some milliseconds an image, tens of them for one alone.
    """
    return isinstance(model, QVC) and model.encoding.fits_images


@torch.no_grad()
def readable(model: nn.Module, images: Tensor, description: str, progress: Progress) -> Tensor:
    """What a model reads the labels from: the images, or the states that its approximate encoding prepares for them.

    Args:
        model: maps either to logits.
        images: shape (N, C, H, W).
        description: of the encoding, for the bar.
        progress: told about every piece.
    """
    if not isinstance(model, QVC) or not encodes_slowly(model):
        return images
    return in_pieces(model.encoding.state, images, description, progress)
