"""What jobs answered: kept as small arrays, one file a job, and read back as ⟨P_s⟩ with their errors."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives.containers import BitArray

from qaml_qiskit.errors import ConfigurationError, DamagedFileError, InputError
from qaml_qiskit.evaluation import Estimates
from qaml_qiskit.evaluation.draws import averaged_draws, by_draw
from qaml_qiskit.evaluation.estimates import joined
from qaml_qiskit.execution.counts import average_covariance, averages, outcomes_of
from qaml_qiskit.execution.fingerprint import fingerprints
from qaml_qiskit.execution.ledger import LEDGER_FILE, Ledger
from qaml_qiskit.execution.mitigation import (
    Calibration,
    ReadoutCorrection,
    read_calibration,
)
from qaml_qiskit.execution.runner import BrokenResultError
from qaml_qiskit.execution.workload import CALIBRATION, JobSpec, Workload
from qaml_qiskit.files import write_atomically
from qaml_qiskit.formats import Arrays, arrays_of, npz, read_bytes

OUTCOMES_FOLDER = "outcomes"


@dataclass(frozen=True)
class Sampled:
    """What a target answered for K of the N images, about S products of Z.

    Attributes:
        rows: which images, ascending; all of them unless jobs are missing. Shape (K,).
        estimates: ⟨P_s⟩ of K images and their errors by how they came about: ``raw``, from the counts, which there are
            unless an Estimator mitigated by itself, and ``mitigated``, unless nothing was.
        calibration: the readout calibration that was used, or None.
        by_qubit: what inverting every qubit by itself makes of the same counts, shape (K, S), where ``mitigated`` is
            what M3 does; None elsewhere.
        barred: why there is no mitigation although there is a calibration; empty otherwise.
        drawn: where images are drawn, ⟨P_s⟩ of every draw, shape (K, J, S), by how they came about; ``estimates`` are
            the means over the draws then, and an image is there once all its draws are.
    """

    rows: NDArray[np.int64]
    estimates: Mapping[str, Estimates]
    calibration: Calibration | None = None
    by_qubit: NDArray[np.floating] | None = None
    barred: str = ""
    drawn: Mapping[str, NDArray[np.floating]] = field(default_factory=dict)

    @property
    def raw(self) -> NDArray[np.floating] | None:
        """⟨P_s⟩ from the counts, shape (K, S)."""
        return self.stages().get("raw")

    @property
    def mitigated(self) -> NDArray[np.floating] | None:
        """⟨P_s⟩ after mitigation, shape (K, S)."""
        return self.stages().get("mitigated")

    def stages(self) -> dict[str, NDArray[np.floating]]:
        """⟨P_s⟩ by how they came about: ``raw`` and ``mitigated``, those that there are."""
        return {name: found.values for name, found in self.estimates.items()}


@dataclass(frozen=True)
class Origin:
    """Which job outcomes are of: the run's identifier, the service's id of the job, and the job's fingerprint."""

    run: str
    job: str
    fingerprint: str


def decode(workload: Workload, job: JobSpec, result: Any) -> Arrays:
    """The arrays that are kept of a primitive's result.

    Raises:
        BrokenResultError: the result is not that of this job: other PUBs, images, shots or bits than were asked for, or
            values that are no expectation values.
    """
    estimated = workload.estimates(job)
    pubs = 2 if job.chunk == CALIBRATION else 1
    try:
        if len(result) != pubs:
            raise _unfit(job, f"{len(result)} PUBs", f"{pubs}")
        if estimated:
            arrays = {"evs": np.asarray(result[0].data.evs), "stds": np.asarray(result[0].data.stds)}
        else:
            bits = [pub.data.meas for pub in result]
            packed = np.stack([found.array for found in bits]) if job.chunk == CALIBRATION else bits[0].array
            arrays = {"bits": np.asarray(packed), "num_bits": np.array(bits[0].num_bits)}
    except (AttributeError, IndexError, TypeError, ValueError, KeyError) as error:
        raise _unfit(job, f"no such data ({type(error).__name__})", "what the circuits measure") from error
    _check(workload, job, arrays)
    return arrays


def store(folder: Path, job: JobSpec, arrays: Arrays, measured_at: datetime, origin: Origin) -> None:
    """Keep a job's arrays in the run folder, with the time at which the target ran it, and which job that was."""
    moment = np.array(measured_at.astimezone(UTC).isoformat(timespec="seconds"))
    head = {name: np.array(value) for name, value in asdict(origin).items()}
    write_atomically(_file(folder, job), npz(measured_at=moment, **head, **arrays))


