"""What ``qaml encode``, ``forecast`` and ``frontier`` are asked for."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from qaml_qiskit.encodings import PixelOrder
from qaml_qiskit.execution import CountsMitigation
from qaml_qiskit.seeds import Seed
from qaml_qiskit.workflows.request import Request


class EncodeRequest(Request):
    """Which images, and how they become circuits."""

    dataset: str = "digits"
    images: Annotated[str, BeforeValidator(str)] = "20"
    encoding: Literal["multiplexed", "approximate", "angle"] = "approximate"
    encoding_layers: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (1, 2, 3, 4, 6)
    threshold: Annotated[float, Field(gt=0, le=1)] = 0.95
    pixel_order: PixelOrder | None = None


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
