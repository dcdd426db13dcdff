"""What a primitive answers for a job, as the arrays that are kept of it; anything else is refused."""

import math
from typing import Any

import numpy as np

from qaml_qiskit.execution.runner import BrokenResultError
from qaml_qiskit.execution.workload import CALIBRATION, JobSpec, Workload
from qaml_qiskit.formats import Arrays


def decode(workload: Workload, job: JobSpec, result: Any) -> Arrays:
    """The arrays that are kept of a primitive's result, of tiles those of the joint circuit.

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
    check_arrays(workload, job, arrays)
    return arrays


def check_arrays(workload: Workload, job: JobSpec, arrays: Arrays) -> None:
    """Raise BrokenResultError unless the arrays are what the job asked for."""
    width, asked = len(workload.measured), len(workload.products.strings)
    rows = 2 if job.chunk == CALIBRATION else workload.executions(job)
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


def _unfit(job: JobSpec, got: str, expected: str) -> BrokenResultError:
    return BrokenResultError(
        f"the result of {job.chunk} does not fit its job",
        got=got,
        expected=expected,
        remedy="collect again; if it stays so, resend the job with `qaml submit --retry`",
    )
