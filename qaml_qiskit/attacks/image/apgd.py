"""PGD that chooses its step size itself."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from qaml_qiskit.attacks.image.base import Adversary, BoundedAttack, Count, torchattacks
from qaml_qiskit.attacks.traits import Traits
from qaml_qiskit.errors import ConfigurationError

if TYPE_CHECKING:
    from torch import nn


class APGDConfig(BoundedAttack):
    """PGD that chooses its step size itself.

    Attributes:
        loss: ``ce`` (cross-entropy) or ``dlr`` (difference of logits ratio; needs three classes).
        steps: gradient steps.
        restarts: independent random starts.
        draws: gradients averaged a step, for models that are random.
        rho: share of improving steps below which the step size is halved.
    """

    traits: ClassVar[Traits] = Traits("linf", True, "iterative", False, "Croce & Hein, 2003.01690")
    name: Literal["apgd"] = "apgd"
    loss: Literal["ce", "dlr"] = "ce"
    steps: Count = 50
    restarts: Count = 1
    draws: Count = 1
    rho: Annotated[float, Field(gt=0, lt=1)] = 0.75

    def build(self, model: "nn.Module", num_classes: int, run: int = 0) -> Adversary:
        """See :class:`Attack`."""
        if self.loss == "dlr" and num_classes < 3:
            raise ConfigurationError(
                "the DLR loss is undefined for this model",
                got=f"{num_classes} classes",
                expected="at least three, because it divides by a difference with the third logit",
                remedy="use the loss ce",
            )
        return torchattacks.APGD(
            model,
            eps=self.eps,
            steps=self.steps,
            n_restarts=self.restarts,
            seed=self.seed + run,
            loss=self.loss,
            eot_iter=self.draws,
            rho=self.rho,
        )
