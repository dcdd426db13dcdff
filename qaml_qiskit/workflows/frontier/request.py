"""What ``qaml frontier`` is asked for."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from qaml_qiskit.seeds import Seed
from qaml_qiskit.workflows.request import Request


class FrontierRequest(Request):
    """Models, and under what they are compared."""

    models: Annotated[tuple[str, ...], Field(min_length=1)]
    target: str = "fake-torino"
    recipe: str = "level3"
    images: Annotated[str, BeforeValidator(str)] = "100"
    eps: Annotated[float, Field(gt=0, le=1)] = 0.1
    steps: Annotated[int, Field(ge=1)] = 10
    shots: Annotated[int, Field(ge=1)] = 4000
    seed: Seed = 0

    @property
    def stored_models(self) -> tuple[str, ...]:
        """See :class:`~qaml_qiskit.workflows.request.Request`."""
        return self.models
