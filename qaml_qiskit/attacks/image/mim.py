"""BIM with momentum."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from qaml_qiskit.attacks.image.base import Adversary, SteppingAttack, torchattacks
from qaml_qiskit.attacks.traits import Traits

if TYPE_CHECKING:
    from torch import nn


class MIMConfig(SteppingAttack):
    """BIM with momentum (MI-FGSM), made for transfer.

    Attributes:
        decay: how much of the earlier gradients is kept.
    """

    traits: ClassVar[Traits] = Traits("linf", True, "iterative", False, "Dong et al., 1710.06081", targeted=True)
    name: Literal["mim"] = "mim"
    decay: Annotated[float, Field(ge=0)] = 1.0

    def build(self, model: "nn.Module", num_classes: int, run: int = 0) -> Adversary:
        """See :class:`Attack`."""
        return torchattacks.MIFGSM(model, eps=self.eps, alpha=self.alpha, steps=self.steps, decay=self.decay)
