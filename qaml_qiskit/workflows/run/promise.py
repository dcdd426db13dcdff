"""Whether the target of a run kept its word: which promise is judged, and what the page says of it.

Everything here works from the run folder alone.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from qaml_qiskit.artifacts.mapping import HERE, Pool
from qaml_qiskit.artifacts.run import RUN_KEYS, Run
from qaml_qiskit.errors import QamlError
from qaml_qiskit.execution import Sampled, Target, Workload, open_target
from qaml_qiskit.execution.catalogue import IBMEntry, IdealEntry, SnapshotEntry
from qaml_qiskit.execution.snapshot import SNAPSHOT_FOLDER, snapshot_date
from qaml_qiskit.progress import Progress
from qaml_qiskit.reports import Report, promise_figure
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
    "targets that keep it. Strengths are 1 as calibrated, to first order."
)
_SUSPECTS = (
    "Parts whose errors alone would explain it. improvement: of the sum of squares; parts within 3.8 of each other "
    "cannot be told apart. scale: of the part's errors, 1 as calibrated, to first order: of much stronger errors it "
    "says too little. p: that any part explains as much more than stronger errors of all gates or of all readouts do, "
    "if these are the reason; at most."
)


def check_run(
    run: Run, workload: Workload, sampled: Sampled, progress: Progress, pool: Pool = HERE
) -> tuple[DeviceCheck | None, list[str]]:
    """Judge a run all of whose jobs are there.

    Returns:
        What was found, None where nothing can be judged; and sentences about it.
    """
    request = RunRequest.model_validate({k: v for k, v in run.config.items() if k not in RUN_KEYS})
    images = _images(request.check_images, run, len(sampled.rows))
    if not images:
        return None, []
    try:
        target, date, barred = _promising(run, workload)
        if barred or target is None:
            return None, [f"Whether {workload.settings.target} kept its word was not checked: {barred}."]
        found = check_device(workload, sampled, target, date, run, progress, pool, images=images)
    except QamlError as error:
        # What was measured is there and scored, whatever can be said of the promise.
        told = f"{error.what}: {error.got}"
        return None, [f"Whether {workload.settings.target} kept its word could not be checked: {told}."]
    return found, [found.sentence]


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
    described = SnapshotEntry(kind="snapshot", folder=str(place), options=entry.primitive_options)
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
