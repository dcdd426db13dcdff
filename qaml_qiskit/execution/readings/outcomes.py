"""What jobs answered: kept as small arrays, one file a job, and read back as ⟨P_s⟩ with their errors."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives.containers import BitArray

from qaml_qiskit.errors import ConfigurationError, DamagedFileError, InputError
from qaml_qiskit.evaluation import Estimates, TiledEstimates
from qaml_qiskit.evaluation.draws import averaged_draws, by_draw
from qaml_qiskit.evaluation.estimates import joined
from qaml_qiskit.execution.fingerprint import fingerprints
from qaml_qiskit.execution.ledger import LEDGER_FILE, Ledger
from qaml_qiskit.execution.readings.calibration import Calibration, read_calibration
from qaml_qiskit.execution.readings.counts import average_covariance, averages, bits_between, outcomes_of
from qaml_qiskit.execution.readings.job_results import check_arrays
from qaml_qiskit.execution.readings.mitigation import ReadoutCorrection
from qaml_qiskit.execution.readings.sampled import Sampled, TileSampled
from qaml_qiskit.execution.runner import BrokenResultError
from qaml_qiskit.execution.workload import CALIBRATION, JobSpec, Workload
from qaml_qiskit.files import write_atomically
from qaml_qiskit.formats import Arrays, arrays_of, npz, read_bytes

Floats = NDArray[np.floating]

OUTCOMES_FOLDER = "outcomes"


@dataclass(frozen=True)
class Origin:
    """Which job outcomes are of: the run's identifier, the service's id of the job, and the job's fingerprint."""

    run: str
    job: str
    fingerprint: str


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
        check_arrays(workload, job, arrays)
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

    The draws of an image are averaged, and so is what several tiles answered for it. What a tile read is corrected by
    the calibration of its own qubits.

    Raises:
        InputError: outcomes of another run or of other work than the workload's.
    """
    found, draws = _found(folder, workload), workload.settings.draws
    there = [job for job in workload.image_jobs if job.chunk in found]
    if not there:
        return None
    # A job holds all draws of its images.
    rows = np.concatenate([np.arange(job.start, job.stop, draws) for job in there]) // draws
    if workload.uses_estimator:
        evs, stds = (np.concatenate([found[job.chunk][name] for job in there]) for name in ("evs", "stds"))
        # An extrapolation that failed has an endless error; beyond the width of [−1, 1] it says the same.
        stds = np.nan_to_num(stds, nan=2.0, posinf=2.0)
        estimates = {"mitigated": Estimates(evs, stds[:, :, None] ** 2 * np.eye(stds.shape[1]))}
        return _joined(workload, rows, [_averaged(0, (), rows, estimates, None, draws)])
    calibration, barred = _calibration(workload, found.get(CALIBRATION)), ""
    try:
        tiles = list(_tiles(workload, found, rows, calibration))
    except ConfigurationError as error:
        # Counts that were paid for are worth scoring without a calibration too.
        calibration, barred = None, f"{error.what}: {error.got}"
        tiles = list(_tiles(workload, found, rows, None))
    return replace(_joined(workload, rows, tiles), calibration=calibration, barred=barred)


def read_shots(folder: Path, workload: Workload) -> NDArray[np.uint8]:
    """What every shot of every row read, as zeros and ones, shape (N·J, shots, n), once all jobs are there.

    Each row is as its tile read it; where all tiles ran every image, their shots are one behind the other, shape
    (N·J, T·shots, n).

    Raises:
        InputError: outcomes of another run or of other work than the workload's.
    """
    found = _found(folder, workload)
    read: list[list[NDArray[np.uint8]]] = [[] for _ in workload.values]
    for tile in range(workload.settings.tiles):
        for bits, rows in _runs(workload, found, tile):
            for row, shots in zip(rows, outcomes_of(bits), strict=True):
                read[row].append(shots)
    return np.stack([np.concatenate(parts) for parts in read])


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


def _runs(workload: Workload, found: Mapping[str, Arrays], tile: int) -> Iterator[tuple[BitArray, NDArray[np.intp]]]:
    """What a tile read in every job that is there, and the rows that it ran; what does not count is left out."""
    width = len(workload.tile_qubits[tile])
    for job in workload.image_jobs:
        if job.chunk in found:
            bits, (executions, rows) = _bits(found[job.chunk]), workload.dealing(job).of_tile(tile)
            if workload.settings.tiles > 1:
                bits = bits_between(bits[executions], tile * width, (tile + 1) * width)
            yield bits, rows


def _tiles(
    workload: Workload, found: Mapping[str, Arrays], images: NDArray[np.int64], calibration: Calibration | None
) -> Iterator[TileSampled]:
    """What every tile answered for the images that are there; without tiles, what the only one did.

    Raises:
        ConfigurationError: the readout of a tile cannot be corrected by this calibration.
    """
    products, draws = workload.products, workload.settings.draws
    for tile, qubits in enumerate(workload.tile_qubits):
        runs = [(bits, rows) for bits, rows in _runs(workload, found, tile) if len(rows)]
        if not runs:
            continue
        samples, rows = [bits for bits, _ in runs], np.concatenate([rows for _, rows in runs])
        raw = [Estimates(averages(bits, products), average_covariance(bits, products)) for bits in samples]
        estimates, by_qubit = {"raw": joined(raw)}, None
        if calibration is not None:
            correction = ReadoutCorrection(calibration, _method(workload))
            estimates["mitigated"] = joined([correction.estimates(bits, qubits, products) for bits in samples])
            if correction.method == "m3":
                by_qubit = np.concatenate([correction.by_qubit(bits, qubits, products).values for bits in samples])
        places = np.searchsorted(images, rows[::draws] // draws)
        yield _averaged(tile, tuple(qubits), places, estimates, by_qubit, draws)


def _averaged(
    tile: int,
    qubits: tuple[int, ...],
    places: NDArray[np.intp],
    estimates: Mapping[str, Estimates],
    by_qubit: NDArray[np.floating] | None,
    draws: int,
) -> TileSampled:
    """What a tile answered, the draws of an image averaged."""
    if draws == 1:
        return TileSampled(tile, qubits, places, estimates, by_qubit)
    return TileSampled(
        tile,
        qubits,
        places,
        {name: averaged_draws(each, draws) for name, each in estimates.items()},
        None if by_qubit is None else by_draw(by_qubit, draws).mean(axis=1),
        {name: by_draw(each.values, draws) for name, each in estimates.items()},
    )


def _joined(workload: Workload, images: NDArray[np.int64], tiles: Sequence[TileSampled]) -> Sampled:
    """What all tiles answered for the images; without tiles, as it is."""
    first = tiles[0]
    if workload.settings.tiles == 1:
        return Sampled(images, first.estimates, by_qubit=first.by_qubit, drawn=first.drawn)
    places = [each.places for each in tiles]
    estimates = {
        name: TiledEstimates.of([each.estimates[name] for each in tiles], places, len(images))
        for name in first.estimates
    }
    mean = estimates["raw"].mean
    owner = None
    if workload.settings.tile_images == "dealt":
        owner = np.zeros(len(images), dtype=np.int64)
        for each in tiles:
            owner[each.places] = each.tile
    return Sampled(
        images,
        estimates,
        by_qubit=None if first.by_qubit is None else mean([cast(Floats, each.by_qubit) for each in tiles]),
        drawn={name: mean([each.drawn[name] for each in tiles]) for name in first.drawn},
        tiles=owner,
        by_tile=tuple(tiles),
    )


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


def _bits(arrays: Arrays) -> BitArray:
    return BitArray(arrays["bits"], int(arrays["num_bits"]))


def _file(folder: Path, job: JobSpec) -> Path:
    return folder / OUTCOMES_FOLDER / f"{job.chunk}.npz"
