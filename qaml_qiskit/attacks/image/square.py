"""The Square attack."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from qaml_qiskit.attacks.image.base import Adversary, BoundedAttack, Count, torchattacks
from qaml_qiskit.attacks.traits import Traits

if TYPE_CHECKING:
    from torch import nn


class SquareConfig(BoundedAttack):
    """Random search over squares: needs logits only.

    Attributes:
        queries: of the model an image, at most, for each restart.
        restarts: independent random starts.
        p_init: share of the pixels in the first squares.
    """

    traits: ClassVar[Traits] = Traits("linf", False, "gradient-free", False, "Andriushchenko et al., 1912.00049")
    name: Literal["square"] = "square"
    queries: Count = 1000
    restarts: Count = 1
    p_init: Annotated[float, Field(gt=0, le=1)] = 0.8

    def build(self, model: "nn.Module", num_classes: int, run: int = 0) -> Adversary:
        """See :class:`Attack`."""
        return torchattacks.Square(
            model,
            eps=self.eps,
            n_queries=self.queries,
            n_restarts=self.restarts,
            p_init=self.p_init,
            seed=self.seed + run,
        )
