"""What ``qaml monitor`` is asked for."""

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.workflows.fields import AnyNumber, Count, Share
from qaml_qiskit.workflows.mixins import Seeded

FieldName = Annotated[str, Field(min_length=1)]


class MonitorRequest(Seeded):
    """Which stream, what clean images give, and what to watch."""

    command: ClassVar[str] = "monitor"

    stream: str
    """File with a row an image, in their order: .csv with a header, .jsonl with an object a line, or .npz with an array
    a field. It is read to its end."""
    clean: str
    """File of such a kind with what clean validation images give."""
    rising: AnyNumber[FieldName] = ()
    """Fields that rise where something is wrong, such as score or disagreement."""
    falling: AnyNumber[FieldName] = ()
    """Fields that fall where something is wrong, such as confidence."""
    false_alarms: Share = 0.01
    """Probability of an alarm within so many unchanged images, at most; all fields together."""
    within: Count = 1000
    """So many images."""
    drift: Annotated[float, Field(gt=0, le=100)] = 0.25
    """In standard deviations of the clean scores: half the shift of the mean that is to be found soonest."""
    change: Annotated[int | None, Field(ge=0)] = None
    """Image from which on the stream has changed, counted from 0, where that is known: then the delay is told."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        both = sorted({*self.rising} & {*self.falling})
        if both or not (self.rising or self.falling):
            raise ConfigurationError(
                "nobody says what to watch the stream for",
                got=f"{both[0]} both rising and falling" if both else "neither --rising nor --falling",
                expected="fields of the stream, each under one of them",
                remedy="give --rising score, or --falling confidence",
            )
        return self
