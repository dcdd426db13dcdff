"""What a backward pass is asked for and what it gives."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Wanted(NamedTuple):
    """Which gradients to compute; the others cost nothing.

    Attributes:
        inputs: gradients with respect to the amplitudes.
        angles: gradients with respect to the angles.
        per_sample: angle gradients of each sample instead of their sum over the batch.
    """

    inputs: bool
    angles: bool
    per_sample: bool = False


class Pullback(NamedTuple):
    """Gradients in torch's convention (∂/∂Re + i·∂/∂Im for a complex argument).

    Attributes:
        inputs: shape (B, 2**n) complex, in wire order, or None.
        angles: shape (A,), or (B, A) per sample, or None.
    """

    inputs: Tensor | None
    angles: Tensor | None
