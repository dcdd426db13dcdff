"""What ``qaml forecast`` is asked for."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from qaml_qiskit.execution import CountsMitigation
from qaml_qiskit.seeds import Seed
from qaml_qiskit.workflows.request import Request


class ForecastRequest(Request):
    """Models, devices, and what is done there."""

    models: Annotated[tuple[str, ...], Field(min_length=1)]
    target: Annotated[tuple[str, ...], Field(min_length=1)] = ("fake-torino",)
    recipe: str = "level3"
    images: Annotated[str, BeforeValidator(str)] = "100"
    shots: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (1000, 4000)
    mitigation: Annotated[tuple[CountsMitigation, ...], Field(min_length=1)] = ("none", "readout")
    eps: tuple[Annotated[float, Field(gt=0, le=1)], ...] = ()
    steps: Annotated[int, Field(ge=1)] = 20
    seed: Seed = 0

    @property
    def stored_models(self) -> tuple[str, ...]:
        """See :class:`~qaml_qiskit.workflows.request.Request`."""
        return self.models
