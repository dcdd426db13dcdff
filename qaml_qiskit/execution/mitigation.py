"""Readout mitigation: our own calibration circuits, inverted qubit by qubit, or by mthree."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator
from qiskit.primitives.containers import BitArray

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.evaluation import Z_95, Correction, Estimates, Products, ReadoutMap
from qaml_qiskit.evaluation.estimates import joined
from qaml_qiskit.execution.counts import averages, covariance_of_means, outcomes_of, pieces_of, z_from_bits
from qaml_qiskit.execution.m3 import m3_averages
from qaml_qiskit.formats import model_of, read_bytes

#: Of 1 − p10 − p01. Below it, the errors of shots and calibration grow more than tenfold, and nothing is left to read.
LEAST_CONTRAST = 0.1
#: |⟨Z⟩| that drift since the calibration may explain; half as much again as is possible is something else.
_FAR = 1.5
_SIGMAS = 5.0

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
        _invertible(calibration, measured, "measure a new one by leaving out --calibration, or use --mitigation none")
        return
    raise ConfigurationError(
        "the readout calibration cannot be used here",
        got=problem[0],
        expected=problem[1],
        remedy="measure a new one by leaving out --calibration"
        + (", or allow an older one with --max-calibration-age" if age > max_age and not missing else ""),
    )


@dataclass(frozen=True)
class ReadoutCorrection:
    """Inverts the readout errors of a calibration record, in any circuit that measures a subset of its qubits.

    Attributes:
        calibration: the record.
        method: ``readout`` inverts each qubit's Z by the errors of its own qubit, shot by shot in products, which is
            exact and unbiased at any number of shots for errors that are independent. ``m3`` inverts all qubits at once
            within the bitstrings that occurred (Nation et al., PRX Quantum 2, 040326): biased as long as the shots have
            not seen most of those that there are.
    """

    calibration: Calibration
    method: Literal["readout", "m3"]

    def estimates(self, bits: BitArray, measured: Sequence[int], products: Products | None = None) -> Estimates:
        """⟨P_s⟩ without the readout errors, with the covariance of their shots.

        Args:
            bits: outcomes of a broadcast PUB of N images with n classical bits.
            measured: the physical qubit behind each classical bit.
            products: of Z; by default Z of every classical bit.

        Returns:
            Values can leave [−1, 1] by shot noise; they are not clipped, because clipping biases.

        Raises:
            ConfigurationError: the calibration lacks a measured qubit, a qubit's readout carries no information, or
                values far beyond [−1, 1], which no shot noise explains.
        """
        products = products or Products.of_bits(bits.num_bits)
        found = self.by_qubit(bits, measured, products)
        if self.method == "m3":
            found = replace(found, values=m3_averages(self.calibration, bits, measured, products))
        self._check_possible(found, bits.num_shots, measured)
        return found

    def z_from_bits(self, bits: BitArray, measured: Sequence[int]) -> NDArray[np.floating]:
        """⟨Z_k⟩ of every classical bit without the readout errors, shape (N, n); see :meth:`estimates`."""
        return self.estimates(bits, measured).values

    def by_qubit(self, bits: BitArray, measured: Sequence[int], products: Products) -> Estimates:
        """As :meth:`estimates`, by inverting every qubit by itself whatever the method; impossible values are kept."""
        readout = self._checked(measured)
        return joined([self._inverted(piece, readout, products) for piece in pieces_of(bits, products)])

    def _inverted(self, bits: BitArray, readout: ReadoutMap, products: Products) -> Estimates:
        read, shots = averages(bits, products), 1.0 - 2.0 * outcomes_of(bits)
        shifted = shots - readout.offset
        values, outcomes = np.empty_like(read), np.empty((*shots.shape[:2], len(products.strings)))
        partials, contrast = np.zeros((len(read), *products.members.shape)), products.contrast(readout)
        for k, string in enumerate(products.strings):
            for bit in string:
                partials[:, k, bit] = shifted[..., [b for b in string if b != bit]].prod(axis=-1).mean(axis=-1)
            if len(string) == 1:
                # A straight line: the average is enough, and what it is shifted by has no part in its covariance.
                values[:, k] = (read[:, k] - readout.offset[string[0]]) / contrast[k]
                outcomes[..., k] = shots[..., string[0]]
            else:
                outcomes[..., k] = shifted[..., list(string)].prod(axis=-1)
                values[:, k] = outcomes[..., k].mean(axis=-1) / contrast[k]
        return Estimates(values, covariance_of_means(outcomes), Correction(products, readout, partials))

    def _checked(self, measured: Sequence[int]) -> ReadoutMap:
        """The readout errors of the measured qubits, after all of them were found to be invertible."""
        record = self.calibration
        missing = [qubit for qubit in measured if qubit not in record.qubits]
        if missing:
            raise ConfigurationError(
                "the readout calibration does not cover the circuit",
                got=f"qubits {list(record.qubits)}",
                expected=f"also qubits {missing}",
                remedy="calibrate again for this layout",
            )
        return _invertible(record, measured, "choose a layout without this qubit, or leave out the mitigation")

    def _check_possible(self, found: Estimates, shots: int, measured: Sequence[int]) -> None:
        """Raise ConfigurationError for |⟨P⟩| far above 1, which only a calibration of something else can give."""
        assert found.correction is not None
        products, contrast = found.correction.products, found.correction.contrast
        # Of a product each of its qubits may have drifted as far, and each has its own errors by the calibration.
        size = np.array([len(string) for string in products.strings])
        margin = _SIGMAS * (shots**-0.5 + (size / self.calibration.shots) ** 0.5) / contrast
        largest = np.abs(found.values).max(axis=0)
        for string, value, limit in zip(products.strings, largest, _FAR**size + margin, strict=True):
            if value > limit:
                qubits = [measured[bit] for bit in string]
                told = f"qubit {qubits[0]}" if len(qubits) == 1 else f"qubits {', '.join(map(str, qubits))}"
                raise ConfigurationError(
                    f"the readout calibration does not belong to what {told} read",
                    got=f"|⟨{'Z' * len(qubits)}⟩| up to {value:.3g} after mitigation",
                    expected=f"at most 1, or {limit:.3g} with the shot noise of {shots} shots and of the calibration",
                    remedy="measure a new calibration under the same options, or score the raw counts with "
                    "--mitigation none",
                )


def _invertible(record: Calibration, measured: Sequence[int], remedy: str) -> ReadoutMap:
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
