"""Readout mitigation: our own calibration circuits, corrected by mthree (Nation et al., PRX Quantum 2, 040326)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Self

import numpy as np
from mthree import M3Mitigation
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator
from qiskit.primitives.containers import BitArray

from qaml_qiskit.errors import ConfigurationError

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
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: str
    created: str
    shots: Annotated[int, Field(ge=1)]
    qubits: tuple[int, ...]
    p10: tuple[Probability, ...]
    p01: tuple[Probability, ...]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not len(self.qubits) == len(self.p10) == len(self.p01) > 0:
            raise ValueError("as many p10 and p01 as qubits, at least one")
        return self

    def of(self, measured: Sequence[int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(p10, p01) of these physical qubits in this order."""
        places = [self.qubits.index(qubit) for qubit in measured]
        return np.array(self.p10)[places], np.array(self.p01)[places]


def read_calibration(bits: BitArray, *, target: str, created: str, qubits: Sequence[int]) -> Calibration:
    """Turn the outcomes of the two calibration circuits, shape (2,), into a record."""
    after_zero, after_one = (1 - z_from_bits(bits)) / 2
    return Calibration(
        target=target,
        created=created,
        shots=bits.num_shots,
        qubits=tuple(qubits),
        p10=tuple(after_zero.tolist()),
        p01=tuple((1 - after_one).tolist()),
    )


def check_calibration(calibration: Calibration, *, target: str, measured: Sequence[int], max_age: timedelta) -> None:
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
    elif age > max_age:
        problem = (f"a record that is {_hours(age)} old", f"at most {_hours(max_age)}")
    else:
        return
    raise ConfigurationError(
        "the readout calibration cannot be used here",
        got=problem[0],
        expected=problem[1],
        remedy="measure a new one by leaving out --calibration"
        + (", or allow an older one with --max-calibration-age" if age > max_age and not missing else ""),
    )


def z_from_bits(bits: BitArray) -> NDArray[np.float64]:
    """⟨Z_k⟩ of every classical bit for a broadcast PUB of N images: shape (N, m)."""
    return 1 - 2 * _unpack(bits).mean(axis=-2)


def z_covariance(bits: BitArray) -> NDArray[np.float64]:
    """Covariance of the estimates :func:`z_from_bits`, from the shots themselves: shape (N, m, m).

    Classes share shots, so the errors of their ⟨Z_k⟩ are correlated, and whether a label is safe depends on the
    difference of two of them. One shot tells nothing about its own spread; it gets the largest, 1.
    """
    outcomes = 1.0 - 2.0 * _unpack(bits)
    if bits.num_shots < 2:
        return np.broadcast_to(np.eye(bits.num_bits), (bits.size, bits.num_bits, bits.num_bits)).copy()
    centred = outcomes - outcomes.mean(axis=-2, keepdims=True)
    return np.swapaxes(centred, -1, -2) @ centred / (bits.num_shots - 1) / bits.num_shots


def _unpack(bits: BitArray) -> NDArray[np.uint8]:
    """Outcomes as zeros and ones, shape (N, shots, m)."""
    # They are packed eight to a byte, bit 0 in the last place of the last byte.
    return np.unpackbits(bits.array, axis=-1)[..., ::-1][..., : bits.num_bits]


@dataclass(frozen=True)
class ReadoutCorrection:
    """M3 fed with a calibration record; corrects any circuit that measures a subset of its qubits."""

    calibration: Calibration

    def z_from_bits(self, bits: BitArray, measured: Sequence[int]) -> NDArray[np.float64]:
        """⟨Z_k⟩ after M3: the readout errors of all qubits, inverted within the bitstrings that occurred.

        Args:
            bits: outcomes of a broadcast PUB of N images with m classical bits.
            measured: the physical qubit behind each classical bit.

        Returns:
            Shape (N, m). Values can leave [−1, 1] by shot noise; they are not clipped, because clipping biases.

        Raises:
            ConfigurationError: the calibration lacks a measured qubit, or a qubit's readout carries no information.
        """
        mitigation = self._m3(measured)
        counts = [bits.get_counts(i) for i in range(bits.size)]
        corrected = mitigation.apply_correction(counts, [list(measured)] * len(counts), distance=-1)
        width = bits.num_bits
        observables = ["I" * (width - 1 - k) + "Z" + "I" * k for k in range(width)]
        return np.array([[quasi.expval(observable) for observable in observables] for quasi in corrected])

    def _m3(self, measured: Sequence[int]) -> M3Mitigation:
        record = self.calibration
        missing = [qubit for qubit in measured if qubit not in record.qubits]
        if missing:
            raise ConfigurationError(
                "the readout calibration does not cover the circuit",
                got=f"qubits {list(record.qubits)}",
                expected=f"also qubits {missing}",
                remedy="calibrate again for this layout",
            )
        matrices: list[NDArray[np.float64] | None] = [None] * (max(record.qubits) + 1)
        for qubit, p10, p01 in zip(record.qubits, record.p10, record.p01, strict=True):
            if p10 + p01 >= 1 and qubit in measured:
                raise ConfigurationError(
                    f"qubit {qubit} cannot be corrected",
                    got=f"readout errors {p10:.3f} and {p01:.3f}",
                    expected="a sum below 1: above it the outcome says nothing about the qubit",
                    remedy="choose a layout without this qubit",
                )
            matrices[qubit] = np.array([[1 - p10, p01], [p10, 1 - p01]])
        mitigation = M3Mitigation()
        mitigation.cals_from_matrices(matrices)
        return mitigation


def _hours(age: timedelta) -> str:
    return f"{age.total_seconds() / 3600:.1f} hours"