def stored(folder: Path, workload: Workload, job: JobSpec, origin: Origin) -> Arrays | None:
    """A job's outcomes in the run folder; None when there are none, damaged ones, or those of an earlier attempt.

    Raises:
        InputError: the file is of another run, or of a job that consisted of something else.
    """
    file = _file(folder, job)
    try:
        arrays = arrays_of(read_bytes(file), str(file))
        found = Origin(*(str(arrays[name]) for name in ("run", "job", "fingerprint")))
    except (DamagedFileError, KeyError):
        return None
    if (found.run, found.fingerprint) != (origin.run, origin.fingerprint):
        other = f"run {found.run}" if found.run != origin.run else "another circuit, other images or other shots"
        raise InputError(
            f"{file} is not of this run",
            got=f"outcomes of {other}",
            expected=f"those of job {origin.job}",
            remedy="move the file away and collect again: what the service has is fetched anew",
        )
    try:
        _check(workload, job, arrays)
        datetime.fromisoformat(str(arrays["measured_at"]))
    except (BrokenResultError, KeyError, ValueError):
        return None
    return arrays if found.job == origin.job else None


def sent_fingerprints(folder: Path, workload: Workload) -> dict[str, str]:
    """What every job consists of, see :func:`fingerprints`, after a look whether that is what was sent.

    Raises:
        InputError: the stored circuit, images or options are not those that were sent.
    """
    prints, sent = fingerprints(folder, workload), Ledger(folder / LEDGER_FILE).fingerprints()
    changed = [chunk for chunk, found in prints.items() if sent.get(chunk, found) != found]
    if changed:
        raise InputError(
            f"{folder} does not hold what was sent",
            got=f"another circuit, other images or other shots for {', '.join(changed)}",
            expected="the files as they were when the jobs were sent",
            remedy="bring the original isa.qpy, values.npy and workload.json back",
        )
    return prints


def read_outcomes(folder: Path, workload: Workload) -> Sampled | None:
    """Mitigate and join what is there; None without any image. Without a calibration that serves, raw values only.

    The draws of an image are averaged.

    Raises:
        InputError: outcomes of another run or of other work than the workload's.
    """
    found, draws = _read_rows(folder, workload), workload.settings.draws
    if found is None or draws == 1:
        return found
    # A job holds all draws of its images.
    return replace(
        found,
        rows=found.rows[::draws] // draws,
        estimates={name: averaged_draws(each, draws) for name, each in found.estimates.items()},
        by_qubit=None if found.by_qubit is None else by_draw(found.by_qubit, draws).mean(axis=1),
        drawn={name: by_draw(each.values, draws) for name, each in found.estimates.items()},
    )


def read_shots(folder: Path, workload: Workload) -> NDArray[np.uint8]:
    """What every shot of every row read, as zeros and ones, shape (N·J, shots, n), once all jobs are there.

    Raises:
        InputError: outcomes of another run or of other work than the workload's.
    """
    found = _found(folder, workload)
    return np.concatenate([outcomes_of(_bits(found[job.chunk])) for job in workload.image_jobs])


def _found(folder: Path, workload: Workload) -> dict[str, Arrays]:
    """The outcomes that are there, by chunk."""
    ledger, prints = Ledger(folder / LEDGER_FILE), sent_fingerprints(folder, workload)
    run, records = str(ledger.run_id()), ledger.records()
    found = {
        job.chunk: stored(folder, workload, job, Origin(run, str(records[job.chunk].job), prints[job.chunk]))
        for job in workload.settings.jobs
        if job.chunk in records
    }
    return {chunk: arrays for chunk, arrays in found.items() if arrays is not None}


