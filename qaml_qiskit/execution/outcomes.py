"""What jobs answered: kept as small arrays, one file a job, and read back as ⟨Z_k⟩ with their errors."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives.containers import BitArray

from qaml_qiskit.errors import InputError
from qaml_qiskit.execution.mitigation import (
    Calibration,
    ReadoutCorrection,
    read_calibration,
    z_covariance,
    z_from_bits,
)
from qaml_qiskit.execution.workload import CALIBRATION, JobSpec, Workload
from qaml_qiskit.files import write_atomically
from qaml_qiskit.formats import Arrays, arrays_of, npz, read_bytes

OUTCOMES_FOLDER = "outcomes"


@dataclass(frozen=True)
class Sampled:
    """What a target answered for K of the N images and m classes.

    Attributes:
        rows: which images, ascending; all of them unless jobs are missing. Shape (K,).
        raw: ⟨Z_k⟩ from the counts, shape (K, m), or None when an Estimator mitigated by itself.
        mitigated: ⟨Z_k⟩ after mitigation, shape (K, m), or None without mitigation.
        covariance: of the unmitigated estimates by the finite number of shots, or of the mitigated ones when there are
            no others; shape (K, m, m).
        calibration: the readout calibration that was used, or None.
    """

    rows: NDArray[np.int64]
    raw: NDArray[np.float64] | None
    mitigated: NDArray[np.float64] | None
    covariance: NDArray[np.float64]
    calibration: Calibration | None


def decode(workload: Workload, job: JobSpec, result: Any) -> Arrays:
    """The arrays that are kept of a primitive's result.

    Raises:
        InputError: the result is not that of this job.
    """
    try:
        if job.chunk == CALIBRATION:
            packed = np.stack([pub.data.meas.array for pub in result])
            arrays = {"bits": packed, "num_bits": np.array(result[0].data.meas.num_bits)}
        elif workload.uses_estimator:
            arrays = {"evs": np.asarray(result[0].data.evs), "stds": np.asarray(result[0].data.stds)}
        else:
            bits = result[0].data.meas
            arrays = {"bits": bits.array, "num_bits": np.array(bits.num_bits)}
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise _unfit(job, f"no such data ({type(error).__name__})") from error
    first, expected = next(iter(arrays.values())), 2 if job.chunk == CALIBRATION else job.images
    if len(first) != expected:
        raise _unfit(job, f"{len(first)} rows")
    return arrays


def store(folder: Path, job: JobSpec, arrays: Arrays, measured_at: datetime) -> None:
    """Keep a job's arrays in the run folder, with the time at which the target ran it."""
    moment = np.array(measured_at.astimezone(UTC).isoformat(timespec="seconds"))
    write_atomically(_file(folder, job), npz(measured_at=moment, **arrays))


def is_stored(folder: Path, job: JobSpec) -> bool:
    """Whether a job's outcomes are in the run folder."""
    return _file(folder, job).is_file()


def read_outcomes(folder: Path, workload: Workload) -> Sampled | None:
    """Mitigate and join what is there; None without any image. Without its calibration, the readout stays as it is."""
    calibration = _calibration(folder, workload)
    there = [job for job in workload.image_jobs if is_stored(folder, job)]
    if not there:
        return None
    rows = np.concatenate([np.arange(job.start, job.stop) for job in there])
    if workload.uses_estimator:
        answers = [_load(folder, job) for job in there]
        evs, stds = (np.concatenate([answer[name] for answer in answers]) for name in ("evs", "stds"))
        # An extrapolation that failed has an endless error; beyond the width of [−1, 1] it says the same.
        stds = np.nan_to_num(stds, nan=2.0, posinf=2.0)
        return Sampled(rows, None, evs, stds[:, :, None] ** 2 * np.eye(stds.shape[1]), None)
    raw, covariance, mitigated = [], [], []
    correction = ReadoutCorrection(calibration, _method(workload)) if calibration else None
    for job in there:
        bits = _bits(_load(folder, job))
        raw.append(z_from_bits(bits))
        covariance.append(z_covariance(bits))
        if correction:
            mitigated.append(correction.z_from_bits(bits, workload.measured))
    joined = np.concatenate(mitigated) if correction else None
    return Sampled(rows, np.concatenate(raw), joined, np.concatenate(covariance), calibration)


def _calibration(folder: Path, workload: Workload) -> Calibration | None:
    """The record that the workload brought, or the one that its calibration job measured."""
    job = JobSpec(chunk=CALIBRATION)
    if workload.settings.calibration is not None or not is_stored(folder, job):
        return workload.settings.calibration
    arrays = _load(folder, job)
    return read_calibration(
        _bits(arrays),
        target=workload.settings.target,
        created=str(arrays["measured_at"]),
        qubits=workload.measured,
        twirled=workload.settings.options.twirls_measurements,
    )


def _method(workload: Workload) -> Literal["readout", "m3"]:
    return "m3" if workload.settings.mitigation == "m3" else "readout"


def _bits(arrays: Arrays) -> BitArray:
    return BitArray(arrays["bits"], int(arrays["num_bits"]))


def _load(folder: Path, job: JobSpec) -> Arrays:
    file = _file(folder, job)
    return arrays_of(read_bytes(file), str(file), "move the file away and collect again")


def _file(folder: Path, job: JobSpec) -> Path:
    return folder / OUTCOMES_FOLDER / f"{job.chunk}.npz"


def _unfit(job: JobSpec, got: str) -> InputError:
    return InputError(
        f"the result of {job.chunk} does not fit its job",
        got=got,
        expected="the outcomes of exactly the circuits that were sent",
        remedy="collect again; if it stays so, resend the job with `qaml submit --retry`",
    )
