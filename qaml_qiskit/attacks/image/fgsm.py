"""The fast gradient sign method."""

from typing import TYPE_CHECKING, ClassVar, Literal

from qaml_qiskit.attacks.image.base import Adversary, BoundedAttack, torchattacks
from qaml_qiskit.attacks.traits import Traits

if TYPE_CHECKING:
    from torch import nn


class FGSMConfig(BoundedAttack):
    """Fast gradient sign method: one step of length eps."""

    traits: ClassVar[Traits] = Traits("linf", True, "one-step", False, "Goodfellow et al., 1412.6572", targeted=True)
    name: Literal["fgsm"] = "fgsm"

    def build(self, model: "nn.Module", num_classes: int, run: int = 0) -> Adversary:
        """See :class:`Attack`."""
        return torchattacks.FGSM(model, eps=self.eps)
