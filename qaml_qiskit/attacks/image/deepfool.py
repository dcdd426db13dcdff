"""DeepFool."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from qaml_qiskit.attacks.image.base import Adversary, Count, MinimalAttack, torchattacks
from qaml_qiskit.attacks.traits import Traits

if TYPE_CHECKING:
    from torch import nn


class DeepFoolConfig(MinimalAttack):
    """Repeated linearisation towards the nearest boundary, one image at a time.

    Attributes:
        steps: at most.
        overshoot: relative, of every step; also of the whole change at the end, as in the paper. Without the latter the
            steps creep up to the boundary, and rounding decides on which side the image ends.
    """

    traits: ClassVar[Traits] = Traits("l2", True, "iterative", True, "Moosavi-Dezfooli et al., 1511.04599")
    name: Literal["deepfool"] = "deepfool"
    steps: Count = 50
    overshoot: Annotated[float, Field(ge=0)] = 0.02

    def build(self, model: "nn.Module", num_classes: int, run: int = 0) -> Adversary:
        """See :class:`Attack`."""
        attack = torchattacks.DeepFool(model, steps=self.steps, overshoot=self.overshoot)
        return lambda images, labels: images + (1 + self.overshoot) * (attack(images, labels) - images)
