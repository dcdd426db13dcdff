"""Attackers who must fool a classifier and not be noticed: projected gradient descent on two objectives in l∞."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from qaml_qiskit.attacks.image.base import Count, Pixels, Positive
from qaml_qiskit.attacks.measure import attackable, clip_to_ball
from qaml_qiskit.attacks.model_adapter import is_black
from qaml_qiskit.attacks.randomness import RandomStream
from qaml_qiskit.attacks.traits import JointVariant
from qaml_qiskit.freezing import differentiable
from qaml_qiskit.seeds import derived_seed

#: Where less of a gradient's length is orthogonal to the other one, there is no way beside it, and rounding would lead.
_LEAST_LEFT = 0.2

#: By what the variant ``joint`` multiplies or divides an image's weight in a step.
_REWEIGHT = 1.25


@dataclass(frozen=True)
class Standing:
    """How N images stand with a classifier and with the detector that watches it.

    Attributes:
        gain: what the attacker makes large, shape (N,); above 0 where the classifier is where he wants it. Its gradient
            is used.
        alarm: what he makes small, shape (N,); its gradient is used, of its values none.
        fooled: whether the classifier is wrong, shape (N,).
        excess: what the detector truly says less its threshold, shape (N,); above 0 it raises its alarm.
    """

    gain: Tensor
    alarm: Tensor
    fooled: Tensor
    excess: Tensor

    @property
    def evades(self) -> Tensor:
        """Which images fool the classifier and raise no alarm, shape (N,)."""
        return self.fooled & (self.excess <= 0)


#: Images (n, C, H, W), and their places (n,) among all that are attacked, to how they stand. What it says of an image
#: depends on that image alone.
Situation = Callable[[Tensor, Tensor], Standing]


@dataclass(frozen=True)
class Evasion:
    """The best that an attacker found for every image.

    Attributes:
        images: shape (N, C, H, W), in [0, 1] and in the ball.
        fooled: whether the classifier is wrong, shape (N,).
        excess: the detector's score less its threshold, shape (N,), in double precision.
        gain: as in :class:`Standing`, shape (N,), in double precision.
    """

    images: Tensor
    fooled: Tensor
    excess: Tensor
    gain: Tensor

    @property
    def evades(self) -> Tensor:
        """Which images fool the classifier and raise no alarm, shape (N,)."""
        return self.fooled & (self.excess <= 0)

    def take(self, rows: Tensor, images: Tensor, standing: Standing) -> None:
        """Take over what is better: first what fools, then what is less suspicious, then what gains more.

        What does not fool is compared by its gain alone. So every image that evades is better than every other, and of
        those that are noticed the one is kept that the next higher threshold would let pass.
        """
        gain, excess = standing.gain.detach().double(), standing.excess.detach().double()
        mine = (self.fooled[rows], self.excess[rows], self.gain[rows])
        calmer = (excess < mine[1]) | ((excess == mine[1]) & (gain > mine[2]))
        better = torch.where(standing.fooled & mine[0], calmer, standing.fooled & ~mine[0])
        better |= ~standing.fooled & ~mine[0] & (gain > mine[2])
        place = rows[better]
        self.images[place], self.fooled[place] = images.detach()[better], standing.fooled[better]
        self.excess[place], self.gain[place] = excess[better], gain[better]


class JointPGD(BaseModel):
    """Projected gradient descent that fools a classifier and its detector at once (Bryniarski et al., 2106.15023).

    Its variants make one step from the gradients of the classifier (``gain``, upwards) and the detector (``alarm``,
    downwards), for every image on its own:

    - ``joint``: the sum of both, each divided by its length, the detector's times a weight that falls while the
      classifier is not where the attacker wants it, and rises while it is.
    - ``selective``: the classifier's until it is where the attacker wants it, then the detector's while it is alarmed.
    - ``orthogonal``: as selective, without the component along the other's gradient, so that a step towards one
      objective does not undo the other to first order; where that leaves next to nothing, as selective.

    An image that evades is finished.

    Attributes:
        eps: largest change of a pixel.
        steps: of every run.
        step_size: in pixel units, of the first step, from where it falls linearly; by default eps/4.
        variant: see above.
        weight: that the variant ``joint`` starts with.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    eps: Pixels = 0.1
    steps: Count = 40
    step_size: Positive | None = None
    variant: JointVariant = "selective"
    weight: Positive = 1.0

    @differentiable()
    def evade(
        self,
        images: Tensor,
        situations: Sequence[Situation],
        *,
        seed: int,
        known: Sequence[Tensor] = (),
        batch_size: int = 250,
    ) -> Evasion:
        """Look for images that evade.

        Args:
            images: clean, shape (N, C, H, W), in [0, 1]; they are the first that are judged.
            situations: what every run, from a random start of its own, reads. All judge alike (``fooled``, ``excess``);
                what they follow may differ.
            seed: of the random starts. An image's start does not depend on the size of a batch.
            known: images that other attackers made of the same, of the same shape; they are judged, too, so that no
                result is worse than theirs. What lies outside of the ball is clipped to it.
            batch_size: images that are attacked together.

        Raises:
            InputError: pixels outside [0, 1].
        """
        images = attackable(images)
        with RandomStream(seed, images.device).entered():
            best = self._judged([images, *known], images, situations[0], batch_size)
            for number, situation in enumerate(situations):
                starts = self._starts(images, derived_seed(seed, number))
                for rows in _places(~best.evades, batch_size):
                    self._run(situation, images, starts, rows, best)
        return best

    def _judged(self, candidates: Sequence[Tensor], images: Tensor, situation: Situation, batch_size: int) -> Evasion:
        """The best of the candidates."""
        lowest = images.new_full((len(images),), -torch.inf, dtype=torch.float64)
        best = Evasion(images.clone(), torch.zeros_like(lowest, dtype=torch.bool), -lowest, lowest)
        for candidate in candidates:
            inside = clip_to_ball(candidate.to(images), images, self.eps, "linf")
            for rows in _places(torch.ones_like(best.fooled), batch_size):
                with torch.no_grad():
                    best.take(rows, inside[rows], situation(inside[rows], rows))
        return best

    def _starts(self, images: Tensor, seed: int) -> Tensor:
        """A random point of every image's ball."""
        with RandomStream(seed, images.device).entered():
            change = self.eps * (2 * torch.rand_like(images) - 1)
        return clip_to_ball(images + change, images, self.eps, "linf")

    def _run(self, situation: Situation, images: Tensor, starts: Tensor, rows: Tensor, best: Evasion) -> None:
        """One run on some rows; writes what it finds."""
        first = self.step_size or self.eps / 4
        current = _readable(starts[rows], images[rows])
        weights = images.new_full((len(rows),), self.weight)
        for step in range(self.steps + 1):
            current = current.detach().requires_grad_()
            standing = situation(current, rows)
            best.take(rows, current, standing)
            going = ~best.evades[rows]
            if step == self.steps or not bool(going.any()):
                return
            direction = _direction(self.variant, weights, standing, current)
            moved = current.detach() + first * (1 - step / self.steps) * direction.sign()
            moved = _readable(clip_to_ball(moved, images[rows], self.eps, "linf"), current.detach())
            weights = torch.where(standing.gain > 0, weights * _REWEIGHT, weights / _REWEIGHT)
            current, rows, weights = moved[going], rows[going], weights[going]


