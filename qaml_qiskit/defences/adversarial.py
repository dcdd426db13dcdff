"""Adversarial trainings: West's and Madry's, Lu's and Huang & Zhang's, and TRADES."""

from typing import Annotated, ClassVar, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from qaml_qiskit.attacks.image.base import torchattacks
from qaml_qiskit.attacks.model_adapter import ModelAdapter
from qaml_qiskit.defences.adversary import AgainstAdversary
from qaml_qiskit.errors import ConfigurationError

Share = Annotated[float, Field(ge=0, le=1)]


def whole(share: float, count: int) -> int:
    """How many images a share of some is; above 0 it is one at least, so that small batches are defended, too."""
    return max(round(share * count), int(share > 0))


class Adversarial(AgainstAdversary):
    """The cross-entropy of batches of which a share is adversarial.

    A share of .5 is West et al. 2023 (PGD with three steps), one of 1 Madry et al., 1706.06083. The clean and the
    adversarial images pass the model together, so batch normalisation sees both.

    Attributes:
        adversarial_share: of the images of every batch, rounded to whole images; above 0 it is one at least.
    """

    name = "adversarial"

    adversarial_share: Share = 0.5

    def loss(
        self, model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Batches are drawn at random, so their first images are as good as any."""
        count = whole(self.adversarial_share, len(images))
        mixed = torch.cat([self.adversarial(model, images[:count], labels[:count]), images[count:]])
        logits = model(mixed)
        return nn.functional.cross_entropy(logits, labels), logits


class Combined(AgainstAdversary):
    """γ times the cross-entropy of the adversarial images plus 1 − γ times that of the images they were made from.

    Equation 9 of Huang & Zhang 2023. With γ = .5 every image is paired with its adversarial one, as in Lu et al.,
    2001.00030, who however made the adversarial images once an epoch. Both pass the model together, so where noise
    layers draw once a step, both meet the same draw.

    Attributes:
        gamma: γ.
    """

    name = "combined"

    gamma: Share = 0.5

    def loss(
        self, model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """The logits are those of the clean images."""
        attacked, clean = model(torch.cat([self.adversarial(model, images, labels), images])).split(len(images))
        entropy = nn.functional.cross_entropy
        return self.gamma * entropy(attacked, labels) + (1 - self.gamma) * entropy(clean, labels), clean


class Trades(AgainstAdversary):
    """The cross-entropy of the images plus a weight times how far attacked predictions are from theirs.

    TRADES, Zhang et al., 1901.08573, equation 5: the distance is the Kullback–Leibler divergence of the predictions,
    which the adversary, gradient ascent from a tiny random step, makes as large as it can without the labels.

    Attributes:
        trades_weight: 1/λ of the paper, which calls it β.
    """

    name: ClassVar[str] = "trades"

    trades_weight: Annotated[float, Field(ge=0)] = 6.0

    def loss(
        self, model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """The logits are those of the clean images."""
        attacked, clean = model(torch.cat([self.adversarial(model, images, labels), images])).split(len(images))
        distance = nn.functional.kl_div(
            attacked.log_softmax(dim=1), clean.log_softmax(dim=1), log_target=True, reduction="batchmean"
        )
        return nn.functional.cross_entropy(clean, labels) + self.trades_weight * distance, clean

    @model_validator(mode="after")
    def _has_its_own_adversary(self) -> Self:
        if self.adversary != "pgd":
            raise ConfigurationError(
                "TRADES has its own adversary",
                got=f"the adversary {self.adversary}",
                expected="pgd, by which it climbs away from the clean predictions",
                remedy="leave it out, or take --defence adversarial or combined",
            )
        return self

    def _proposed(self, adapter: ModelAdapter, images: Tensor, labels: Tensor) -> Tensor:
        """Away from the prediction, whatever the label."""
        size = self.adversary_step_size or 2.5 * self.adversary_eps / self.adversary_steps
        attack = torchattacks.TPGD(adapter, eps=self.adversary_eps, alpha=size, steps=self.adversary_steps)
        return attack(images, labels)
