"""Long work on many images, piece by piece behind a bar."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

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


@contextmanager
def watched(model: nn.Module, description: str, total: int, progress: Progress) -> Iterator[nn.Module]:
    """The model, with a bar that moves on by every image that it looks at in the meantime.

    Args:
        model: maps images (N, ...) to logits.
        description: of what is done with the model.
        total: how many images it will look at; a step of an attack looks once at each.
        progress: told about every batch.
    """
    with progress.task(description, total) as advance:
        left = total

        def count(module: nn.Module, inputs: object, output: Tensor) -> None:
            # A wrapper may look once more than the attack does, to learn something about the model.
            nonlocal left
            steps = min(len(output), left)
            left -= steps
            advance(steps)

        hook = model.register_forward_hook(count)
        try:
            yield model
        finally:
            hook.remove()


def looks_of(images: Tensor, steps: int) -> int:
    """How many images a model looks at during an attack: every one in each step, before and after."""
    return len(images) * (steps + 2)
