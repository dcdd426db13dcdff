"""The runner for backends of other vendors, through Qiskit's own sampler."""

import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qiskit.circuit import QuantumCircuit
from qiskit.primitives import BackendSamplerV2
from qiskit.providers import BackendV2, JobV1

from qaml_qiskit.errors import ConfigurationError, QamlError
from qaml_qiskit.execution.catalogue import ProviderEntry
from qaml_qiskit.execution.ibm.scrubbing import scrub
from qaml_qiskit.execution.local import Primitive, PrimitiveRunner
from qaml_qiskit.execution.provider.jobs import (
    AllSentError,
    Note,
    ReadJob,
    SentJobStub,
    StandIn,
    in_gates_of,
    read_note,
    read_notes,
)
from qaml_qiskit.execution.provider.opening import ask, giver_of_jobs, place_of_provider, secrets_of
from qaml_qiskit.execution.runner import Answer, BrokenResultError, JobState, MaybeAcceptedError, Runner, SentJob
from qaml_qiskit.execution.targets import Target
from qaml_qiskit.execution.workload import JobSpec, Workload


def provider_runner(target: Target, folder: Path | None = None) -> Runner:
    """What carries jobs out on a provider's backend: in this process where it is simulated, else in the ledger's terms.

    Args:
        target: of kind ``provider``.
        folder: the run folder.
    """
    entry, backend = target.entry, target.backend
    assert isinstance(entry, ProviderEntry)
    assert backend is not None
    return _simulated(target, entry, backend) if entry.simulated else ProviderRunner(target, entry, backend, folder)


