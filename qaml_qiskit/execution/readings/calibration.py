"""A readout calibration: what two circuits measured of the readout errors, kept, read and checked."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator
from qiskit.primitives.containers import BitArray

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.evaluation import Z_95, ReadoutMap
from qaml_qiskit.execution.readings.counts import z_from_bits
from qaml_qiskit.formats import model_of, read_bytes

#: Of 1 − p10 − p01. Below it, the errors of shots and calibration grow more than tenfold, and nothing is left to read.
LEAST_CONTRAST = 0.1

Probability = Annotated[float, Field(ge=0, le=1)]


class Calibration(BaseModel):
    """Readout error of physical qubits, as measured.

    Attributes:
        target: where it was measured.
        created: when, ISO 8601 in UTC.
        shots: shots of each of the two circuits.
        qubits: physical qubits.
        p10: per qubit, the frequency of reading 1 after preparing |0⟩.
        p01: per qubit, the frequency of reading 0 after preparing |1⟩.
        twirled: whether the measurements were twirled, which makes both errors equal.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: str
    created: str
    shots: Annotated[int, Field(ge=1)]
    qubits: tuple[int, ...]
    p10: tuple[Probability, ...]
    p01: tuple[Probability, ...]
    twirled: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not len(self.qubits) == len(self.p10) == len(self.p01) > 0:
            raise ValueError("as many p10 and p01 as qubits, at least one")
        # A record that is only imagined, as by a forecast, has no date; it corrects no device.
        if self.created and datetime.fromisoformat(self.created).tzinfo is None:
            raise ValueError("a time with its zone, such as 2025-01-31T12:00:00+00:00")
        return self

    def readout(self, measured: Sequence[int]) -> ReadoutMap:
        """The errors of these physical qubits in this order."""
        places = [self.qubits.index(qubit) for qubit in measured]
        return ReadoutMap(np.array(self.p10)[places], np.array(self.p01)[places], shots=self.shots)


def read_calibration(
    bits: BitArray, *, target: str, created: str, qubits: Sequence[int], twirled: bool = False
) -> Calibration:
    """Turn the outcomes of the two calibration circuits, shape (2,), into a record."""
    after_zero, after_one = (1 - z_from_bits(bits)) / 2
    return Calibration(
        target=target,
        created=created,
        shots=bits.num_shots,
        qubits=tuple(qubits),
        p10=tuple(after_zero.tolist()),
        p01=tuple((1 - after_one).tolist()),
        twirled=twirled,
    )


def load_calibration(name: str) -> Calibration:
    """A calibration record from a file, or from the run folder that measured it.

    Raises:
        InputError: there is none, or it is damaged.
    """
    path = Path(name)
    file = path / "calibration.json" if path.is_dir() else path
    remedy = "name the calibration.json of a run that measured one with --mitigation readout or m3, or its run folder"
    return model_of(read_bytes(file, remedy), f"a readout calibration from {name}", Calibration, remedy)


def check_calibration(
    calibration: Calibration, *, target: str, measured: Sequence[int], max_age: timedelta, twirled: bool = False
) -> None:
    """Raise ConfigurationError unless a record can correct what ``target`` reads from these physical qubits now."""
    try:
        age = datetime.now(UTC) - datetime.fromisoformat(calibration.created)
    except (TypeError, ValueError, OverflowError) as error:
        raise ConfigurationError(
            "the readout calibration does not say when it was measured",
            got=repr(calibration.created)[:80],
            expected="a date and a time with its zone, such as 2025-01-31T12:00:00+00:00",
            remedy="measure a new one by leaving out --calibration",
        ) from error
    missing = [qubit for qubit in measured if qubit not in calibration.qubits]
    if calibration.target != target:
        problem = (f"a record of {calibration.target}", f"one of {target}")
    elif missing:
        problem = (f"qubits {list(calibration.qubits)}", f"also qubits {missing}")
    elif calibration.twirled != twirled:
        problem = (_twirling(calibration.twirled), _twirling(twirled))
    elif age > max_age:
        problem = (f"a record that is {_hours(age)} old", f"at most {_hours(max_age)}")
    else:
        invertible_readout(
            calibration, measured, "measure a new one by leaving out --calibration, or use --mitigation none"
        )
        return
    raise ConfigurationError(
        "the readout calibration cannot be used here",
        got=problem[0],
        expected=problem[1],
        remedy="measure a new one by leaving out --calibration"
        + (", or allow an older one with --max-calibration-age" if age > max_age and not missing else ""),
    )


def invertible_readout(record: Calibration, measured: Sequence[int], remedy: str) -> ReadoutMap:
    """The readout errors of measured qubits. Raises ConfigurationError for one whose outcome says too little."""
    readout = record.readout(measured)
    # A contrast that the calibration's own shots cannot tell from zero may be of either sign.
    least = np.maximum(LEAST_CONTRAST, Z_95 * readout.contrast_error)
    found = (readout.p10, readout.p01, readout.contrast)
    for qubit, p10, p01, contrast, needed in zip(measured, *found, least, strict=True):
        if contrast < needed:
            raise ConfigurationError(
                f"qubit {qubit} cannot be corrected",
                got=f"readout errors {p10:.3f} and {p01:.3f}, measured with {record.shots} shots",
                expected=f"a sum below {1 - needed:.3f}: near 1 the outcome says nothing about the qubit",
                remedy=remedy,
            )
    return readout


def _twirling(twirled: bool) -> str:
    return f"a record of {'twirled' if twirled else 'untwirled'} measurements"


def _hours(age: timedelta) -> str:
    return f"{age.total_seconds() / 3600:.1f} hours"
