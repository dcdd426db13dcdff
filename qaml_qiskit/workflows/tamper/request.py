"""What ``qaml tamper`` is asked for, and everything about it that can be wrong before a model is read."""

from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field, field_validator, model_validator

from qaml_qiskit.errors import ConfigurationError, unknown_name
from qaml_qiskit.seeds import Seed
from qaml_qiskit.workflows.request import Request

#: What can be tampered with.
TamperedPart = Literal["weights", "gates", "encoding", "readout", "calibration", "crosstalk"]
PARTS: tuple[TamperedPart, ...] = get_args(TamperedPart)

#: Flip probability of every qubit, either way, where nothing is said about the readout.
READOUT = 0.02


def _known(name: object) -> object:
    if name in PARTS:
        return name
    raise unknown_name("there is no such part to tamper with", name, PARTS)


class TamperRequest(Request):
    """What to tamper with, how much, and on which images.

    Attributes:
        model: a run folder, a model file or the name of a reference.
        part: what is tampered with, one part at a time; empty for all that the model allows.
        strengths: half the diamond distance between an honest component and the tampered one, see
            :class:`qaml_qiskit.attacks.quantum.Budget`; kept in ascending order.
        components: how many may be changed; None for all, and for one gate.
        images: a number of test images, or an .npz.
        steps: of the ascent on the weights.
        readout: flip probability of every qubit, either way; None for that of ``target``, or 0.02 without one.
        target: whose readout errors are used instead; an entry of backends.yaml.
        recipe: compiles the circuit for the target, which decides on which qubits it is read.
        seed: of the ascent's random start.
    """

    model: str
    part: tuple[Annotated[TamperedPart, BeforeValidator(_known)], ...] = ()
    strengths: Annotated[tuple[Annotated[float, Field(ge=0, le=1)], ...], Field(min_length=1)] = (
        0.001,
        0.003,
        0.01,
        0.03,
        0.1,
    )
    components: Annotated[int, Field(ge=1)] | None = None
    images: Annotated[str, BeforeValidator(str)] = "100"
    steps: Annotated[int, Field(ge=1)] = 40
    readout: Annotated[float, Field(ge=0, le=0.5)] | None = None
    target: str | None = None
    recipe: str = "level3"
    seed: Seed = 0

    @field_validator("part", "strengths")
    @classmethod
    def _each_once(cls, values: tuple[object, ...]) -> tuple[object, ...]:
        if len(set(values)) < len(values):
            raise ValueError("each value once")
        return values

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

    @property
    def stored_models(self) -> tuple[str, ...]:
        """See :class:`~qaml_qiskit.workflows.request.Request`."""
        return (self.model,)
