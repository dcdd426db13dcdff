"""From submitted jobs to results: the work behind ``qaml collect``.

Everything here works from the run folder alone, so any later process can do it, on any machine that has the folder.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from qaml_qiskit.artifacts.opening import load_run
from qaml_qiskit.artifacts.outcome import Outcome, Row
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.deployments.compiled import circuit_rows
from qaml_qiskit.errors import JobsPendingError, PartialResultError, QamlError
from qaml_qiskit.execution import (
    LEDGER_FILE,
    Collection,
    Ledger,
    Runner,
    Sampled,
    Workload,
    collect,
    plan,
    read_outcomes,
)
from qaml_qiskit.execution.question import within
from qaml_qiskit.execution.workload import CALIBRATION
from qaml_qiskit.formats import Arrays, arrays_of, damaged, npz, object_of, short
from qaml_qiskit.models import QVC, build_model, parse_config
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.workflows.run.jobs import job_rows, outcome_of, runner_of, target_of
from qaml_qiskit.workflows.run.report import write_run_page
from qaml_qiskit.workflows.run.scoring import Scored, score_sampled

INPUTS_FILE, PLAN_FILE = "inputs.npz", "plan.json"
_MADE_AGAIN = "give the command that made the run once more: it writes this file again and sends no job twice"
_TEXTS = TypeAdapter(tuple[str, ...])


def collect_run(path: Path, *, timeout: float | None = None, progress: Progress | None = None) -> Outcome:
    """Fetch what a run's jobs answered, score it, and write results; calling it again changes nothing.

    Args:
        path: the run folder.
        timeout: seconds to wait for unfinished jobs; None waits for as long as it takes.
        progress: told about images as they arrive.

    Returns:
        The results so far. When jobs are missing, ``problem`` says which: JobsPendingError (exit code 4) when nothing
        can be scored yet, PartialResultError (exit code 6) when the results are those of some images.
    """
    with load_run(path, "run") as run:
        if run.complete:
            return outcome_of(run)
        workload = Workload.load(path)
        with within(timeout):
            return finish(run, workload, runner_of(run, workload), timeout, progress or Silent())


def finish(run: Run, workload: Workload, runner: Runner, timeout: float | None, progress: Progress) -> Outcome:
    """Collect, score and write; complete the run when nothing is missing."""
    if run.complete:
        return outcome_of(run)
    missing = sum(job.images for job in workload.image_jobs)
    verb = "waiting for" if runner.place else "sampling on"
    with progress.task(f"{verb} {workload.settings.target}", missing) as advance:
        collection = collect(
            run.path,
            workload,
            runner,
            timeout=timeout,
            progress=lambda images: advance(images),
        )
    sampled = read_outcomes(run.path, workload)
    if sampled is None:
        return Outcome("collect", run, job_rows(run.path, workload), problem=_problem(run, collection, scored=False))
    scored = _score(run, workload, sampled)
    jobs = job_rows(run.path, workload)
    costs, resources = _plan(run, workload)
    metrics: dict[str, Any] = {
        "command": "run",
        "results": scored.rows,
        "resources": resources,
        "plan": costs,
        "jobs": jobs,
        "notes": [*scored.notes, *_notes(run, sampled)],
    }
    write_run_page(run, workload, metrics)
    if collection.complete and not sampled.barred:
        run.finish(metrics)
        return outcome_of(run)
    return Outcome(
        "run",
        run,
        scored.rows,
        {"jobs": jobs},
        notes=tuple(metrics["notes"]),
        problem=_barred(run, workload, sampled) if collection.complete else _problem(run, collection, scored=True),
    )


def _inputs(run: Run, workload: Workload) -> Arrays:
    """``labels``, ``indices`` and ideal ⟨Z_k⟩ as ``z_ideal`` of all images, as they were when the run was made."""
    source = str(run.path / INPUTS_FILE)
    if (arrays := run.kept_arrays(INPUTS_FILE)) is None:
        arrays = arrays_of(run.read(INPUTS_FILE) or b"", source, _MADE_AGAIN)
        # The version before wrote no mark.
        if "mark" in arrays:
            raise damaged(source, "arrays that are not those of this run", "what its command wrote", _MADE_AGAIN)
    images, classes = len(workload.values), len(workload.measured)
    shapes = {"labels": (images,), "indices": (images,), "z_ideal": (images, classes)}
    found = {name: arrays[name].shape for name in shapes if name in arrays}
    kinds = {"labels": "iu", "indices": "iu", "z_ideal": "f"}
    fits = found == shapes and all(arrays[name].dtype.kind in kind for name, kind in kinds.items())
    if not fits:
        raise damaged(source, f"arrays {short(found)}", f"arrays {short(shapes)}", _MADE_AGAIN)
    # float32 rounds.
    if not (np.abs(arrays["z_ideal"]) <= 1 + 1e-3).all():
        raise damaged(source, "values of ⟨Z⟩ beyond 1", "values from −1 to 1", _MADE_AGAIN)
    return arrays


def _plan(run: Run, workload: Workload) -> tuple[Row, list[Row]]:
    """The plan and the gate counts; counted again when the file with them is missing, damaged or something else."""
    if (saved := run.kept_json(PLAN_FILE)) is not None:
        return saved["plan"], saved["resources"]
    model = build_model(run.resolved("model", parse_config))
    assert isinstance(model, QVC)
    target = target_of(run, workload)
    return plan(workload, target).as_dict(), circuit_rows(model.circuit(), workload.isa, target.name)


def _score(run: Run, workload: Workload, sampled: Sampled) -> Scored:
    """Score, and write the predictions."""
    inputs = _inputs(run, workload)
    labels, indices, ideal = (inputs[name][sampled.rows] for name in ("labels", "indices", "z_ideal"))
    if sampled.calibration is not None:
        run.write("calibration.json", sampled.calibration.model_dump_json(indent=2) + "\n")
    scored = score_sampled(workload, sampled, labels, ideal)
    run.write("predictions.npz", npz(labels=labels, indices=indices, z_ideal=ideal, **scored.arrays))
    return scored


def _notes(run: Run, sampled: Sampled) -> list[str]:
    """What a reader of the results should know about how they came about."""
    notes = [
        f"{name} of backends.yaml was not applied: the target is simulated."
        for name in run.resolved("options_not_applied", _TEXTS.validate_python)
    ]
    notes += [f"{note}." for note in run.resolved("noise_notes", _TEXTS.validate_python, [])]
    if sampled.barred:
        notes.append(f"The readout was not corrected: {sampled.barred}.")
    events = Ledger(run.path / LEDGER_FILE).events()
    twins = [event for event in events if event["event"] == "twin" and not event["cancelled"]]
    if twins:
        ids = ", ".join(str(event["job"]) for event in twins)
        notes.append(f"The service ran a job twice although it was sent once: {ids}.")
    dates = sorted({str(event["device_calibrated"]) for event in events if "device_calibrated" in event})
    submitted = _snapshot_date(run)
    if submitted is not None and any(date != submitted for date in dates):
        notes.append(f"The device was calibrated anew after submission ({submitted}): the jobs saw {', '.join(dates)}.")
    return notes


def _snapshot_date(run: Run) -> str | None:
    name = "snapshot/properties.json"
    if (content := run.read(name)) is None:
        return None
    source = str(run.path / name)
    date = object_of(content, source)["last_update_date"]
    text = date["__value__"] if isinstance(date, dict) else date
    try:
        return datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="seconds")
    except (TypeError, ValueError, OverflowError) as error:
        raise damaged(source, f"the date {short(text)}", "a date and a time") from error


def _problem(run: Run, collection: Collection, *, scored: bool) -> QamlError:
    """Why the run is not complete, as an error with its exit code."""
    parts, unanswered = [], collection.unanswered
    if collection.ended:
        parts += [f"{job.chunk} ({job.job}) {job.state}: {job.reason or 'no reason given'}" for job in collection.ended]
    if collection.unsent:
        parts.append(f"{len(collection.unsent)} not accepted by the service")
    if collection.pending:
        parts.append(f"{len(collection.pending)} pending")
    parts += [f"{chunk or 'the list of jobs'} could not be asked for ({why})" for chunk, why in unanswered.items()]
    remedy = f"run `qaml collect {run.path}` later"
    if collection.ended or collection.unsent:
        remedy = f"send them again with `qaml submit --retry {run.path}`, then collect"
    total = sum(map(len, (collection.collected, collection.pending, collection.ended, collection.unsent)))
    kind = PartialResultError if scored or not collection.pending else JobsPendingError
    return kind(
        f"{len(collection.collected)} of {total} jobs of {run.path} are collected",
        got="; ".join(parts),
        expected="every job's result",
        remedy=remedy,
    )


def _barred(run: Run, workload: Workload, sampled: Sampled) -> QamlError:
    """Why a run of which every job is collected is not complete."""
    remedy = "run again in another folder without --calibration, which measures one, or with --mitigation none"
    if any(job.chunk == CALIBRATION for job in workload.settings.jobs):
        remedy = f"calibrate again with `qaml submit --retry {run.path} --recalibrate`, then collect"
    return PartialResultError(
        f"the readout of {run.path} could not be corrected; the raw counts are scored",
        got=sampled.barred,
        expected="a calibration that can be inverted",
        remedy=remedy,
    )
