"""What `qaml plan`, `run` and `submit` are asked for."""

from typing import Annotated, ClassVar

from pydantic import Field

from qaml_qiskit.execution import DEFAULT_MITIGATION, Mode
from qaml_qiskit.workflows.fields import Count, MitigationName, Otherwise
from qaml_qiskit.workflows.mixins import ModelOnTarget, Seeded, WithImages, WithRecipe


class RunRequest(Seeded, WithRecipe, WithImages, ModelOnTarget):
    """Everything that decides what is run, and where."""

    command: ClassVar[str] = "run"

    shots: Count = 1000
    """Shots an image, and of each calibration circuit; of an image that is drawn, shots a draw."""
    mitigation: MitigationName = DEFAULT_MITIGATION
    """What is done about errors."""
    calibration: Annotated[str | None, Otherwise("measured anew")] = None
    """Use the readout calibration of an earlier run again."""
    max_calibration_age: Annotated[float, Field(gt=0, le=1e6)] = 24.0
    """Hours that such a calibration may be old."""
    mode: Mode = "batch"
    """How jobs are sent to a device."""
    images_per_job: Annotated[Count | None, Otherwise("as many as a job may hold; 50 when simulated")] = None
    """Images a job."""
    check_images: Annotated[
        int | None,
        Field(ge=0, lt=2**31, exclude_if=lambda images: images is None),
        Otherwise("500 on a device; of a simulated target a sixth of them, from 10 to 100"),
    ] = None
    """Images of which it is checked whether the target did what its calibration promises; 0 for none."""
