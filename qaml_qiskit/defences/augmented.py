"""Gaussian augmentation: images with noise on every pixel."""

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from qaml_qiskit.attacks.model_adapter import is_black
from qaml_qiskit.defences.adversarial import whole
from qaml_qiskit.models import Objective


class Augmented(Objective):
    """The cross-entropy of batches of which a share has normal noise on every pixel.

    Zantedeschi et al., 1707.06728: noise drawn anew for every image in every step, cut off at the ends of [0, 1]. A
    model for randomised smoothing is trained so, too (Cohen et al., 1902.02918), there without the cut.

    Attributes:
        augment_sigma: standard deviation of the noise, in pixel units.
        augment_share: of the images of every batch, rounded to whole images; above 0 it is one at least.
        augment_unclipped: whether noisy pixels may leave [0, 1].
    """

    name = "augmented"
    changes_images: ClassVar[bool] = True

    augment_sigma: Annotated[float, Field(ge=0)] = 0.1
    augment_share: Annotated[float, Field(ge=0, le=1)] = 1.0
    augment_unclipped: bool = False

    def loss(
        self, model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Batches are drawn at random, so their first images are as good as any."""
        logits = model(self.noisy(images, generator))
        return nn.functional.cross_entropy(logits, labels), logits

    def noisy(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """The images with noise on the first of them, shape (N, C, H, W)."""
        first = images[: whole(self.augment_share, len(images))]
        drawn = torch.randn(first.shape, generator=generator, dtype=first.dtype).to(first.device)
        noisy = first + self.augment_sigma * drawn
        if not self.augment_unclipped:
            noisy = noisy.clamp(0, 1)
            # An image without a pixel above zero has no state; what was all but black stays as it is.
            noisy = torch.where(is_black(noisy)[:, None, None, None], first, noisy)
        return torch.cat([noisy, images[len(first) :]])
