"""The jobs and sessions of the server, and the one QPU that runs them."""

import threading
import traceback
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from tests.integration.loopback.devices import Device
from tests.integration.loopback.qpu import execute

State = Literal["Queued", "Running", "Completed", "Failed", "Cancelled"]
FINAL: tuple[State, ...] = ("Completed", "Failed", "Cancelled")


@dataclass(eq=False)
class JobRecord:
    """One job, as the server knows it.

    Attributes:
        id: what the client calls ``job_id()``.
        tags: as sent with the job or changed since.
        program_id: "executor", or "sampler" for the deprecated primitive.
        backend: name of the device.
        session_id: of its batch or session.
        params: the payload as sent.
        cost: ``max_execution_time``.
        body: everything that was posted.
        created: moment of submission; ``running`` and ``finished`` likewise.
        state: one of the words of the REST API.
        reason: why it failed or was cancelled, with ``reason_code``.
        executions: how often it ran.
        result: body of GET results.
        released: whether it may run although the server holds jobs.
        deleted: whether the client deleted it; ``lost`` likewise, by the server. Both answer 404.
    """

    id: str
    tags: list[str]
    program_id: str
    backend: str
    session_id: str | None
    params: dict[str, Any]
    cost: int | None
    body: dict[str, Any]
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    running: datetime | None = None
    finished: datetime | None = None
    state: State = "Queued"
    reason: str | None = None
    reason_code: int | None = None
    executions: int = 0
    result: bytes = b""
    released: bool = False
    deleted: bool = False
    lost: bool = False

    @property
    def gone(self) -> bool:
        """Whether the client is told that there is no such job."""
        return self.deleted or self.lost

    def end(self, state: State, reason: str | None = None, code: int | None = None) -> None:
        """Reach a final state."""
        self.state, self.reason, self.reason_code = state, reason, code
        self.finished = datetime.now(UTC)


@dataclass(eq=False)
class SessionRecord:
    """A batch (``mode="batch"``) or a session (``mode="dedicated"``)."""

    id: str
    mode: str
    backend: str
    max_ttl: int | None
    accepting_jobs: bool = True
    state: str = "open"


