"""Dropped gates."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from qaml_qiskit.attacks.measure import margins
from qaml_qiskit.attacks.quantum.angles import Logits
from qaml_qiskit.attacks.quantum.budget import Access, Budget, Damage, harm, summarised, true_labels
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.freezing import differentiable


def rotation_groups(num_angles: int, angles_per_rotation: int = 3) -> list[tuple[int, ...]]:
    """Consecutive angles as gates: (0, 1, 2), (3, 4, 5), … for rotations of three angles.

    Raises:
        ConfigurationError: the angles do not divide into such gates.
    """
    if num_angles % angles_per_rotation:
        raise ConfigurationError(
            "the angles do not make whole rotations",
            got=f"{num_angles} angles",
            expected=f"a multiple of {angles_per_rotation}",
            remedy="name the angles of every gate yourself",
        )
    return [tuple(range(first, first + angles_per_rotation)) for first in range(0, num_angles, angles_per_rotation)]


def rotation_strength(angles: Tensor) -> float:
    """½‖·‖⋄ between a rotation and the identity, |sin(Ω/2)| with Ω the angle by which it turns.

    Args:
        angles: of one rotation about an axis, shape (1,), or of RZ(a)·RY(b)·RZ(c), shape (3,), for which
            cos(Ω/2) = cos(b/2)·cos((a+c)/2).
    """
    half = angles.detach().double() / 2
    cosine = torch.cos(half[0]) if len(half) == 1 else torch.cos(half[1]) * torch.cos(half[0] + half[2])
    return float(torch.sqrt((1 - cosine**2).clamp(min=0)))


@dataclass(frozen=True)
class GateAttack:
    """Drops the gates whose absence hurts most, one after the other.

    In every round each remaining gate is left out in turn and the images are classified anew. The gate that costs most
    labels goes, and for equal labels the one that costs most margin. For one gate that is exhaustive.

    Attributes:
        logits: angles (P,) to logits (N, m). Called with angles that require a gradient.
        angles: the honest ones, shape (P,).
        gates: the angles of each gate; one for a rotation about an axis, three for RZ·RY·RZ. A gate is dropped by
            setting its angles to zero.
        labels: shape (N,).
        candidates: try only so many gates a round, those whose absence lowers the margins most to first order; None
            for all.
    """

    logits: Logits
    angles: Tensor
    gates: Sequence[tuple[int, ...]]
    labels: Tensor
    candidates: int | None = None

    @property
    def access(self) -> Access:
        """Gates are left out; the weights, images and labels are known."""
        return Access("gates", ("weights", "gates", "images", "labels"))

    def effects(self) -> Tensor:
        """Accuracy with each single gate dropped, shape (number of gates,)."""
        labels = true_labels(self.labels, self._logits(self.angles))
        return torch.tensor(
            [1 - harm(self._logits(self._without((gate,))), labels)[0] / len(labels) for gate in self.gates]
        )

    @differentiable()
    def damage(self, budget: Budget) -> Damage:
        """The worst set of gates found; ``change`` holds the numbers of the dropped gates.

        A gate that turns by more than the budget's strength cannot be dropped. ``components`` None means one gate.
        """
        honest = self._logits(self.angles)
        labels = true_labels(self.labels, honest)
        strengths = [rotation_strength(self.angles[list(gate)]) for gate in self.gates]
        left = [number for number, strength in enumerate(strengths) if strength <= budget.strength]
        dropped: list[int] = []
        for _ in range(min(1 if budget.components is None else budget.components, len(left))):
            base = tuple(self.gates[number] for number in dropped)
            tried = self._promising(left, base, labels)
            dropped.append(max(tried, key=lambda n: harm(self._logits(self._without((*base, self.gates[n]))), labels)))
            left.remove(dropped[-1])
        found = self._without(tuple(self.gates[number] for number in dropped))
        spent = (max((strengths[number] for number in dropped), default=0.0), len(dropped))
        return summarised(
            "gates", self.access, budget, spent, honest, self._logits(found), labels, torch.tensor(dropped)
        )

    def _promising(self, left: list[int], base: tuple[tuple[int, ...], ...], labels: Tensor) -> list[int]:
        if self.candidates is None or self.candidates >= len(left):
            return left
        angles = self._without(base).requires_grad_()
        (slope,) = torch.autograd.grad(margins(self.logits(angles), labels).sum(), angles)
        # Setting the angles θ to zero changes the margins by −θ·slope to first order.
        gains = (angles * slope).detach()
        return sorted(left, key=lambda number: -float(gains[list(self.gates[number])].sum()))[: self.candidates]

    def _without(self, gates: tuple[tuple[int, ...], ...]) -> Tensor:
        angles = self.angles.detach().clone()
        for gate in gates:
            angles[list(gate)] = 0
        return angles

    def _logits(self, angles: Tensor) -> Tensor:
        return self.logits(angles.detach().clone().requires_grad_()).detach()
