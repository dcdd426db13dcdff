"""Whether the target of a run kept its word: which promise is judged, and what the page says of it.

Everything here works from the run folder alone.
"""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from qaml_qiskit.artifacts.mapping import HERE, Pool
from qaml_qiskit.artifacts.opening import load_run
from qaml_qiskit.artifacts.pool import open_pool
from qaml_qiskit.artifacts.run import RUN_KEYS, Run
from qaml_qiskit.errors import ConfigurationError, InputError, QamlError
from qaml_qiskit.execution import Sampled, Target, Workload, open_target, read_outcomes
from qaml_qiskit.execution.catalogue import IBMEntry, IdealEntry, SnapshotEntry
from qaml_qiskit.execution.snapshot import SNAPSHOT_FOLDER, snapshot_date
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.reports import Outcome, Report, promise_figure
from qaml_qiskit.studies import DeviceCheck, check_device
from qaml_qiskit.workflows.run.jobs import entry_of, target_of
from qaml_qiskit.workflows.run.request import RunRequest

#: Images that are checked on a device where nobody says how many; what is propagated costs no QPU time.
_ON_DEVICE = 500
#: The same of a simulated target, which promises itself: a part of the run's images, at least and at most so many.
_PART, _LEAST, _MOST = 6, 10, 100

_READING = (
    "Raw averages against the forecast of the calibration that the run began with, readout errors in both, so that no "
    "correction's error counts. chi_square: its mean is degrees on a target that keeps its word; p: of a value as far "
    "from it, on either side; p_adjusted: the probability of any false alarm in the table. shift: measured minus "
    "promised, on average. slope: of measured against promised. Products are numbered as the readout's; qubits are "
    "those of the device."
)
_TESTS = (
    "What the verdict rests on: the word is kept unless a p_adjusted is below .05, which happens to one in twenty "
    "targets that keep it. Strengths are 1 as calibrated, to first order, with 95 % intervals; few images leave them "
    "wide, below 0 too. trend: how much the gates' errors grew from the first jobs to the last, 0 for not at all."
)
_SUSPECTS = (
    "Parts whose errors alone would explain it. improvement: of the sum of squares; parts within 3.8 of the "
    "best, or within one in a hundred of it, cannot be told from it. scale: of the part's errors, 1 as calibrated; the "
    "best parts by forecasts with stronger errors, the others to first order, which says too little. "
    "p: that any part explains as much more than stronger errors of all gates or of all readouts do, if these are the "
    "reason; at most."
)


def check_run(
    run: Run, workload: Workload, sampled: Sampled, progress: Progress, pool: Pool = HERE, wanted: int | None = None
) -> tuple[DeviceCheck | None, list[str]]:
    """Judge a run all of whose jobs are there.

    Args:
        run: the run.
        workload: its own.
        sampled: what its jobs answered.
        progress: told about every image.
        pool: where forecasts are computed.
        wanted: so many images; those that the run's request says if None.

    Returns:
        What was found, None where nothing can be judged; and sentences about it.
    """
    if wanted is None:
        wanted = RunRequest.model_validate({k: v for k, v in run.config.items() if k not in RUN_KEYS}).check_images
    images = _images(wanted, run, len(sampled.rows))
    if not images:
        return None, []
    try:
        target, date, barred = _promising(run, workload)
        if barred or target is None:
            return None, [f"Whether {workload.settings.target} kept its word was not checked: {barred}."]
        measured_there = entry_of(run).is_hardware
        found = check_device(
            workload, sampled, target, date, run, progress, pool, images=images, in_time=measured_there
        )
    except QamlError as error:
        # What was measured is there and scored, whatever can be said of the promise.
        told = f"{error.what}: {error.got}"
        return None, [f"Whether {workload.settings.target} kept its word could not be checked: {told}."]
    return found, [found.sentence]


