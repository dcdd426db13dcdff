"""What is left of a defence's gain when its attackers know it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qaml_qiskit.attacks.auditing.rescaling import Rescaling
from qaml_qiskit.attacks.auditing.views import NOBODY, Attacker
from qaml_qiskit.attacks.stochastic import DrawnAccuracy
from qaml_qiskit.evaluation import mean_interval, paired_difference, paired_test

#: What an audit of a defence concludes about its gain.
DefenceVerdict = Literal["holds", "smaller than published", "nil", "cannot be decided"]
#: p-values below this are no chance.
_CHANCE = 0.05


@dataclass(frozen=True)
class Encounter:
    """Whether the models are right about the images of one attacker.

    Attributes:
        defended: the defended model.
        rehearsed: the same by other draws, from which an attacker may choose; the same where nothing is drawn.
        twin: the undefended model on the same images; None without one.
    """

    defended: DrawnAccuracy
    rehearsed: DrawnAccuracy
    twin: DrawnAccuracy | None = None


@dataclass(frozen=True)
class Gain:
    """A difference of two accuracies on the same images.

    Attributes:
        value: the difference.
        interval: 95 %, for other images.
        p_value: by McNemar's exact test, that there is none; None for a difference of differences.
    """

    value: float
    interval: tuple[float, float]
    p_value: float | None = None

    @property
    def told(self) -> str:
        """In points, with the interval."""
        low, high = (100 * end for end in self.interval)
        return f"{100 * self.value:+.1f} points (95 % interval {low:+.1f} to {high:+.1f})"


@dataclass(frozen=True, eq=False)
class DefenceFindings:
    """What the encounters of all attackers come to.

    Attributes:
        encounters: by attacker; :data:`NOBODY` stands for the clean images, and the papers' attacker comes next.
        is_random: whether the defended model is.
        rescaling: what was found of that; None without a twin.
        zero_gradients: share of the images whose exact gradient is zero in floating point; None where it is not known.
        constant: accuracy of the best model that says the same of every image.
        relevant: the smallest gain that anybody would care for.
    """

    encounters: Mapping[Attacker, Encounter]
    is_random: bool
    rescaling: Rescaling | None
    zero_gradients: float | None = None
    constant: float = 0.0
    relevant: float = 0.05

    # Accuracies

    @cached_property
    def published(self) -> Attacker:
        """The papers' attacker: one noisy gradient a step, or the gradient where nothing is drawn."""
        return next(each for each in self.encounters if each != NOBODY)

    @cached_property
    def worst(self) -> DrawnAccuracy:
        """Of the defended model, when every image is that of the attacker who does most harm to it.

        Who that is, is found with one half of the draws and judged with the other, so that luck is not counted.
        """
        met = list(self.encounters.values())
        return _worst([each.rehearsed for each in met], [each.defended for each in met])

    @cached_property
    def twin_worst(self) -> DrawnAccuracy | None:
        """The same of the undefended model, with all the same images."""
        met = [each.twin for each in self.encounters.values() if each.twin is not None]
        return _worst(met, met) if met else None

    @cached_property
    def twin_own(self) -> DrawnAccuracy | None:
        """Of the undefended model under its own gradient."""
        found = self.encounters.get(Attacker("twin"))
        return None if found is None else found.twin

    # Gains

    @cached_property
    def clean_gain(self) -> Gain | None:
        """On clean images: what the defence costs, where it is below 0."""
        clean = self.encounters[NOBODY]
        return None if clean.twin is None else _gain(clean.defended, clean.twin)

    @cached_property
    def published_gain(self) -> Gain | None:
        """The published kind: under the papers' attacker, over the undefended model under its own gradient."""
        return None if self.twin_own is None else _gain(self._of(self.published), self.twin_own)

    @cached_property
    def left(self) -> Gain | None:
        """What is left when both models meet the worst of all these images."""
        return None if self.twin_worst is None else _gain(self.worst, self.twin_worst)

    @cached_property
    def lost(self) -> Gain | None:
        """The published kind of gain less what is left of it."""
        if self.twin_own is None or self.twin_worst is None:
            return None
        gains = [
            _frequency(one) - _frequency(other)
            for one, other in ((self._of(self.published), self.twin_own), (self.worst, self.twin_worst))
        ]
        return Gain(*mean_interval(gains[0] - gains[1]))

    @cached_property
    def gradient_noise(self) -> Gain | None:
        """What the papers' attacker misses because the gradient is noisy; None where it is not.

        Compared with the exact gradient; where nobody knows it, with the most draws.
        """
        exact, drawn = Attacker("expectation"), [each for each in self.encounters if each.knows == "draws"]
        if not drawn:
            return None
        better = exact if exact in self.encounters else max(drawn, key=lambda each: each.draws or 0)
        return _gain(self._of(drawn[0]), self._of(better))

    @property
    def noise_share(self) -> float | None:
        """Of the published kind of gain, what was only that; None where there was no gain, or no noise."""
        gain, noise = self.published_gain, self.gradient_noise
        return noise.value / gain.value if gain and noise and gain.interval[0] > 0 else None

    @property
    def left_share(self) -> float | None:
        """Of the published kind of gain, what is left; None where there was no gain."""
        gain, left = self.published_gain, self.left
        return left.value / gain.value if gain and left and gain.interval[0] > 0 else None

    @property
    def no_better_than_constant(self) -> bool:
        """Whether what stays right under the worst attacker is no more than a model gets that answers always the same.

        Such a model cannot be attacked, and knows nothing.
        """
        return self.worst.interval[0] <= self.constant

    # Gradients that mislead

    @cached_property
    def masked_by(self) -> tuple[Attacker, ...]:
        """Attackers without the defended model's gradient, or without its scale, who beat the best gradient there is.

        Then its gradient misleads, or vanishes: what it seems to gain against it is no robustness.
        """
        followed = [each for each in self.encounters if each.knows in ("draws", "expectation")]
        best = min(followed, key=lambda each: self._of(each).value, default=None)
        others = [each for each in self.encounters if each.knows in ("scale-free", "twin", "source", "queries")]
        if best is None:
            return ()
        return tuple(each for each in others if _beats(self._of(each), self._of(best)))

    # The verdict

    @property
    def verdict(self) -> DefenceVerdict:
        """``holds``: both gains are there. ``smaller than published``: less is left than was published.

        ``nil``: what is left, if anything, is below :attr:`relevant`; or the defence is a mere rescaling of all logits.
        ``cannot be decided``: too few images, or no twin.
        """
        return self._concluded[0]

    @property
    def reason(self) -> str:
        """Why, in a sentence or two."""
        return self._concluded[1]

    @cached_property
    def _concluded(self) -> tuple[DefenceVerdict, str]:
        gain, left, lost = self.published_gain, self.left, self.lost
        if gain is None or left is None or lost is None:
            return "cannot be decided", "There is no undefended model to compare with."
        if self.rescaling is not None and self.rescaling.is_mere and not self.is_random:
            return "nil", f"M{self.rescaling.told[1:]}. Both models decide alike, so no attacker is stopped."
        told = f"Published kind of gain {gain.told}, left {left.told}"
        if left.interval[0] > 0 and lost.interval[0] <= 0:
            return "holds", f"{told}: it is there under every attacker."
        if left.interval[0] > 0:
            return "smaller than published", f"{told}: less, but there under every attacker."
        if left.interval[1] < 0:
            return "nil", f"{told}: the defended model is the weaker one."
        if left.interval[1] < self.relevant:
            return "nil", f"{told}: below {100 * self.relevant:g} points, if there is any."
        count = len(self.worst.correct[0])
        if lost.interval[0] > 0:
            return (
                "smaller than published",
                f"{told}: {lost.told} of it are lost; whether anything is left, {count} images do not tell.",
            )
        width = (left.interval[1] - left.interval[0]) / 2
        needed = int(np.ceil(count * (width / max(self.relevant / 2, 1e-9)) ** 2))
        return "cannot be decided", f"{told}: {count} images are too few, some {max(needed, count + 1)} may do."

    def _of(self, attacker: Attacker) -> DrawnAccuracy:
        return self.encounters[attacker].defended


def _frequency(accuracy: DrawnAccuracy) -> NDArray[np.float64]:
    """How often each image is right, shape (N,)."""
    frequency: NDArray[np.float64] = accuracy.correct.double().mean(dim=0).numpy()
    return frequency


def _gain(one: DrawnAccuracy, other: DrawnAccuracy) -> Gain:
    shares = _frequency(one), _frequency(other)
    return Gain(*paired_difference(*shares), paired_test(*shares)[2])


def _beats(rival: DrawnAccuracy, mine: DrawnAccuracy) -> bool:
    """Whether fewer images are right under the rival than chance explains."""
    survive, survive_mine, p_value = paired_test(_frequency(rival), _frequency(mine))
    return survive < survive_mine and p_value < _CHANCE


def _worst(chosen_by: list[DrawnAccuracy], judged: list[DrawnAccuracy]) -> DrawnAccuracy:
    """Every image as the attacker left it who did most harm by the first accuracies, judged by the second."""
    choice = torch.stack([each.correct.double().mean(dim=0) for each in chosen_by]).argmin(dim=0)
    every = torch.stack([each.correct for each in judged])
    picked: Tensor = every[choice, :, torch.arange(every.shape[2])]
    return DrawnAccuracy(picked.T)
