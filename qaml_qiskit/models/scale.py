"""What logits are multiplied by, and how fast a circuit is trained where nobody says."""

from typing import Annotated

from pydantic import Field

#: Scale of logits as a field of a configuration: beyond a million, the softmax of float32 knows 0 and 1 only.
LogitScale = Annotated[float, Field(gt=0, le=1e6)]


def circuit_rate(layers: int) -> float:
    """The highest learning rate for a circuit of so many layers.

    Adam moves every angle by about the rate, so a step turns a QVC's unitary by an amount that grows with its layers;
    1/L keeps that amount the same, and is near the best rate that was found for 12, 200 and 500 layers.
    """
    return min(0.1, 1 / layers)