def _read_rows(folder: Path, workload: Workload) -> Sampled | None:
    """What is there of the rows, before their draws are averaged."""
    found = _found(folder, workload)
    there = [(job, found[job.chunk]) for job in workload.image_jobs if job.chunk in found]
    if not there:
        return None
    rows = np.concatenate([np.arange(job.start, job.stop) for job, _ in there])
    if workload.uses_estimator:
        evs, stds = (np.concatenate([arrays[name] for _, arrays in there]) for name in ("evs", "stds"))
        # An extrapolation that failed has an endless error; beyond the width of [−1, 1] it says the same.
        stds = np.nan_to_num(stds, nan=2.0, posinf=2.0)
        return Sampled(rows, {"mitigated": Estimates(evs, stds[:, :, None] ** 2 * np.eye(stds.shape[1]))})
    samples = [_bits(arrays) for _, arrays in there]
    products = workload.products
    raw = joined([Estimates(averages(bits, products), average_covariance(bits, products)) for bits in samples])
    calibration = _calibration(workload, found.get(CALIBRATION))
    if calibration is None:
        return Sampled(rows, {"raw": raw})
    try:
        correction = ReadoutCorrection(calibration, _method(workload))
        parts = [correction.estimates(bits, workload.measured, products) for bits in samples]
    except ConfigurationError as error:
        # Counts that were paid for are worth scoring without a calibration too.
        return Sampled(rows, {"raw": raw}, barred=f"{error.what}: {error.got}")
    by_qubit = None
    if correction.method == "m3":
        by_qubit = np.concatenate([correction.by_qubit(b, workload.measured, products).values for b in samples])
    return Sampled(rows, {"raw": raw, "mitigated": joined(parts)}, calibration, by_qubit)


def _calibration(workload: Workload, arrays: Arrays | None) -> Calibration | None:
    """The record that the workload brought, or the one that its calibration job measured."""
    if workload.settings.calibration is not None or arrays is None:
        return workload.settings.calibration
    return read_calibration(
        _bits(arrays),
        target=workload.settings.target,
        created=str(arrays["measured_at"]),
        qubits=workload.measured,
        twirled=workload.settings.options.twirls_measurements,
    )


def _method(workload: Workload) -> Literal["readout", "m3"]:
    return "m3" if workload.settings.mitigation == "m3" else "readout"


def _check(workload: Workload, job: JobSpec, arrays: Arrays) -> None:
    """Raise BrokenResultError unless the arrays are what the job asked for."""
    width, asked = len(workload.measured), len(workload.products.strings)
    rows = 2 if job.chunk == CALIBRATION else job.rows
    if "evs" in arrays:
        for name in ("evs", "stds"):
            if arrays[name].shape != (rows, asked) or arrays[name].dtype.kind != "f":
                raise _unfit(
                    job, f"{name} of shape {arrays[name].shape}", f"({rows}, {asked}) of floating-point numbers"
                )
        if not np.isfinite(arrays["evs"]).all():
            raise _unfit(job, "expectation values that are no numbers", "numbers")
        return
    bits, num_bits = arrays["bits"], arrays["num_bits"]
    shots = _shots(workload, job)
    if num_bits.shape != () or num_bits.dtype.kind not in "iu" or int(num_bits) != width:
        raise _unfit(job, f"{num_bits} bits", f"{width}")
    if bits.dtype != np.uint8 or bits.ndim != 3 or bits.shape[::2] != (rows, -(-width // 8)) or not bits.size:
        raise _unfit(job, f"outcomes of shape {bits.shape}", f"({rows}, {min(shots)}, {-(-width // 8)}) bytes")
    if bits.shape[1] not in shots:
        raise _unfit(job, f"{bits.shape[1]} shots", " or ".join(map(str, sorted(shots))))
    if (bits[..., 0] >> ((width - 1) % 8 + 1)).any():
        raise _unfit(job, "outcomes beyond the last measured qubit", f"{width} bits")


def _shots(workload: Workload, job: JobSpec) -> set[int]:
    """How many shots an answer may have: as asked for, or rounded up to a whole number for each twirling draw."""
    shots, twirling = workload.settings.shots, workload.options(job).twirling
    if twirling is None:
        return {shots}
    # The client's own rule where the number of draws is left to it.
    each = max(64, math.ceil(shots / 32)) if twirling.randomizations is None else None
    draws = twirling.randomizations or math.ceil(shots / (each or 1))
    return {shots, draws * (each or math.ceil(shots / draws))}


def _bits(arrays: Arrays) -> BitArray:
    return BitArray(arrays["bits"], int(arrays["num_bits"]))


def _file(folder: Path, job: JobSpec) -> Path:
    return folder / OUTCOMES_FOLDER / f"{job.chunk}.npz"


def _unfit(job: JobSpec, got: str, expected: str) -> BrokenResultError:
    return BrokenResultError(
        f"the result of {job.chunk} does not fit its job",
        got=got,
        expected=expected,
        remedy="collect again; if it stays so, resend the job with `qaml submit --retry`",
    )
