"""The ledger against what the service lists: adopts jobs without a line, and leaves one job of each chunk to run."""

import time
from collections.abc import Collection, Iterator, Sequence

from qaml_qiskit.execution.ledger import ENDED, JobRecord, Ledger
from qaml_qiskit.execution.runner import JobState, Runner, SentJob

#: Seconds before the second look at a job that seems lost, and before the third: lists of jobs lag.
LOOK_AGAIN = (1.0, 3.0)


def looks() -> Iterator[bool]:
    """Go through the looks at what may only seem to be missing, with a pause between two; True with the last."""
    for pause in LOOK_AGAIN:
        yield False
        time.sleep(pause)
    yield True


def reconcile(ledger: Ledger, runner: Runner, chunks: Collection[str]) -> None:
    """Bring the ledger up to what the service knows of a run.

    Jobs without a line are adopted: a process died, an answer was lost, lines of the ledger were, or a copy of the
    folder sent them. Of several jobs of a chunk one is kept, the furthest on, and the others are cancelled; nothing is
    cancelled from a copy. What was begun and is not listed after the last look is ``lost``.

    Args:
        ledger: of the run.
        runner: asks the service.
        chunks: those of the run's workload; jobs of others are left alone.

    Raises:
        QamlError: the service cannot be asked.
    """
    run = ledger.run_id()
    if run is None or not runner.place:
        return
    for last in looks():
        listed = [job for job in runner.find(run) if job.chunk in chunks]
        for chunk in sorted({job.chunk for job in listed}):
            settle(ledger, runner, chunk, [job for job in listed if job.chunk == chunk])
        unknown = any(record.state == "intended" for record in ledger.records().values())
        if last or not runner.lists_jobs or not (unknown or ledger.missing()):
            break
    for chunk, attempt in ledger.missing().items():
        answer = "the service lists no such job" if runner.lists_jobs else "the provider lists no jobs"
        reason = f"it was about to be sent, its line is gone, and {answer}"
        ledger.append("lost", chunk=chunk, attempt=attempt, job=None, reason=reason)


def settle(ledger: Ledger, runner: Runner, chunk: str, listed: Sequence[SentJob]) -> None:
    """Decide which of a chunk's jobs is the one, adopt it, and cancel the others.

    Args:
        ledger: of the run.
        runner: asks the service.
        chunk: whose jobs.
        listed: those that the service lists, oldest first.
    """
    record, closed = ledger.records().get(chunk), ledger.closed()
    mine = ledger.sent(record) if record else None
    candidates = {job.job: job for job in (*listed, *([mine] if mine else [])) if job.job not in closed}
    if all(mine is not None and job == mine.job for job in candidates):
        if record is not None and mine is not None and record.state == "lost" and mine in listed:
            _adopt(ledger, record, mine)
        return
    states: dict[str, JobState] = {}
    if record is not None and record.state == "collected":
        kept = mine
    elif len(candidates) == 1:
        kept = next(iter(candidates.values()))
    else:
        states = {name: runner.state(job) for name, job in candidates.items()}
        # The furthest on; among equals the oldest, so that everyone who asks decides the same.
        kept = min(candidates.values(), key=lambda job: _rank(states[job.job]))
    if kept is None or (states and not states[kept.job].alive and mine is not None):
        # None of them comes to anything, and the ledger's own says so when it is collected.
        return
    _adopt(ledger, record, kept)
    for job in candidates.values():
        if job.job != kept.job:
            _drop(ledger, runner, job, states.get(job.job))


def _adopt(ledger: Ledger, record: JobRecord | None, job: SentJob) -> None:
    if record is None or record.job != job.job or record.state in ENDED:
        ledger.append("submitted", chunk=job.chunk, attempt=job.attempt, job=job.job, found="by its tag")


def _drop(ledger: Ledger, runner: Runner, job: SentJob, state: JobState | None) -> None:
    """Cancel a second job of a chunk, and write whether it ran all the same."""
    known = ledger.identity()
    if known is not None and known.is_copy(ledger.folder):
        return
    if state is None or state.status == "pending":
        state = runner.cancel(job)
    ledger.append("twin", chunk=job.chunk, job=job.job, cancelled=int(state.status != "done"))


def _rank(state: JobState) -> int:
    """0 for a job that is done, then running ones, queued ones, and those that come to nothing."""
    return 3 if not state.alive else 2 - state.running if state.status == "pending" else 0