class ProviderRunner:
    """Sends jobs to a vendor's backend, and keeps the vendor's id of each as soon as it is known.

    Vendors' jobs have no tags, so nobody can be asked for a job without its id.
    """

    def __init__(self, target: Target, entry: ProviderEntry, backend: BackendV2, folder: Path | None) -> None:
        """Use an open backend; ``folder`` is the run folder, by default the one that is submitted."""
        self._target = target
        self._entry = entry
        self._backend = backend
        self._folder = folder
        self._giver = giver_of_jobs(backend)
        self._handles: dict[str, JobV1] = {}

    @property
    def place(self) -> str:
        """Fingerprint of the entry and the device."""
        return place_of_provider(self._entry, self._backend)

    @property
    def lists_jobs(self) -> bool:
        """Only those whose id arrived."""
        return False

    def ready(self, folder: Path) -> None:
        """Take the run folder for the ids."""
        self._folder = folder

    def submit(self, workload: Workload, job: JobSpec, run_id: str, attempt: int) -> str:
        """Send one job and return its id; see :meth:`Runner.submit`."""
        what = f"cannot submit {job.chunk} to {self._target.name}"
        folder, pubs = self._known_folder(), self._pubs(workload, job)
        circuits, most = workload.executions(job) or len(pubs), self._backend.max_circuits
        note = Note(run=run_id, chunk=job.chunk, attempt=attempt, parts=math.ceil(circuits / (most or circuits)))
        handed_over = False

        def hand_over(part: list[QuantumCircuit], **options: Any) -> SentJobStub:
            nonlocal note, handed_over
            handed_over = True
            handle = self._backend.run(part, **options)
            note = note.model_copy(update={"ids": (*note.ids, str(handle.job_id()))})
            self._handles[note.ids[-1]] = handle
            note.write(folder)
            return SentJobStub()

        def send() -> None:
            with suppress(AllSentError):
                sampler = BackendSamplerV2(backend=StandIn(self._backend, hand_over))
                sampler.run(pubs, shots=workload.settings.shots).result()

        try:
            ask(what, send, self._entry, large=True)
        except QamlError as error:
            if not handed_over:
                raise
            raise MaybeAcceptedError(
                what,
                got=error.got,
                expected="the job's id: without it nobody knows whether the provider accepted the job",
                remedy=f"look at the provider's own list of jobs, then send again with `qaml submit --retry {folder}`",
            ) from None
        return note.job

    def find(self, run_id: str, chunk: str | None = None, attempt: int | None = None) -> list[SentJob]:
        """The jobs of a run, or of one attempt at a chunk, whose ids the run folder has and which can be had by id."""
        found = [
            note.sent
            for note in (read_notes(self._folder) if self._folder else [])
            if note.run == run_id
            and chunk in (None, note.chunk)
            and attempt in (None, note.attempt)
            and (self._giver is not None or self._handles.keys() >= {*note.ids})
        ]
        return [sent for sent in found if sent is not None]

    def state(self, job: SentJob) -> JobState:
        """How a job stands: as the worst of its parts."""
        note = self._note(job)
        if note is None:
            return JobState("lost", "the run folder does not have the provider's id of this job")
        if self._giver is None and not self._handles.keys() >= {*note.ids}:
            return JobState("failed", "the provider gives no jobs back, and the process that sent this one has ended")
        return ask(f"cannot ask for job {job.job}", lambda: self._standing(note), self._entry)

    def answer(self, job_id: str, workload: Workload, job: JobSpec) -> Answer:
        """The result of a job that is done."""
        notes = [note for note in read_notes(self._known_folder()) if note.chunk == job.chunk and note.job == job_id]
        if not notes:
            raise BrokenResultError(
                f"job {job_id} cannot be fetched",
                got="no id of the provider's for it in the run folder",
                expected="the file that was written when it was sent",
                remedy="bring the run folder's files back",
            )
        what = f"cannot fetch the result of job {job_id}"
        results: list[Any] = []

        def fetch() -> Any:
            handles = self._jobs(notes[-1])
            sampler = BackendSamplerV2(backend=StandIn(self._backend, self._reader(handles, workload, results)))
            return sampler.run(self._pubs(workload, job), shots=workload.settings.shots).result()

        result = ask(what, fetch, self._entry, large=True)
        facts: dict[str, str | int | float] = {"device": scrub(str(self._backend.name), secrets_of(self._entry))}
        times = [found for each in results if isinstance(found := getattr(each, "time_taken", None), int | float)]
        if times and len(times) == len(results) and all(0 <= found < math.inf for found in times):
            facts["provider_seconds"] = sum(times)
        return Answer(result, _measured_at(results), facts)

    def cancel(self, job: SentJob) -> JobState:
        """Ask for a job to be cancelled, and say how it stands then: it may have been faster, or not be possible."""
        state, note = self.state(job), self._note(job)
        if state.status != "pending" or note is None:
            return state

        def stop() -> None:
            for handle in self._jobs(note):
                handle.cancel()

        ask(f"cannot cancel job {job.job}", stop, self._entry)
        return self.state(job)

    def close(self) -> None:
        """There is nothing to close."""

    def _reader(self, handles: Iterator[JobV1], workload: Workload, results: list[Any]) -> Callable[..., ReadJob]:
        """Gives the sampler the jobs that were sent, in their order, in place of new ones; results are noted."""

        def read(part: list[QuantumCircuit], **options: Any) -> ReadJob:
            handle = next(handles)

            def result() -> Any:
                results.append(handle.result())
                return results[-1]

            return ReadJob(result, len(part), workload.settings.shots, self._words)

        return read

    def _standing(self, note: Note) -> JobState:
        states = [_status(handle) for handle in self._jobs(note)]
        if "ERROR" in states:
            return JobState("failed", "the provider says that it failed, and no more")
        if "CANCELLED" in states:
            return JobState("cancelled", "cancelled")
        if all(state == "DONE" for state in states):
            return JobState("done")
        return JobState("pending", running="RUNNING" in states or "DONE" in states)

    def _jobs(self, note: Note) -> Iterator[JobV1]:
        for name in note.ids:
            if name not in self._handles and self._giver is not None:
                self._handles[name] = self._giver(name)
            yield self._handles[name]

    def _note(self, job: SentJob) -> Note | None:
        note = read_note(self._known_folder(), job.chunk, job.attempt)
        return note if note is not None and note.sent == job else None

    def _pubs(self, workload: Workload, job: JobSpec) -> list[tuple[Any, ...]]:
        return workload.pubs(job, in_gates_of(workload.circuits(job), self._target.isa))

    def _known_folder(self) -> Path:
        if self._folder is None:
            raise ConfigurationError(
                f"cannot run on {self._target.name}",
                got="no run folder",
                expected="the folder that keeps the provider's ids of what was sent",
                remedy="make the runner with runner_for(target, workload, folder)",
            )
        return self._folder

    def _words(self, text: object) -> str:
        return scrub(str(text), secrets_of(self._entry))


def _simulated(target: Target, entry: ProviderEntry, backend: BackendV2) -> PrimitiveRunner:
    """Jobs that live in this process, each with a seed for backends that take one."""

    def factory(job: JobSpec, circuits: list[QuantumCircuit], seed: int) -> tuple[list[QuantumCircuit], Primitive]:
        what = f"cannot run {job.chunk} on {target.name}"

        def words(text: object) -> str:
            return scrub(str(text), secrets_of(entry))

        def run(part: list[QuantumCircuit], *, shots: int, **options: Any) -> ReadJob:
            handle = ask(what, lambda: backend.run(part, shots=shots, **options), entry, large=True)
            return ReadJob(lambda: ask(what, lambda: handle.result(), entry, large=True), len(part), shots, words)

        sampler = BackendSamplerV2(backend=StandIn(backend, run), options={"seed_simulator": seed})
        return in_gates_of(circuits, target.isa), sampler

    return PrimitiveRunner(factory)


def _status(handle: JobV1) -> str:
    """The name of a job's status: of Qiskit's enumeration, or as the vendor says it."""
    status = handle.status()
    return str(getattr(status, "name", status)).upper()


def _measured_at(results: list[Any]) -> datetime:
    """When the last part ended, as its result says; now where it says nothing that can be read."""
    date = getattr(results[-1], "date", None) if results else None
    with suppress(TypeError, ValueError, OverflowError):
        moment = date if isinstance(date, datetime) else datetime.fromisoformat(str(date))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    return datetime.now(UTC)