def _direction(variant: JointVariant, weights: Tensor, standing: Standing, images: Tensor) -> Tensor:
    """Where every image goes, shape (n, C, H, W)."""
    reached = standing.gain.detach() > 0
    if variant == "selective":
        return _gradient(torch.where(reached, -standing.alarm, standing.gain), images)
    up, down = _gradient(standing.gain, images), -_gradient(standing.alarm, images)
    if variant == "joint":
        return _unit(up) + _wide(weights) * _unit(down)
    return torch.where(_wide(reached), _without(down, up), _without(up, down))


def _gradient(values: Tensor, images: Tensor) -> Tensor:
    """Of every value by its image; 0 where there is no path, or no finite one."""
    if not values.requires_grad:
        return torch.zeros_like(images)
    (found,) = torch.autograd.grad(values.sum(), images, retain_graph=True, allow_unused=True)
    return torch.zeros_like(images) if found is None else found.nan_to_num(0, 0, 0)


def _without(direction: Tensor, other: Tensor) -> Tensor:
    """The part of a direction that is orthogonal to another one, image by image.

    All of the direction where the other one is 0, or where they are all but parallel.
    """
    unit = _unit(other)
    left = direction - _wide((direction * unit).flatten(1).sum(1)) * unit
    return torch.where(_wide(_length(left) < _LEAST_LEFT * _length(direction)), direction, left)


def _unit(direction: Tensor) -> Tensor:
    """Divided by its length in l2, image by image; 0 stays 0."""
    return direction / _wide(_length(direction).clamp(min=torch.finfo(direction.dtype).tiny))


def _length(direction: Tensor) -> Tensor:
    """In l2, shape (n,)."""
    return torch.linalg.vector_norm(direction.flatten(1), dim=1)


def _wide(values: Tensor) -> Tensor:
    """A value an image, in the shape that meets images."""
    return values.reshape(-1, 1, 1, 1)


def _readable(images: Tensor, instead: Tensor) -> Tensor:
    """The images; others instead of those without any light, which an amplitude encoding refuses."""
    return torch.where(_wide(is_black(images)), instead, images)


def _places(chosen: Tensor, batch_size: int) -> tuple[Tensor, ...]:
    """The places that are chosen, batch by batch."""
    rows = chosen.nonzero().squeeze(1)
    return rows.split(batch_size) if len(rows) else ()
