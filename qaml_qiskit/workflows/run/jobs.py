"""The jobs of a run: the work behind ``qaml status``, ``cancel`` and ``submit --retry``.

Everything here works from the run folder alone, so any later process can do it.
"""

import math
from pathlib import Path

from pydantic import TypeAdapter

from qaml_qiskit.artifacts.opening import load_run
from qaml_qiskit.artifacts.outcome import Outcome, Row
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.errors import BudgetError, InputError
from qaml_qiskit.execution import (
    LEDGER_FILE,
    Ledger,
    Plan,
    Runner,
    Target,
    Workload,
    cancel,
    collect,
    open_target,
    outstanding,
    plan,
    runner_for,
    submit,
)
from qaml_qiskit.execution.catalogue import IBMEntry, TargetEntry
from qaml_qiskit.execution.runtime import RuntimeRunner
from qaml_qiskit.progress import Progress, Silent


def outcome_of(run: Run) -> Outcome:
    """The outcome of a complete run."""
    return Outcome.of(run, "resources")


def status_run(path: Path) -> Outcome:
    """How a run's jobs stand: asks the target once and changes nothing."""
    run = load_run(path, "run")
    workload = Workload.load(path)
    rows = job_rows(path, workload)
    ledger = Ledger(path / LEDGER_FILE)
    sent = {record.chunk: ledger.sent(record) for record in ledger.records().values() if record.state == "submitted"}
    if not run.complete and sent:
        runner = runner_of(run, workload)
        for row in rows:
            if (job := sent.get(row["chunk"])) is not None:
                state = runner.state(job)
                row |= {"state": state.status, "reason": state.reason}
    return Outcome("status", run, rows)


def retry_run(
    path: Path,
    *,
    max_seconds: float | None = None,
    recalibrate: bool = False,
    moved: bool = False,
    progress: Progress | None = None,
) -> Outcome:
    """Send again the jobs of a run that came to nothing, and those that were never accepted.

    How the jobs stand is asked first, and what is done is fetched.

    Args:
        path: the run folder.
        max_seconds: refuse when these jobs would cost more QPU seconds, and let the service stop jobs that take longer.
            By default the limit that the run was submitted with holds for each job.
        recalibrate: also measure the readout errors again.
        moved: this folder is no copy: the one that it was made from is not used any more.
        progress: told about every job.

    Raises:
        BudgetError: the jobs would cost more than ``max_seconds`` (exit code 5); nothing was sent.
        QamlError: see :func:`qaml_qiskit.execution.submit`.
    """
    with load_run(path, "run") as run:
        if run.complete:
            return outcome_of(run)
        workload = Workload.load(path)
        runner = runner_of(run, workload)
        if runner.place:
            # What failed since the last look is to be sent too, and counts in what it costs.
            collect(path, workload, runner, timeout=0)
        target = target_of(run, workload)
        if max_seconds is not None:
            costs = plan(outstanding(path, workload, recalibrate=recalibrate), target)
            workload = limited(workload, target, costs, max_seconds)
        _send_again(run, workload, target, recalibrate, moved, progress or Silent())
        return Outcome("submit", run, job_rows(path, workload))


def _send_again(
    run: Run, workload: Workload, target: Target, recalibrate: bool, moved: bool, progress: Progress
) -> None:
    with progress.task(f"submitting to {target.name}", len(workload.settings.jobs)) as advance:
        submit(
            run.path,
            workload,
            runner_for(target, workload),
            retry=True,
            recalibrate=recalibrate,
            moved=moved,
            progress=lambda jobs: advance(jobs),
        )


def cancel_run(path: Path, *, moved: bool = False) -> Outcome:
    """Cancel the jobs of a run that have not ended.

    Args:
        path: the run folder.
        moved: see :func:`retry_run`.
    """
    with load_run(path, "run") as run:
        workload = Workload.load(path)
        cancel(path, workload, runner_of(run, workload), moved=moved)
        return Outcome("cancel", run, job_rows(path, workload))


def limited(workload: Workload, target: Target, costs: Plan, max_seconds: float) -> Workload:
    """The workload with a limit for every job at the service, after what it costs was found to fit.

    Raises:
        InputError: ``max_seconds`` is no number of seconds.
        BudgetError: the plan exceeds it (exit code 5).
    """
    if not (math.isfinite(max_seconds) and max_seconds > 0):
        raise InputError(
            "cannot limit the QPU time",
            got=f"{max_seconds} seconds",
            expected="a positive number",
            remedy="correct --max-seconds, or leave it out",
        )
    if costs.qpu_seconds > max_seconds:
        raise BudgetError(
            "the run would cost more QPU time than allowed",
            got=f"an estimate of {costs.qpu_seconds:.0f} s",
            expected=f"at most {max_seconds:g} s",
            remedy="ask for fewer images or shots, or raise --max-seconds",
        )
    limits = [max(1, round(max_seconds)), target.entry.options.max_execution_time]
    options = workload.settings.options.model_copy(update={"max_execution_time": min(filter(None, limits))})
    return Workload(workload.isa, workload.values, workload.settings.model_copy(update={"options": options}))


def job_rows(path: Path, workload: Workload) -> list[Row]:
    """One row a job, with what the ledger knows of it."""
    ledger = Ledger(path / LEDGER_FILE)
    records = ledger.records()
    seconds = {
        event["chunk"]: event["qpu_seconds"]
        for event in ledger.events()
        if event["event"] == "collected" and "qpu_seconds" in event
    }
    rows = []
    for job in workload.settings.jobs:
        record = records.get(job.chunk)
        rows.append(
            {
                "chunk": job.chunk,
                "images": job.images,
                "state": record.state if record else "not sent",
                "job": (record and record.job) or "",
                "attempt": record.attempt if record else 0,
                "qpu_seconds": seconds.get(job.chunk),
                "reason": record.reason if record else "",
            }
        )
    return rows


def runner_of(run: Run, workload: Workload) -> Runner:
    """What has the jobs of a run, whether or not its device is still there."""
    if isinstance(_entry(run), IBMEntry):
        known = Ledger(run.path / LEDGER_FILE).identity()
        return RuntimeRunner.of_sent_jobs(known.place if known else "")
    return runner_for(target_of(run, workload), workload)


def target_of(run: Run, workload: Workload) -> Target:
    """The target as it was when the run was made, whatever backends.yaml says today."""
    return open_target(workload.settings.target, _entry(run), workload.isa.num_qubits)


def _entry(run: Run) -> TargetEntry:
    entry: TargetEntry = run.resolved("target", TypeAdapter(TargetEntry).validate_python)
    return entry
