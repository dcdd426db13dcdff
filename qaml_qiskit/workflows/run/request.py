"""What `qaml plan`, `run` and `submit` are asked for."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from qaml_qiskit.execution import DEFAULT_MITIGATION, Mitigation, Mode
from qaml_qiskit.seeds import Seed
from qaml_qiskit.workflows.request import Request


class RunRequest(Request):
    """Everything that decides what is run, and where."""

    model: str
    target: str = "fake-torino"
    recipe: str = "level3"
    images: Annotated[str, BeforeValidator(str)] = "100"
    shots: Annotated[int, Field(ge=1)] = 1000
    mitigation: Mitigation = DEFAULT_MITIGATION
    calibration: str | None = None
    max_calibration_age: Annotated[float, Field(gt=0, le=1e6)] = 24.0
    mode: Mode = "batch"
    images_per_job: Annotated[int, Field(ge=1)] | None = None
    seed: Seed = 0

    @property
    def stored_models(self) -> tuple[str, ...]:
        """See :class:`~qaml_qiskit.workflows.request.Request`."""
        return (self.model,)
