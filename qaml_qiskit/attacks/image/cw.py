"""Carlini and Wagner's attack."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from qaml_qiskit.attacks.image.base import Adversary, Count, MinimalAttack, Positive, torchattacks
from qaml_qiskit.attacks.traits import Traits

if TYPE_CHECKING:
    from torch import nn

#: How far inside [0, 1] the attack starts.
_INSET = 1e-3


class CWConfig(MinimalAttack):
    """Carlini and Wagner's l2 attack.

    torchattacks does not search for the constant c; here it is run with each of ``constants`` and the shortest success
    of an image is kept.

    Attributes:
        constants: weights of the misclassification term.
        kappa: the lead that the wrong class must get.
        steps: of Adam, for each constant.
        learning_rate: of Adam, in the space of tanh.
    """

    traits: ClassVar[Traits] = Traits("l2", True, "iterative", True, "Carlini & Wagner, 1608.04644")
    name: Literal["cw"] = "cw"
    constants: Annotated[tuple[Positive, ...], Field(min_length=1)] = (0.1, 1.0, 10.0, 100.0)
    kappa: Annotated[float, Field(ge=0)] = 0.0
    steps: Count = 100
    learning_rate: Positive = 0.05

    def runs(self) -> int:
        """One for every constant."""
        return len(self.constants)

    def build(self, model: "nn.Module", num_classes: int, run: int = 0) -> Adversary:
        """The attack with constant number ``run``."""
        from qaml_qiskit.attacks.model_adapter import Lifted

        constant = self.constants[run]
        attack = torchattacks.CW(Lifted(model), c=constant, kappa=self.kappa, steps=self.steps, lr=self.learning_rate)
        # tanh cannot leave 0 and 1: torchattacks would never move a black or white pixel.
        return lambda images, labels: attack(images.clamp(_INSET, 1 - _INSET), labels)
