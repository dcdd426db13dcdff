"""What ``qaml tamper`` is asked for, and everything about it that can be wrong before a model is read."""

from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, field_validator, model_validator

from qaml_qiskit.errors import ConfigurationError, unknown_name
from qaml_qiskit.studies import PARTS, TamperedPart
from qaml_qiskit.workflows.fields import AnyNumber, Count, Otherwise, Several, TargetName
from qaml_qiskit.workflows.mixins import OnModel, Seeded, WithImages, WithRecipe

#: Flip probability of every qubit, either way, where nothing is said about the readout.
READOUT = 0.02


def _known(name: object) -> object:
    if name in PARTS:
        return name
    raise unknown_name("there is no such part to tamper with", name, PARTS)


KnownPart = Annotated[TamperedPart, BeforeValidator(_known)]


class TamperRequest(Seeded, WithRecipe, WithImages, OnModel):
    """What to tamper with, how much, and on which images."""

    command: ClassVar[str] = "tamper"

    part: Annotated[AnyNumber[KnownPart], Otherwise("all that the model allows; encoding up to ten qubits")] = ()
    """What is tampered with, one part at a time."""
    strengths: Several[Annotated[float, Field(ge=0, le=1)]] = (0.001, 0.003, 0.01, 0.03, 0.1)
    """Half the diamond distance between an honest component and the tampered one; kept in ascending order."""
    components: Annotated[Count | None, Otherwise("all; of the gates one")] = None
    """How many components may be changed at most."""
    steps: Count = 40
    """Of the ascent on the weights."""
    readout: Annotated[
        Annotated[float, Field(ge=0, le=0.5)] | None, Otherwise("that of the target, or 0.02 without one")
    ] = None
    """Honest readout error of every qubit, either way."""
    target: TargetName | None = None
    """Take the readout errors of this entry of backends.yaml, of the qubits that the model is read from there."""

    @field_validator("strengths")
    @classmethod
    def _ascending(cls, strengths: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(sorted(strengths))

    @model_validator(mode="after")
    def _one_readout(self) -> "TamperRequest":
        if self.readout is not None and self.target is not None:
            raise ConfigurationError(
                "the readout is given twice",
                got=f"--readout {self.readout:g} and --target {self.target}",
                expected="one of them",
                remedy="leave one out",
            )
        return self
