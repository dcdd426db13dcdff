"""Fetching what submitted jobs answered, as often as needed, from any process that has the run folder."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from qaml_qiskit.execution.ledger import ENDED, JobRecord, Ledger
from qaml_qiskit.execution.outcomes import decode, is_stored, store
from qaml_qiskit.execution.runner import Runner
from qaml_qiskit.execution.snapshot import keep_properties
from qaml_qiskit.execution.submission import LEDGER_FILE, reconcile
from qaml_qiskit.execution.workload import JobSpec, Workload

#: Seconds between two rounds of asking for the jobs' states: the first, and the longest.
POLL_FIRST, POLL_LONGEST = 0.5, 20.0


@dataclass(frozen=True)
class Collection:
    """How the jobs of a run stand, by :attr:`JobRecord.state`, in the workload's order.

    Attributes:
        collected: their outcomes are in the run folder.
        pending: submitted and not finished.
        ended: failed, cancelled or lost; ``reason`` has the service's words.
        unsent: never accepted, as far as the service knows.
    """

    collected: tuple[JobRecord, ...]
    pending: tuple[JobRecord, ...]
    ended: tuple[JobRecord, ...]
    unsent: tuple[JobRecord, ...]

    @property
    def complete(self) -> bool:
        """Whether every job's outcomes are there."""
        return not (self.pending or self.ended or self.unsent)


def collect(
    folder: Path,
    workload: Workload,
    runner: Runner,
    *,
    timeout: float | None = None,
    progress: Callable[[int], None] | None = None,
) -> Collection:
    """Fetch the outcomes of all jobs that are done, waiting for those that are not.

    Args:
        folder: the run folder.
        workload: what was submitted from it.
        runner: where it was submitted to.
        timeout: seconds to wait for unfinished jobs; 0 looks once, None waits for as long as it takes.
        progress: called with the number of images whose outcomes arrived.

    Raises:
        QamlError: the target could not be asked. What was fetched is kept; calling again goes on.
    """
    ledger = Ledger(folder / LEDGER_FILE)
    with ledger.exclusive():
        reconcile(ledger, runner)
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = POLL_FIRST
        while True:
            records = ledger.records()
            pending = [
                job
                for job in workload.settings.jobs
                if not _fetch(ledger, records.get(job.chunk), folder, workload, job, runner, progress)
            ]
            left = None if deadline is None else deadline - time.monotonic()
            if not pending or (left is not None and left <= 0):
                return standing(folder, workload)
            time.sleep(pause if left is None else min(pause, left))
            pause = min(1.5 * pause, POLL_LONGEST)


def standing(folder: Path, workload: Workload) -> Collection:
    """How the jobs stand according to the run folder alone."""
    records = Ledger(folder / LEDGER_FILE).records()
    jobs = [records.get(job.chunk, JobRecord(job.chunk, 0, "refused")) for job in workload.settings.jobs]
    return Collection(
        collected=tuple(job for job in jobs if job.state == "collected"),
        pending=tuple(job for job in jobs if job.state == "submitted"),
        ended=tuple(job for job in jobs if job.state in ENDED),
        unsent=tuple(job for job in jobs if job.state in ("intended", "refused")),
    )


def cancel(folder: Path, runner: Runner) -> list[JobRecord]:
    """Cancel every job of a run that has not ended, and return the latest state of all."""
    ledger = Ledger(folder / LEDGER_FILE)
    with ledger.exclusive():
        reconcile(ledger, runner)
        for record in ledger.records().values():
            if record.state == "submitted" and record.job and runner.cancel(record.job):
                ledger.append("cancelled", chunk=record.chunk, job=record.job, reason="cancelled by `qaml cancel`")
        return list(ledger.records().values())


def _fetch(
    ledger: Ledger,
    record: JobRecord | None,
    folder: Path,
    workload: Workload,
    job: JobSpec,
    runner: Runner,
    progress: Callable[[int], None] | None,
) -> bool:
    """Take one job as far as it goes now; False when it is worth asking again later."""
    if record is None or record.state not in ("submitted", "collected"):
        return True
    if record.state == "submitted" and not is_stored(folder, job):
        state = runner.state(str(record.job))
        if state.status == "pending":
            return False
        if state.status != "done":
            ledger.append(state.status, chunk=job.chunk, job=record.job, reason=state.reason)
            return True
        answer = runner.answer(str(record.job), workload, job)
        store(folder, job, decode(workload, job, answer.result), answer.measured_at)
        if answer.properties is not None:
            keep_properties(folder, answer.properties, str(answer.facts["device_calibrated"]))
        ledger.append("collected", chunk=job.chunk, job=record.job, **answer.facts)
        if progress:
            progress(job.images)
    elif record.state == "submitted":
        # A kill between the two writes: the outcomes are there and the ledger does not say so yet.
        ledger.append("collected", chunk=job.chunk, job=record.job)
    return True
