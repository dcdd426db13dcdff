"""One interface and one budget for attacks on the parts of a quantum classifier."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import torch
from torch import Tensor

from qaml_qiskit.attacks.measure import margins
from qaml_qiskit.batches import check_not_empty, label_batch
from qaml_qiskit.errors import ConfigurationError, InputError

#: A part of the classifier, as something to change or something to know.
Part = Literal["weights", "gates", "encoding", "measurement", "calibration", "neighbours", "images", "labels"]


@dataclass(frozen=True)
class Access:
    """What an attacker is assumed to have.

    Attributes:
        changes: the part that is tampered with.
        knows: the parts that are read to decide how.
    """

    changes: Part
    knows: tuple[Part, ...]


@dataclass(frozen=True)
class Budget:
    """How much may be changed.

    Attributes:
        strength: ε in [0, 1]: the largest distance, ½‖·‖⋄, between an honest component (a gate, a prepared state, a
            qubit's readout, a calibrated qubit, a neighbour) and the tampered one. With 0 nobody can ever tell them
            apart, with 1 one use can suffice. For a rotation by a wrong angle δ it is sin(δ/2); for a pure state the
            trace distance √(1−F); for a flip probability the difference.
        components: how many components may be changed; None for all.
    """

    strength: float
    components: int | None = None

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        if not 0 <= self.strength <= 1 or (self.components is not None and self.components < 0):
            raise ConfigurationError(
                "this is no budget",
                got=f"strength {self.strength} and {self.components} components",
                expected="a strength from 0 to 1, and at least 0 components or None",
                remedy="correct the budget",
            )

    @property
    def angle(self) -> float:
        """The largest wrong angle of a rotation, 2·asin(ε), in radians."""
        return 2 * math.asin(self.strength)


@dataclass(frozen=True)
class Damage:
    """What an attack within a budget does to the accuracy.

    Attributes:
        attack: its name.
        access: what it assumes.
        budget: what it was allowed.
        strength: of its strongest change, measured; at most the budget's.
        components: how many components it changed.
        before: accuracy of the honest classifier.
        after: accuracy under the attack.
        fooled: which images were right before and are wrong now, shape (N,).
        change: what was done: angles added, gates dropped, states prepared, probabilities changed.
    """

    attack: str
    access: Access
    budget: Budget
    strength: float
    components: int
    before: float
    after: float
    fooled: Tensor
    change: Tensor


class QuantumAttack(Protocol):
    """An attack on one part of a classifier."""

    @property
    def access(self) -> Access:
        """What it assumes."""

    def damage(self, budget: Budget) -> Damage:
        """The worst that it finds within a budget."""


def damage_curve(attack: QuantumAttack, budgets: Sequence[Budget]) -> list[Damage]:
    """Damage against budget.

    What a smaller budget allowed, a larger one allows too. So where the search does worse with more, the earlier find
    is reported again.

    Args:
        attack: to run.
        budgets: none smaller, in strength or components, than the one before it.
    """
    found: list[Damage] = []
    for budget in budgets:
        now = attack.damage(budget)
        if found and _contains(budget, found[-1].budget) and found[-1].after < now.after:
            now = replace(found[-1], budget=budget)
        found.append(now)
    return found


def _contains(large: Budget, small: Budget) -> bool:
    unlimited = math.inf
    more = unlimited if large.components is None else large.components
    less = unlimited if small.components is None else small.components
    return large.strength >= small.strength and more >= less


def summarised(
    attack: str,
    access: Access,
    budget: Budget,
    spent: tuple[float, int],
    honest: Tensor,
    attacked: Tensor,
    labels: Tensor,
    change: Tensor,
) -> Damage:
    """The damage from logits before and after.

    Args:
        attack: its name.
        access: what it assumes.
        budget: what it was allowed.
        spent: measured strength and number of components.
        honest: logits before, shape (N, m).
        attacked: logits after, shape (N, m).
        labels: shape (N,).
        change: what was done.

    Raises:
        InputError: logits that are NaN.
    """
    if bool(honest.isnan().any() | attacked.isnan().any()):
        raise InputError(
            "the damage cannot be counted",
            got="logits that are NaN",
            expected="numbers",
            remedy="check the honest classifier and its images",
        )
    right = honest.argmax(dim=1) == labels
    still = attacked.argmax(dim=1) == labels
    return Damage(
        attack=attack,
        access=access,
        budget=budget,
        strength=spent[0],
        components=spent[1],
        before=float(right.double().mean()),
        after=float(still.double().mean()),
        fooled=right & ~still,
        change=change.detach(),
    )


def true_labels(labels: object, logits: Tensor) -> Tensor:
    """The labels beside the honest logits, shape (N,), N ≥ 1.

    Raises:
        InputError: no image, or not one class of the logits for every image.
    """
    check_not_empty(logits, "attack the classifier")
    return label_batch(labels, logits, logits.shape[1])


def harm(logits: Tensor, labels: Tensor) -> tuple[int, float]:
    """How bad logits are for their labels: how many are wrong, then how negative the mean margin is. More is worse."""
    return int((logits.argmax(dim=1) != labels).sum()), -float(margins(logits, labels).mean())


def turn_strength(angles: Tensor) -> Tensor:
    """½‖·‖⋄ of rotations by wrong angles: |sin(δ/2)|, and 1 beyond half a turn; any shape."""
    return torch.sin(angles.abs().clamp(max=math.pi) / 2)
