"""What `qaml plan`, `run` and `submit` are asked for."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.execution import DEFAULT_MITIGATION, Mode, TileImages
from qaml_qiskit.workflows.fields import Count, MitigationName, Otherwise
from qaml_qiskit.workflows.mixins import ModelOnTarget, Seeded, WithEngine, WithImages, WithRecipe


class RunRequest(Seeded, WithEngine, WithRecipe, WithImages, ModelOnTarget):
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
    tiles: Annotated[Count | Literal["auto"], Field(exclude_if=lambda tiles: tiles == 1)] = 1
    """Copies of the classifier side by side on the chip, each on a line of qubits of its own, so that one execution is
    for several images: a number, or auto, which weighs accuracy against QPU time."""
    tile_gap: Annotated[int, Field(ge=0, lt=2**31, exclude_if=lambda gap: gap == 0)] = 0
    """With tiles: idle qubits between two of them, at least, against crosstalk."""
    tile_images: Annotated[TileImages, Field(exclude_if=lambda images: images == "dealt")] = "dealt"
    """With tiles: images are dealt to them in turn, or every image runs on all, which averages bad lines out."""
    check_images: Annotated[
        int | None,
        Field(ge=0, lt=2**31, exclude_if=lambda images: images is None),
        Otherwise("500 on a device; of a simulated target a sixth of them, from 10 to 100"),
    ] = None
    """Images of which it is checked whether the target did what its calibration promises; 0 for none."""

    @model_validator(mode="after")
    def _there_are_tiles(self) -> Self:
        given = [f"--tile-gap {self.tile_gap}"] if self.tile_gap else []
        given += [f"--tile-images {self.tile_images}"] if self.tile_images != "dealt" else []
        if self.tiles == 1 and given:
            raise ConfigurationError(
                "there is one tile alone",
                got=f"{' and '.join(given)} without --tiles",
                expected="--tiles, a number above 1 or auto, with what is said about tiles",
                remedy=f"add --tiles, or leave out {given[0].split()[0]}",
            )
        return self
