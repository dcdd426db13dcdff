"""What ``qaml frontier`` is asked for."""

from typing import Annotated, ClassVar

from pydantic import Field

from qaml_qiskit.workflows.fields import Count
from qaml_qiskit.workflows.mixins import OnModels, OnTarget, Seeded, WithImages, WithRecipe


class FrontierRequest(Seeded, WithRecipe, OnTarget, WithImages, OnModels):
    """Models, and under what they are compared."""

    command: ClassVar[str] = "frontier"

    eps: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Strength of PGD."""
    steps: Count = 10
    """Steps of PGD."""
    shots: Count = 4000
    """Of the predicted accuracy."""
