"""The basic iterative method."""

from typing import TYPE_CHECKING, ClassVar, Literal

from qaml_qiskit.attacks.image.base import Adversary, SteppingAttack, torchattacks
from qaml_qiskit.attacks.traits import Traits

if TYPE_CHECKING:
    from torch import nn


class BIMConfig(SteppingAttack):
    """Basic iterative method: FGSM in small steps, without a random start."""

    traits: ClassVar[Traits] = Traits("linf", True, "iterative", False, "Kurakin et al., 1607.02533", targeted=True)
    name: Literal["bim"] = "bim"

    def build(self, model: "nn.Module", num_classes: int, run: int = 0) -> Adversary:
        """See :class:`Attack`."""
        return torchattacks.BIM(model, eps=self.eps, alpha=self.alpha, steps=self.steps)
