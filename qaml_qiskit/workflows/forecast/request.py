"""What ``qaml forecast`` is asked for."""

from typing import Annotated, ClassVar

from pydantic import Field

from qaml_qiskit.workflows.fields import AnyNumber, Count, CountsMitigationName, Otherwise, Several, TargetName
from qaml_qiskit.workflows.mixins import OnModels, Seeded, WithImages, WithRecipe


class ForecastRequest(Seeded, WithRecipe, WithImages, OnModels):
    """Models, devices, and what is done there."""

    command: ClassVar[str] = "forecast"

    target: Several[TargetName] = ("fake-torino",)
    """Entries of backends.yaml. Of real devices the calibration is read; nothing runs there."""
    shots: Several[Count] = (1000, 4000)
    """Shots an image; endless shots are always told, too."""
    mitigation: Several[CountsMitigationName] = ("none", "readout")
    """What is done about readout errors."""
    eps: Annotated[AnyNumber[Annotated[float, Field(gt=0, le=1)]], Otherwise("no attack")] = ()
    """Also score images attacked by PGD of these strengths."""
    steps: Count = 20
    """Steps of PGD."""
    archive: Annotated[AnyNumber[str], Field(exclude_if=lambda paths: not paths), Otherwise("none")] = ()
    """Run folders or snapshot folders of the same device: what the same circuit would have scored under each
    calibration."""
    blame: Annotated[bool, Field(exclude_if=lambda asked: not asked)] = False
    """Also say what the error of every gate costs: tables of gates and qubits by lost margin, and a map of the device.
    It takes about 0.7 s an image of ten qubits and 143 CZ."""
