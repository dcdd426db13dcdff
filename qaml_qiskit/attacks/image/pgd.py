"""Projected gradient descent."""

from typing import TYPE_CHECKING, ClassVar, Literal

from qaml_qiskit.attacks.image.base import Adversary, Count, SteppingAttack, torchattacks
from qaml_qiskit.attacks.traits import Traits

if TYPE_CHECKING:
    from torch import nn


class PGDConfig(SteppingAttack):
    """Projected gradient descent from a random start.

    Attributes:
        restarts: independent random starts; for every image the best end is kept.
    """

    traits: ClassVar[Traits] = Traits("linf", True, "iterative", False, "Madry et al., 1706.06083", targeted=True)
    name: Literal["pgd"] = "pgd"
    restarts: Count = 1

    def runs(self) -> int:
        """One for every random start."""
        return self.restarts

    def build(self, model: "nn.Module", num_classes: int, run: int = 0) -> Adversary:
        """See :class:`Attack`."""
        return torchattacks.PGD(model, eps=self.eps, alpha=self.alpha, steps=self.steps)