class Jobs:
    """All jobs, with what decides when they run.

    A job runs when a client asks for its state or result (``service.job(id)`` asks too), or at :meth:`finish`, and
    then only once. Nobody waits for jobs that nobody asks for, and none runs at a moment left to chance.

    Attributes:
        jobs: every accepted job in the order of arrival, lost and deleted ones included.
        sessions: every batch and session.
        devices: the devices by name.
        noise: "readout" runs jobs with the readout errors of the calibration at that moment, ``None`` without noise.
        seed: of every PUB.
        quantum_seconds: charged for every job.
        usage_limit_reached: whether the budget is spent; jobs are accepted but do not run.
        usage_limit_seconds: the budget as reported.
    """

    def __init__(self, devices: dict[str, str], noise: Literal["readout"] | None, seed: int) -> None:
        """Load the devices: names to the folders of the fake provider."""
        self.jobs: list[JobRecord] = []
        self.sessions: list[SessionRecord] = []
        self.devices = {name: Device.load(name, fake) for name, fake in devices.items()}
        self.noise = noise
        self.seed = seed
        self.quantum_seconds = 2.0
        self.usage_limit_reached = False
        self.usage_limit_seconds = 600
        self.held_as: State | None = None
        self._lock = threading.RLock()
        self._qpu = threading.Lock()

    def job(self, job: JobRecord | str) -> JobRecord:
        """The record of a job by its id."""
        return job if isinstance(job, JobRecord) else next(record for record in self.jobs if record.id == job)

    def hold(self, state: State = "Queued") -> None:
        """Let no job run; they are shown in ``state`` ("Queued" or "Running") meanwhile."""
        self.held_as = state

    def release(self, *jobs: JobRecord | str) -> None:
        """Let the given jobs run, or all of them and those to come."""
        for job in jobs:
            self.job(job).released = True
        if not jobs:
            self.held_as = None

    def finish(self) -> None:
        """Run every job that may run, as a real queue does whether or not a client asks."""
        for job in list(self.jobs):
            self.run(job)

    def fail(self, job: JobRecord | str, reason: str = "the fridge is warm", code: int | None = 8000) -> None:
        """Let a job fail."""
        self.job(job).end("Failed", reason, code)

    def cancel(self, job: JobRecord | str, reason: str | None = None, code: int | None = None) -> None:
        """Cancel a job from the server's side; code 1305 says that it ran longer than ``max_execution_time``."""
        self.job(job).end("Cancelled", reason, code)

    def lose(self, job: JobRecord | str) -> None:
        """Forget a job: 404 from now on, and in no list."""
        self.job(job).lost = True

    def close_session(self, session: SessionRecord, *, cancel: bool = False) -> None:
        """Accept no more jobs in a session, and with ``cancel`` drop those that wait, as when its time is over."""
        session.accepting_jobs, session.state = False, "closed"
        for job in self.jobs:
            if cancel and job.session_id == session.id and job.state not in FINAL:
                job.end("Cancelled", "the session was closed")

    def accept(self, body: dict[str, Any]) -> JobRecord:
        """Enter a posted job."""
        with self._lock:
            job = JobRecord(
                id=f"loopback{len(self.jobs):012d}",
                tags=list(body.get("tags", [])),
                program_id=body["program_id"],
                backend=body["backend"],
                session_id=body.get("session_id"),
                params=body["params"],
                cost=body.get("cost"),
                body=body,
            )
            self.jobs.append(job)
            return job

    def open_session(self, body: dict[str, Any]) -> SessionRecord:
        """Enter a posted batch or session."""
        with self._lock:
            number = f"session{len(self.sessions):013d}"
            session = SessionRecord(number, body["mode"], body["backend"], body.get("max_ttl"))
            self.sessions.append(session)
            return session

    def may_run(self, job: JobRecord) -> bool:
        """Whether nothing keeps a queued job waiting."""
        device = self.devices.get(job.backend)
        ready = device is not None and device.operational and not self.usage_limit_reached
        waiting = job.state == "Queued" and not job.gone and ready
        return waiting and (self.held_as is None or job.released)

    def shown_state(self, job: JobRecord) -> State:
        """The state that a client is told."""
        return self.held_as if job.state == "Queued" and self.held_as and not job.released else job.state

    def run(self, job: JobRecord) -> None:
        """Run a job if it may run. One at a time, as on a device."""
        with self._qpu:
            if not self.may_run(job):
                return
            job.state, job.running = "Running", datetime.now(UTC)
            job.executions += 1
            noise = self.devices[job.backend].readout_noise(job.running) if self.noise else None
            try:
                result = execute(job.program_id, job.params, noise, self.seed)
            except Exception:
                # Whatever a payload does to the simulator, the client must hear of a failed job, not of a dead server.
                job.result = traceback.format_exc().encode()
                job.end("Failed", job.result.decode().strip().splitlines()[-1], 1)
                return
            # It may have been cancelled or declared failed meanwhile.
            if job.state == "Running":
                job.result = result
                job.end("Completed")

    def search(self, query: dict[str, list[str]]) -> tuple[list[JobRecord], int]:
        """The page of jobs that GET /jobs asks for, and how many there are on all pages."""
        found = [job for job in self.jobs if not job.gone and self._matches(job, query)]
        if query.get("sort") != ["ASC"]:
            found.reverse()
        start = int(query.get("offset", ["0"])[0])
        return found[start : start + int(query.get("limit", ["200"])[0])], len(found)

    def _matches(self, job: JobRecord, query: dict[str, list[str]]) -> bool:
        for name, value in (("backend", job.backend), ("program", job.program_id), ("session_id", job.session_id)):
            if name in query and query[name] != [value]:
                return False
        if "pending" in query and (query["pending"] == ["true"]) != (job.state not in FINAL):
            return False
        if "created_after" in query and job.created < datetime.fromisoformat(query["created_after"][0]):
            return False
        if "created_before" in query and job.created > datetime.fromisoformat(query["created_before"][0]):
            return False
        # A job matches if it has all the tags asked for.
        return set(query.get("tags", [])) <= set(job.tags)

    def consumed_seconds(self) -> float:
        """What the jobs so far have cost."""
        return self.quantum_seconds * sum(job.executions for job in self.jobs)
