"""What a defence can be looked at through, and the attackers that follow: each knows something else of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from qaml_qiskit.attacks.stochastic import ExpectedLogits, RandomModule
from qaml_qiskit.errors import ConfigurationError

#: What an attacker knows: nothing (the clean images), so many noisy gradients a step, the exact expectation, the same
#: without its scale, the undefended model, another model, or answers alone.
Knowledge = Literal["nothing", "draws", "expectation", "scale-free", "twin", "source", "queries"]
#: The two highest logits are so far apart at most, where an attack follows them without their scale.
_GAP = 2.0
#: A gap is taken for this share of the range of the logits at least: near a boundary nothing is blown up.
_LEAST_GAP = 0.05


@dataclass(frozen=True, eq=False)
class DefenceViews:
    """A defended model, and every module through which it can be known. All map images (N, C, H, W) to logits (N, m).

    Attributes:
        defended: as it answers; what is judged. Random, or not.
        exact: the exact expectation of its logits, differentiable; None where nobody knows it. Of a model that is not
            random, it is the model.
        drawn: one draw of a random model, differentiable; None for ``defended`` itself, if that is random.
        twin: the same model without the defence; None where there is none to compare with.
        sources: other models by their names, whose adversarial images are tried, too.
    """

    defended: nn.Module
    exact: nn.Module | None = None
    drawn: nn.Module | None = None
    twin: nn.Module | None = None
    sources: Mapping[str, nn.Module] = field(default_factory=dict)

    @property
    def is_random(self) -> bool:
        """Whether what is judged is random: a :class:`RandomModule`, or the module whose draws are given."""
        return isinstance(self.defended, RandomModule) or self.defended is self.drawn

    @property
    def expectation(self) -> nn.Module | None:
        """What the logits are on average, exactly; None where nobody knows it."""
        return self.exact or (None if self.is_random else self.defended)

    @property
    def one_draw(self) -> nn.Module | None:
        """What is attacked draw by draw; None where nothing is drawn."""
        return self.drawn or (self.defended if self.is_random else None)

    def best_known(self, draws: int, seed: int) -> nn.Module:
        """The expectation; where nobody knows it, the mean of draws, which are the same every time where they can be.

        Args:
            draws: how many.
            seed: of the draws.
        """
        known, drawn = self.expectation, self.one_draw
        if known is not None or drawn is None:
            return known or self.defended
        return ExpectedLogits(drawn, draws, seed if isinstance(drawn, RandomModule) else None)


@dataclass(frozen=True)
class Attacker:
    """Somebody who makes adversarial images for a defended model.

    Attributes:
        knows: what of it.
        draws: K, whose gradients are averaged in every step; None where nothing is drawn.
        source: the model that is attacked in its place.
    """

    knows: Knowledge
    draws: int | None = None
    source: str | None = None

    @property
    def name(self) -> str:
        """A word for a table."""
        return self.source if self.source is not None else self.knows

    @property
    def told(self) -> str:
        """What it does, for a sentence."""
        match self.knows:
            case "nothing":
                return "nobody"
            case "draws":
                return f"{self.draws} noisy gradient{'s' if self.draws != 1 else ''} a step"
            case "expectation":
                return "the exact gradient"
            case "scale-free":
                return "the gradient without its scale"
            case "twin":
                return "the undefended model's gradient"
            case "queries":
                return "answers alone (Square)"
        return f"images from {self.source}"


NOBODY = Attacker("nothing")


def attackers_of(views: DefenceViews, draws: Sequence[int]) -> list[Attacker]:
    """Everybody who is tried, the papers' attacker first: one noisy gradient a step, or the gradient where it is exact.

    Args:
        views: of the defence.
        draws: K of the attackers who average noisy gradients.

    Raises:
        ConfigurationError: no draw.
    """
    if not draws or min(draws) < 1:
        raise ConfigurationError(
            "nobody attacks with these draws",
            got=", ".join(map(str, draws)) or "none",
            expected="at least one number, each at least 1",
            remedy="give for example 1, 10, 100",
        )
    found = [Attacker("draws", each) for each in sorted({1, *draws})] if views.one_draw is not None else []
    found += [Attacker("expectation")] if views.expectation is not None else []
    found.append(Attacker("scale-free"))
    found += [Attacker("twin")] if views.twin is not None else []
    found += [Attacker("source", source=name) for name in views.sources]
    return [*found, Attacker("queries")]


class ScaleFree(nn.Module):
    """Logits whose scale, image by image, is such that a softmax of them never saturates. Labels stay.

    A cross-entropy of large logits has a gradient that is zero in floating point, which stops an attack and makes no
    model robust. Here the highest logit leads by two at most. The factor is no part of the gradient.

    Args:
        model: maps images to logits.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        """Shape (N, m)."""
        logits: Tensor = self.model(images)
        with torch.no_grad():
            best = logits.topk(2, dim=1).values
            reach = (logits.amax(dim=1) - logits.amin(dim=1)) * _LEAST_GAP
            tiny = torch.finfo(logits.dtype).tiny
            factor = _GAP / torch.maximum(best[:, 0] - best[:, 1], reach).clamp(min=tiny)
            factor = torch.where(torch.isfinite(factor), factor, torch.ones_like(factor))
            centre = logits.mean(dim=1, keepdim=True)
        return (logits - centre) * factor[:, None]