def device_check(
    path: Path | PathLike[str],
    *,
    images: int | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Whether the target of a finished run kept its word, also of one that was made before runs were checked.

    What is forecast is kept in the run folder; the run's results stay as they are.

    Args:
        path: the run folder, or the outcome of a run.
        images: how many are looked at; as many as the run's own check looks at if None.
        workers: forecast in so many processes.
        scheduler: forecast on the workers of this Dask scheduler.
        progress: told about every image.

    Returns:
        The tests of the verdict as results; ``products``, ``tiles``, ``drift`` and ``suspects`` as tables; the verdict
        as ``lead``; and ``more["promise"]``, which is what ``qaml run --json`` has as ``promise``.

    Raises:
        InputError: no run, fewer than one image, or a run whose jobs are not all collected.
        ConfigurationError: there is nothing to judge.
    """
    path = Path(path)
    if images is not None and images < 1:
        raise InputError("no images to check", got=f"images={images}", expected="at least 1", remedy="raise images")
    opening = open_pool(workers, scheduler)
    with load_run(path, "run") as run, opening as pool:
        workload = Workload.load(path)
        sampled = read_outcomes(path, workload)
        if sampled is None or len(sampled.rows) < workload.num_images:
            raise InputError(
                f"cannot check {path}",
                got="a run with jobs that are not collected",
                expected="a finished run",
                remedy=f"run `qaml collect {path}` first",
            )
        check, told = check_run(run, workload, sampled, progress or Silent(), pool, images)
        if check is None:
            raise ConfigurationError(
                f"cannot check {path}",
                got=" ".join(told) or "a run of which nothing was to be checked",
                expected="counts of a target with a noise model",
                remedy="choose another run" if told else "say how many images: images=100",
            )
        document = check.document()
        tables = {name: document[name] for name in ("products", "tiles", "drift", "suspects") if document[name]}
        return Outcome("device-check", run, document["tests"], tables, lead=check.sentence, more={"promise": document})


def _images(wanted: int | None, run: Run, there: int) -> int:
    """How many images are looked at."""
    if wanted is not None:
        return min(wanted, there)
    if isinstance(entry_of(run), IBMEntry):
        return min(_ON_DEVICE, there)
    return min(there, max(_LEAST, min(_MOST, there // _PART)))


def _promising(run: Run, workload: Workload) -> tuple[Target | None, str | None, str]:
    """The target as its calibration describes it, the calibration's date, and why there is nothing to judge."""
    entry = entry_of(run)
    if isinstance(entry, IdealEntry):
        return None, None, "it promises no errors"
    if workload.uses_estimator:
        return None, None, "the Estimator answers with averages that are mitigated already"
    if workload.settings.draws > 1:
        return None, None, "its images were drawn, and the drawn averages are not forecast"
    if not isinstance(entry, IBMEntry):
        target = target_of(run, workload)
        date = snapshot_date(run.path) if isinstance(entry, SnapshotEntry) else None
        return target, date, ""
    place = run.path / SNAPSHOT_FOLDER
    if not place.is_dir():
        return None, None, "the run folder has no snapshot of its calibration"
    described = SnapshotEntry(
        kind="snapshot", folder=str(place), options=entry.primitive_options, fractional=entry.fractional
    )
    return open_target(workload.settings.target, described, workload.isa.num_qubits), snapshot_date(run.path), ""


def add_promise(report: Report, check: DeviceCheck | None) -> None:
    """Add the section about the target's word to a run's page; nothing where it was not judged."""
    if check is None:
        return
    document = check.document()
    dated = "" if check.calibrated is None else f" Its calibration is of {check.calibrated}."
    chosen = f"{check.images} of {check.of_images} images were looked at." if check.images < check.of_images else ""
    report.table("Did the device keep its word?", document["tests"], check.sentence + dated, _TESTS, chosen)
    report.picture("promise.png", _picture(check), "Averages as measured against those promised; in units of error.")
    report.table("What each qubit read", document["products"], _READING, file="promise.csv")
    if document["tiles"]:
        report.table("Tiles and their errors", document["tiles"], "Each tile by itself, errors 1 as calibrated.")
    if len(document["drift"]) > 1:
        report.table("Errors from job to job", document["drift"], "Strength of the gates' errors, in time order.")
    if document["suspects"]:
        report.table("Whose errors they are", document["suspects"], _SUSPECTS, file="suspects.csv")


def _picture(check: DeviceCheck) -> bytes:
    names: list[str] = []
    promised, measured, errors = [], [], []
    for each in check.tiles:
        found = each.forecast.expected
        spread = np.sqrt(np.diagonal(found.covariance, axis1=1, axis2=2) / found.shots)
        for column, row in enumerate(r for r in check.products if r["tile"] == each.number):
            names.append(str(row["qubits"]))
            promised.append(found.values[:, column])
            measured.append(each.measured[:, column])
            errors.append(spread[:, column])
    return promise_figure(names, promised, measured, errors)


def promise_of(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """What the metrics of a run say of the target's word, for programs; empty where it was not judged."""
    found = metrics.get("promise")
    return {"promise": found} if isinstance(found, dict) else {}
