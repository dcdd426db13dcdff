"""The jobs of a run: the work behind ``qaml status``, ``cancel`` and ``submit --retry``.

Everything here works from the run folder alone, so any later process can do it.
"""

from os import PathLike
from pathlib import Path

from pydantic import TypeAdapter

from qaml_qiskit.artifacts.opening import load_run
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.execution import (
    LEDGER_FILE,
    Ledger,
    Runner,
    Target,
    Workload,
    collect,
    job_rows,
    limited,
    open_target,
    outstanding,
    plan,
    runner_for,
    submit,
)
from qaml_qiskit.execution import cancel as cancel_jobs
from qaml_qiskit.execution.catalogue import IBMEntry, TargetEntry
from qaml_qiskit.execution.ibm.runtime import RuntimeRunner
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.reports import Outcome, brief_figures


def outcome_of(run: Run) -> Outcome:
    """The outcome of a complete run."""
    # Only a run with tiles has a table of them.
    tables = [name for name in ("tiles",) if name in run.metrics()]
    return Outcome.of(run, *tables, "resources", brief=brief_figures, more=("promise",))


def status(path: Path | PathLike[str]) -> Outcome:
    """How a run's jobs stand: asks the target once and changes nothing."""
    path = Path(path)
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


def retry(
    path: Path | PathLike[str],
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
    path = Path(path)
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
        runner = send(run, workload, target, progress or Silent(), retry=True, recalibrate=recalibrate, moved=moved)
        if not target.gives_jobs_back:
            # When this process ends, nobody can fetch them.
            collect(path, workload, runner)
        return Outcome("submit", run, job_rows(path, workload))


def send(run: Run, workload: Workload, target: Target, progress: Progress, **how: bool) -> Runner:
    """Send what is due, and return who has it; ``how`` as of :func:`qaml_qiskit.execution.submit`."""
    runner = runner_for(target, workload, run.path)
    shown = progress if runner.place else Silent()
    with shown.task(f"submitting to {target.name}", len(workload.settings.jobs)) as advance:
        submit(run.path, workload, runner, **how, progress=lambda jobs: advance(jobs))
    return runner


def cancel(path: Path | PathLike[str], *, moved: bool = False) -> Outcome:
    """Cancel the jobs of a run that have not ended.

    Args:
        path: the run folder.
        moved: see :func:`retry`.
    """
    path = Path(path)
    with load_run(path, "run") as run:
        workload = Workload.load(path)
        cancel_jobs(path, workload, runner_of(run, workload), moved=moved)
        return Outcome("cancel", run, job_rows(path, workload))


def runner_of(run: Run, workload: Workload) -> Runner:
    """What has the jobs of a run, whether or not its device is still there."""
    if isinstance(entry_of(run), IBMEntry):
        known = Ledger(run.path / LEDGER_FILE).identity()
        return RuntimeRunner.of_sent_jobs(known.place if known else "")
    return runner_for(target_of(run, workload), workload, run.path)


def target_of(run: Run, workload: Workload) -> Target:
    """The target as it was when the run was made, whatever backends.yaml says today."""
    return open_target(workload.settings.target, entry_of(run), workload.isa.num_qubits)


def entry_of(run: Run) -> TargetEntry:
    """What backends.yaml said of the target then."""
    entry: TargetEntry = run.resolved("target", TypeAdapter(TargetEntry).validate_python)
    return entry
