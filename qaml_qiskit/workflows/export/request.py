"""What ``qaml export`` is asked for."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.workflows.fields import ModelName, Otherwise
from qaml_qiskit.workflows.request import Request

#: How the file of each format ends, if nothing else is asked for.
ENDINGS = {"qasm3": ".qasm", "qpy": ".qpy"}


class ExportRequest(Request):
    """Which circuit, and in which format."""

    command: ClassVar[str] = "export"

    model: ModelName
    """Run folder, model file or the name of a reference."""
    format: Literal["qasm3", "qpy"] = "qasm3"
    """OpenQASM 3, or Qiskit's own."""
    part: Literal["whole", "layers"] = "whole"
    """Encoding, trained layers and measurements; or the layers alone, unmeasured."""
    image: Annotated[Annotated[int, Field(ge=0)] | None, Otherwise("none: the angles of the encoding stay free")] = None
    """Bind the encoding to this image of the model's own test set, counted from 0."""
    out: Annotated[str | None, Otherwise("the model's name, here, with .qasm or .qpy")] = None
    """The file to write."""

    @model_validator(mode="after")
    def _ends_as_it_is_written(self) -> Self:
        """Refuse the ending of the other format."""
        others = {ending: name for name, ending in ENDINGS.items() if name != self.format}
        if self.out is not None and (other := others.get(Path(self.out).suffix)):
            raise ConfigurationError(
                "the ending of the file is not that of its format",
                got=f"--out {self.out} and --format {self.format}",
                expected=f"an ending such as {ENDINGS[self.format]}",
                remedy=f"give --format {other}, or another ending",
            )
        return self

    @model_validator(mode="after")
    def _images_are_encoded(self) -> Self:
        """Refuse an image for layers without an encoding."""
        if self.image is not None and self.part == "layers":
            raise ConfigurationError(
                "the layers alone hold no image",
                got=f"--image {self.image} and --part layers",
                expected="an image for the whole circuit",
                remedy="leave out one of them",
            )
        return self
