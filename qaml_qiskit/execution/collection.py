"""Fetching what submitted jobs answered, as often as needed, from any process that has the run folder."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from qaml_qiskit.errors import ConfigurationError, DamagedFileError, InputError, QamlError, UnavailableError
from qaml_qiskit.execution.ledger import LEDGER_FILE, JobRecord, Ledger, nameless, require_place
from qaml_qiskit.execution.overview import Collection, standing
from qaml_qiskit.execution.readings.job_results import decode
from qaml_qiskit.execution.readings.outcomes import Origin, sent_fingerprints, store, stored
from qaml_qiskit.execution.reconciliation import looks, reconcile
from qaml_qiskit.execution.runner import Answer, BrokenResultError, Runner, SentJob
from qaml_qiskit.execution.snapshot import keep_properties
from qaml_qiskit.execution.workload import JobSpec, Workload

#: Seconds between two rounds of asking for the jobs' states: the first, and the longest.
POLL_FIRST, POLL_LONGEST = 0.5, 20.0
#: Seconds that a collection without a time limit goes on asking for a job that the service does not answer for.
PATIENCE = 600.0
#: What became of a job in a round: nothing more to do, worth asking again later, or it looks lost or broken.
Step = Literal["finished", "later", "doubtful"]
#: Computes jobs of a simulated target elsewhere: of each, by its chunk, the answer as it is there, in any order.
Elsewhere = Callable[[Mapping[str, SentJob]], Iterator[tuple[str, Answer]]]
#: Jobs in a row that cannot be asked for, after which the rest of a round is left out unless the service does answer.
SILENT = 3


def collect(
    folder: Path,
    workload: Workload,
    runner: Runner,
    *,
    timeout: float | None = None,
    progress: Callable[[int], None] | None = None,
    elsewhere: Elsewhere | None = None,
) -> Collection:
    """Fetch the outcomes of all jobs that are done, waiting for those that are not.

    A service that does not answer is asked again until the time is over. A job whose result is broken does not keep
    the others.

    Args:
        folder: the run folder.
        workload: what was submitted from it.
        runner: where it was submitted to.
        timeout: seconds to wait for unfinished jobs; 0 looks once, None waits for as long as it takes.
        progress: called with the number of images whose outcomes arrived.
        elsewhere: computes the jobs of a simulated target; by default its runner does, in this process.

    Raises:
        ConfigurationError: the jobs are in another instance, or the folder does not say which run it is.
        QamlError: the target could not be asked. What was fetched is kept; calling again goes on.
    """
    check_timeout(timeout)
    ledger = Ledger(folder / LEDGER_FILE)
    with ledger.exclusive():
        if (known := ledger.identity()) is not None:
            require_place(known, runner.place, folder)
        elif runner.place and ledger.run_id() is None:
            raise nameless(folder)
        fetching = _Fetching(ledger, workload, runner, progress)
        if elsewhere is not None:
            fetching.compute(elsewhere)
        deadline = time.monotonic() + (math.inf if timeout is None else timeout)
        pause = POLL_FIRST
        while fetching.round():
            now = time.monotonic()
            if now >= deadline or fetching.hopeless(now, PATIENCE if timeout is None else math.inf):
                break
            time.sleep(min(max(pause, fetching.asked_pause()), deadline - now))
            pause = min(1.5 * pause, POLL_LONGEST)
        return fetching.result()


def check_timeout(timeout: float | None) -> None:
    """Raise InputError for a time to wait that is none."""
    if timeout is not None and not timeout >= 0:
        raise InputError(
            "cannot wait for the jobs",
            got=f"{timeout} seconds",
            expected="0 or more",
            remedy="correct --timeout, or leave it out to wait for as long as it takes",
        )


class _Fetching:
    """One collection: which jobs are still waited for, and which questions the service did not answer."""

    def __init__(
        self, ledger: Ledger, workload: Workload, runner: Runner, progress: Callable[[int], None] | None
    ) -> None:
        self.ledger = ledger
        self.workload = workload
        self.runner = runner
        self.progress = progress
        self.open = list(workload.settings.jobs)
        self.listed = False
        self.answered = False
        #: When a question was first left without an answer, and the last error; by chunk, "" for the list of jobs.
        self.troubles: dict[str, tuple[float, QamlError]] = {}

    def round(self) -> bool:
        """Take every job as far as it goes now; whether any is worth asking for later."""
        if not self.listed:
            self.listed = self._attempt("", self._list) == "finished"
        prints = sent_fingerprints(self.ledger.folder, self.workload)
        # Those that could not be asked for come last, so that they do not keep the others for ever.
        jobs = sorted(self.open, key=lambda job: job.chunk in self.troubles)
        for last in looks():
            jobs = self._pass(jobs, prints, last)
            if not jobs:
                break
        return bool(self.open)

    def compute(self, elsewhere: Elsewhere) -> None:
        """Keep every answer that is not here yet when it is computed; the rounds find all of them."""
        prints, due = sent_fingerprints(self.ledger.folder, self.workload), {}
        for job in self.open:
            record = self.ledger.records().get(job.chunk)
            sent = self.ledger.sent(record) if record else None
            if record is None or sent is None or self.runner.state(sent).status != "done":
                continue
            origin = Origin(sent.run, sent.job, prints[job.chunk])
            if stored(self.ledger.folder, self.workload, job, origin) is None:
                due[job.chunk] = job, record, sent, origin
        for chunk, answer in elsewhere({chunk: sent for chunk, (_, _, sent, _) in due.items()}):
            job, record, _, origin = due[chunk]
            self._keep(job, record, origin, answer)

    def hopeless(self, now: float, patience: float) -> bool:
        """Whether none of what is left can be asked for: refused for good, or not answered for that many seconds."""
        names = [job.chunk for job in self.open] + ([] if self.listed else [""])
        troubles = [self.troubles[name] for name in names if name in self.troubles]
        waiting = [now - since <= patience for since, error in troubles if isinstance(error, UnavailableError)]
        return len(troubles) == len(names) and not any(waiting)

    def asked_pause(self) -> float:
        """Seconds for which the service asked to be left alone."""
        errors = [error for _, error in self.troubles.values()]
        return max((error.retry_after for error in errors if isinstance(error, UnavailableError)), default=0.0)

    def result(self) -> Collection:
        """How the jobs stand. Raises the last error when the service has answered nothing at all."""
        if self.troubles and not self.answered:
            raise next(iter(self.troubles.values()))[1]
        reasons = {name: f"{error.what}: {error.got}" for name, (_, error) in self.troubles.items()}
        return replace(standing(self.ledger.folder, self.workload), unanswered=reasons)

    def _pass(self, jobs: list[JobSpec], prints: dict[str, str], last: bool) -> list[JobSpec]:
        """Visit jobs, and return those that look lost or broken: unless it is the last look, that is not believed."""
        doubtful: list[JobSpec] = []
        silent = 0
        for job in jobs:
            if silent == SILENT:
                # Is it these jobs, or the service?
                if self._attempt("", self._list) != "finished":
                    break
                silent = 0
            match self._attempt(job.chunk, partial(self._visit, job, prints[job.chunk], last)):
                case "finished":
                    self.open.remove(job)
                case "doubtful":
                    doubtful.append(job)
            silent = silent + 1 if job.chunk in self.troubles else 0
        return doubtful

    def _attempt(self, name: str, work: Callable[[], Step]) -> Step:
        """Do something that asks the service; ``later`` when it did not answer."""
        try:
            step = work()
        except DamagedFileError:
            # A file of this folder, which no service mends.
            raise
        except ConfigurationError as error:
            if not self.runner.place:
                raise
            self.troubles[name] = (self.troubles.get(name, (time.monotonic(),))[0], error)
            return "later"
        self.troubles.pop(name, None)
        self.answered = True
        return step

    def _list(self) -> Step:
        reconcile(self.ledger, self.runner, [job.chunk for job in self.workload.settings.jobs])
        return "finished"

    def _visit(self, job: JobSpec, fingerprint: str, last: bool) -> Step:
        """Fetch a job's outcomes if they can be had."""
        record = self.ledger.records().get(job.chunk)
        sent = self.ledger.sent(record) if record else None
        if record is None or sent is None:
            # It has no id; it may get one when the jobs have been listed.
            return "finished" if self.listed else "later"
        # As the ledger has it now: this round may have adopted another job.
        origin = Origin(sent.run, sent.job, fingerprint)
        if stored(self.ledger.folder, self.workload, job, origin) is not None:
            # Otherwise a kill between the two writes: the outcomes are there and the ledger does not say so yet.
            self._note(record, "collected")
            return "finished"
        state = self.runner.state(sent)
        if state.status == "pending":
            # A service can be wrong about the end of a job.
            self._note(record, "submitted")
            return "later"
        if state.status == "done":
            return self._take(job, record, sent, origin, last)
        return self._end(record, "lost" if state.status == "foreign" else state.status, state.reason, last)

    def _take(self, job: JobSpec, record: JobRecord, sent: SentJob, origin: Origin, last: bool) -> Step:
        """Fetch and keep the result of a job that is done."""
        try:
            self._keep(job, record, origin, self.runner.answer(sent.job, self.workload, job))
        except BrokenResultError as error:
            if not self.runner.place:
                raise
            return self._end(record, "broken", f"{error.what}: {error.got}; expected {error.expected}", last)
        return "finished"

    def _keep(self, job: JobSpec, record: JobRecord, origin: Origin, answer: Answer) -> None:
        """Write an answer down, the outcomes before the ledger. Raises BrokenResultError when it is not the job's."""
        arrays = decode(self.workload, job, answer.result)
        store(self.ledger.folder, job, arrays, answer.measured_at, origin)
        if answer.properties is not None:
            keep_properties(self.ledger.folder, answer.properties, str(answer.facts["device_calibrated"]))
        self.ledger.append("collected", chunk=job.chunk, attempt=record.attempt, job=origin.job, **answer.facts)
        if self.progress:
            self.progress(job.rows // self.workload.settings.draws)

    def _end(self, record: JobRecord, state: str, reason: str, last: bool) -> Step:
        """Write that a job came to nothing. What the service itself does not say so is looked at once more before."""
        if state in ("lost", "broken") and record.state != state and not last:
            return "doubtful"
        self._note(record, state, reason=reason)
        return "finished"

    def _note(self, record: JobRecord, state: str, **fields: str) -> None:
        if record.state != state:
            self.ledger.append(state, chunk=record.chunk, attempt=record.attempt, job=record.job, **fields)


def cancel(folder: Path, workload: Workload, runner: Runner, *, moved: bool = False) -> list[JobRecord]:
    """Cancel every job of a run that has not ended, and return the latest state of all.

    A job that the service finishes all the same stays ``submitted``, and its result can be collected.

    Args:
        folder: the run folder.
        workload: what was submitted from it.
        runner: where it was submitted to.
        moved: see :func:`submit`.

    Raises:
        ConfigurationError: the folder is a copy of a run.
        QamlError: a job could not be cancelled. The others were asked to be.
    """
    ledger = Ledger(folder / LEDGER_FILE)
    with ledger.exclusive():
        ledger.claim(runner.place, moved=moved)
        reconcile(ledger, runner, [job.chunk for job in workload.settings.jobs])
        problem: QamlError | None = None
        for record in ledger.records().values():
            sent = ledger.sent(record) if record.state == "submitted" else None
            if sent is None:
                continue
            try:
                state = runner.cancel(sent)
            except ConfigurationError as error:
                problem = problem or error
                continue
            if state.status in ("cancelled", "failed"):
                reason = state.reason if state.status == "failed" else "cancelled by `qaml cancel`"
                ledger.append(state.status, chunk=record.chunk, attempt=record.attempt, job=sent.job, reason=reason)
        if problem is not None:
            raise problem
        return list(ledger.records().values())
