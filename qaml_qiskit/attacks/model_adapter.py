"""A model as attacks need it."""

from typing import cast

import torch
from torch import Tensor, nn

from qaml_qiskit.compute import trusting
from qaml_qiskit.errors import InputError

#: Grey level that stands in for an all-black image where the model refuses one.
_FAINT = 1e-6


class ModelAdapter(nn.Module):
    """A model behind the interface that torchattacks takes for granted.

    torchattacks asks a model's first parameter for the device, so there must be one; its FAB works in float32 only; its
    Square overwrites the logits; its gradient attacks stop at a model without gradients; it switches the mode of what
    it attacks, and here everything stays in evaluation mode; and any attack may propose an all-black image, which an
    amplitude encoding refuses.

    Args:
        model: maps (N, C, H, W) to logits (N, m).
        images: some of the images to attack, shape (N, C, H, W); their type and device are the model's.
    """

    def __init__(self, model: nn.Module, images: Tensor) -> None:
        super().__init__()
        self.training = False
        self.anchor = nn.Parameter(torch.zeros((), device=images.device), requires_grad=False)
        self.model = model
        self._dtype = images.dtype
        #: Images that the model was asked about so far, each time counted.
        self.evaluated = 0
        #: Whether an image without any light has no answer.
        self.refuses_black = refuses_black(model, images)

    def train(self, mode: bool = True) -> "ModelAdapter":
        """Leave the modes as they are: torchattacks "restores" a mode that the model never had."""
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Logits in float32, shape (N, m), for images of any floating type."""
        self.evaluated += len(images)
        images = images.to(self._dtype)
        if self.refuses_black:
            images = images + _FAINT * is_black(images).to(images).reshape(-1, 1, 1, 1)
        logits = cast(Tensor, self.model(images)).float().clone()
        if images.requires_grad and not logits.requires_grad:
            # A model without any path for gradients: torchattacks would stop with an error instead of failing to fool.
            logits = logits + 0 * images.flatten(1).sum(dim=1, keepdim=True)
        return logits


class Lifted(nn.Module):
    """Logits moved up until the lowest is 1; labels and differences stay.

    torchattacks' C&W takes 0 for the best other logit when all others are negative, so it attacks a model with negative
    logits, such as a QVC, towards nothing.

    Args:
        model: maps images to logits.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        """Logits of at least 1, shape (N, m)."""
        logits: Tensor = self.model(images)
        return logits - logits.detach().amin(dim=1, keepdim=True) + 1


def is_black(images: Tensor) -> Tensor:
    """Which images have no pixel above zero, shape (N,)."""
    return images.flatten(1).amax(dim=1) <= 0


def refuses_black(model: nn.Module, images: Tensor) -> bool:
    """Whether the model raises InputError for an image that is all zeros."""
    try:
        with torch.no_grad(), trusting(False):
            # Two, because batch normalisation in training cannot do with one.
            model(torch.zeros_like(images[:2]))
    except InputError:
        return True
    return False
