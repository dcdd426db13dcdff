"""AutoAttack, also where the published one is undefined: for two and three classes."""

from typing import TYPE_CHECKING, ClassVar, Literal

from qaml_qiskit.attacks.image.base import Adversary, BoundedAttack, Count, torchattacks
from qaml_qiskit.attacks.traits import Traits

if TYPE_CHECKING:
    from torch import nn

#: APGD-T and FAB-T aim at so many wrong classes at most, as in the reference implementation.
_MOST_TARGETS = 9


class AutoAttackConfig(BoundedAttack):
    """APGD, FAB and Square one after the other, each on the images that the ones before did not fool.

    Four classes and more: APGD-CE, APGD-T (targeted DLR), FAB-T and Square, the standard version. The targeted DLR loss
    divides by a difference with the fourth logit, and the untargeted one by a difference with the third. So three
    classes get the untargeted APGD-DLR instead of APGD-T, and two classes get neither.

    Attributes:
        steps: of APGD and FAB (100 in the paper; torchattacks would use 10).
        queries: of Square (5,000 in the paper).
    """

    traits: ClassVar[Traits] = Traits("linf", True, "ensemble", False, "Croce & Hein, 2003.01690")
    name: Literal["autoattack"] = "autoattack"
    steps: Count = 100
    queries: Count = 5000

    def variant(self, num_classes: int) -> str:
        """``autoattack``, or ``autoattack-binary`` and ``autoattack-ternary`` where its members must change."""
        return {2: "autoattack-binary", 3: "autoattack-ternary"}.get(num_classes, "autoattack")

    def build(self, model: "nn.Module", num_classes: int, run: int = 0) -> Adversary:
        """The members that are defined for ``num_classes``; see :class:`Attack`."""
        targets = min(num_classes - 1, _MOST_TARGETS)
        common = {"eps": self.eps, "seed": self.seed + run}
        members = [torchattacks.APGD(model, steps=self.steps, loss="ce", **common)]
        if num_classes > 3:
            members.append(torchattacks.APGDT(model, steps=self.steps, n_classes=targets + 1, **common))
        elif num_classes == 3:
            members.append(torchattacks.APGD(model, steps=self.steps, loss="dlr", **common))
        members += [
            torchattacks.FAB(model, steps=self.steps, multi_targeted=True, n_classes=targets + 1, **common),
            torchattacks.Square(model, n_queries=self.queries, **common),
        ]
        return torchattacks.MultiAttack(members)
