"""The one side effect: jobs leave, and every one of them is in the ledger before and after."""

from collections.abc import Callable
from pathlib import Path

from qaml_qiskit.errors import QamlError
from qaml_qiskit.execution.ledger import ENDED, JobRecord, Ledger
from qaml_qiskit.execution.local import local_runner
from qaml_qiskit.execution.runner import Runner
from qaml_qiskit.execution.runtime import RuntimeRunner
from qaml_qiskit.execution.targets import Target
from qaml_qiskit.execution.workload import JobSpec, Workload
from qaml_qiskit.files import make_folders

LEDGER_FILE = "jobs.jsonl"


def runner_for(target: Target, workload: Workload) -> Runner:
    """What carries out a workload on a target."""
    return RuntimeRunner(target.backend) if target.is_hardware else local_runner(target, workload)


def submit(
    folder: Path,
    workload: Workload,
    runner: Runner,
    *,
    retry: bool = False,
    progress: Callable[[int], None] | None = None,
) -> list[JobRecord]:
    """Send every job of a workload that was not sent yet.

    A job whose intent is in the ledger without an id is looked for at the service before it is sent again, and when
    all are sent, jobs that the service holds twice are cancelled but for one. So a process killed at any point, or an
    answer lost on the way, never makes a second paid job that is left to run.

    Args:
        folder: the run folder; the workload is saved there first.
        workload: what to run.
        runner: where.
        retry: also send again what failed, was cancelled or was lost.
        progress: called with 1 for every job sent or found.

    Returns:
        The state of every job, in the workload's order.

    Raises:
        QamlError: the target refused, or could not be asked. Jobs sent before are in the ledger; calling again goes on.
    """
    ledger = Ledger(folder / LEDGER_FILE)
    make_folders(folder)
    with ledger.exclusive():
        workload.save(folder)
        run_id = ledger.open_run(workload.settings.target)
        reconcile(ledger, runner)
        due = [job for job in workload.settings.jobs if _is_due(ledger.records().get(job.chunk), retry)]
        if due:
            runner.ready(folder)
        try:
            for job in due:
                _send(ledger, workload, job, runner, run_id)
                if progress:
                    progress(1)
        finally:
            runner.close()
        if due:
            reconcile(ledger, runner)
        records = ledger.records()
    return [records[job.chunk] for job in workload.settings.jobs]


def reconcile(ledger: Ledger, runner: Runner) -> None:
    """Compare the ledger with what the service knows: adopt jobs without a record, cancel twins.

    A twin is a second job of the same attempt: the client sends a request again by itself when the service answers
    with a server error, although the first may have been accepted.
    """
    run_id = ledger.run_id()
    if run_id is None:
        return
    records, seen = ledger.records(), {str(event["job"]) for event in ledger.events() if event.get("job")}
    for found in runner.find(run_id):
        record = records.get(found.chunk)
        if found.job in seen or record is None or found.attempt > record.attempt:
            continue
        if record.state in ("intended", "refused") and found.attempt == record.attempt:
            ledger.append("submitted", chunk=found.chunk, attempt=found.attempt, job=found.job, found="by its tag")
            records = ledger.records()
        else:
            cancelled = runner.cancel(found.job)
            ledger.append("twin", chunk=found.chunk, job=found.job, cancelled=int(cancelled))


def _is_due(record: JobRecord | None, retry: bool) -> bool:
    if record is None or record.state in ("intended", "refused"):
        return True
    return retry and record.state in ENDED


def _send(ledger: Ledger, workload: Workload, job: JobSpec, runner: Runner, run_id: str) -> None:
    before = ledger.records().get(job.chunk)
    # The same intent is taken up again; only a job that is known to have ended gets a new attempt.
    attempt = 1 if before is None else before.attempt + (before.state in ENDED)
    ledger.append("intended", chunk=job.chunk, attempt=attempt, images=job.images, shots=workload.settings.shots)
    try:
        job_id = runner.submit(workload, job, run_id, attempt)
    except QamlError as error:
        # The answer may have been lost after the job was accepted: the service is asked before anything is concluded.
        reconcile(ledger, runner)
        if ledger.records()[job.chunk].state == "submitted":
            return
        ledger.append("refused", chunk=job.chunk, attempt=attempt, reason=f"{error.what}: {error.got}")
        raise
    ledger.append("submitted", chunk=job.chunk, attempt=attempt, job=job_id)
