"""What kind of attack it is."""

from dataclasses import dataclass
from typing import Literal

#: The norm in which a perturbation is bounded.
Norm = Literal["linf", "l2"]

#: How an attacker makes one step of the gradients of a classifier and its detector; see :class:`.JointPGD`.
JointVariant = Literal["joint", "selective", "orthogonal"]


@dataclass(frozen=True)
class Traits:
    """What an attack needs, and what its budget means.

    Attributes:
        norm: in which its ``eps`` bounds the perturbation.
        white_box: whether it reads gradients of the model; otherwise logits suffice.
        kind: ``one-step``, ``iterative``, ``gradient-free``, or ``ensemble`` of several.
        minimal: whether it looks for the smallest perturbation and learns its budget afterwards.
        paper: where it was published.
        targeted: whether it can be told what the model shall say, too.
    """

    norm: Norm
    white_box: bool
    kind: Literal["one-step", "iterative", "gradient-free", "ensemble"]
    minimal: bool
    paper: str
    targeted: bool = False
