"""The ledger of a run's jobs: one JSON line an event, on disk before the next step is taken.

Every submission is written twice: the intent before it, the job's id after it. A process that dies in between leaves
an intent without an id, and the tag that the intent carries finds the job again. How far sending had come is also kept
beside it (:mod:`qaml_qiskit.execution.identity`), so that a ledger that lost lines is noticed.
"""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.execution.identity import IDENTITY_FILE, Identity
from qaml_qiskit.execution.lease import host_lease
from qaml_qiskit.execution.runner import SentJob, is_job_id
from qaml_qiskit.execution.workload import SETTINGS_FILE
from qaml_qiskit.files import FolderLock, append, cut_off
from qaml_qiskit.formats import read_bytes

#: The ledger's own lock, for those who send jobs from a folder that is no run; a run's is around it.
_LOCK_FILE = ".jobs.lock"

LEDGER_FILE = "jobs.jsonl"
_READABLE = "make the file readable"

State = Literal["intended", "submitted", "collected", "failed", "cancelled", "lost", "broken", "refused"]
#: Events of the ledger that set the state of a job. ``opened`` and ``twin`` are the others.
_STATES: tuple[State, ...] = (
    *("intended", "submitted", "collected"),
    *("failed", "cancelled", "lost", "broken", "refused"),
)
#: States from which only a retry leads on.
ENDED: frozenset[State] = frozenset({"failed", "cancelled", "lost", "broken"})
#: Events after which nothing more is to be had of a job, unless it is the only one.
_CLOSING = ("failed", "cancelled", "broken", "twin")


@dataclass(frozen=True)
class JobRecord:
    """What the ledger knows of the latest attempt at one chunk.

    Attributes:
        chunk: ``calibration`` or ``images-0000``.
        attempt: 1 for the first; a retry counts on.
        state: ``intended`` (sent, perhaps; no id), ``submitted``, ``collected`` (its outcomes are on disk), ``failed``,
            ``cancelled``, ``lost`` (the service does not know it), ``broken`` (it is done, and its result cannot be
            had or is not what was asked for), ``refused`` (never accepted).
        job: the service's id.
        reason: the service's words for a job that ended without a result.
    """

    chunk: str
    attempt: int
    state: State
    job: str | None = None
    reason: str = ""


class Ledger:
    """Append-only ``jobs.jsonl`` in a run folder; every line is on disk before :meth:`append` returns."""

    def __init__(self, path: Path) -> None:
        """Refer to the file; nothing is read or written."""
        self.path = path

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self.path.parent

    def append(self, event: str, **fields: str | int | float | None) -> None:
        """Add one event and wait until the disk has it."""
        line = json.dumps({"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **fields})
        self._cut_torn_line()
        append(self.path, line.encode() + b"\n", private=True)

    def events(self) -> list[dict[str, Any]]:
        """All events in order. A torn last line, left by a kill during a write, is passed over.

        Raises:
            InputError: another line is no event, or the file cannot be read.
        """
        if not self.path.is_file():
            return []
        lines = read_bytes(self.path, _READABLE).split(b"\n")
        # A line counts once its line feed is there: what comes after the last one was torn.
        events = []
        for number, line in enumerate(lines[:-1], 1):
            event = _event(line)
            if event is None:
                raise InputError(
                    f"cannot read line {number} of {self.path}",
                    got="text that is no event of a ledger",
                    expected="one JSON object a line; only the last line can be torn by a kill",
                    remedy=f"move the file away and give the command again: by {IDENTITY_FILE} beside it the service "
                    "is asked for the run's jobs, and none is sent twice",
                )
            events.append(event)
        return events

    def open_run(self, target: str, place: str = "") -> Identity:
        """The run's identity; made when there is none yet.

        Its identifier, twelve hexadecimal digits, marks this run's jobs at the service, so that they are told from
        those of an equal run elsewhere. It is the ledger's first event and is kept in ``run.json`` too.

        Args:
            target: name of the target.
            place: fingerprint of the service's instance, see :class:`Identity`.

        Raises:
            ConfigurationError: the run's jobs are in another instance, or the folder was used and does not say by which
                run.
        """
        known, opened = self.identity(), self._opened()
        if known is None:
            if (
                opened is None
                and place
                and any((self.folder / name).exists() for name in (IDENTITY_FILE, SETTINGS_FILE))
            ):
                raise nameless(self.folder)
            run = opened or uuid.uuid4().hex[:12]
            if opened is None:
                self.append("opened", run=run, target=target)
            known = Identity.of(self.folder, run, place, self.attempts())
            known.write(self.folder)
        elif opened is None:
            self.append("opened", run=known.run, target=target, found=IDENTITY_FILE)
        elif opened != known.run:
            raise _two_names(self.folder, opened, known.run)
        require_place(known, place, self.folder)
        return known

    def claim(self, place: str, *, moved: bool = False) -> None:
        """Make sure that this is the folder from which jobs may be sent and cancelled.

        Args:
            place: see :meth:`open_run`.
            moved: the folder that this one was made from is not used any more; from now on this is the one.

        Raises:
            ConfigurationError: it is a copy of another folder, or the jobs are in another instance.
        """
        known = self.identity()
        if known is None or not place:
            return
        require_place(known, place, self.folder)
        if moved:
            Identity.of(self.folder, known.run, known.place, known.attempts).write(self.folder)
        elif known.is_copy(self.folder):
            raise ConfigurationError(
                f"{self.folder} is a copy of a run",
                got=f"a folder that was {known.path} on {known.host}",
                expected="the folder that the run's jobs were sent from, which would not know of what is done here",
                remedy="send and cancel there (here `qaml collect` works), or say with --moved that the other one is "
                "not used any more",
            )

    def identity(self) -> Identity | None:
        """What ``run.json`` says; None without it."""
        return Identity.read(self.folder)

    def run_id(self) -> str | None:
        """The run's identifier, or None before the first event."""
        known = self.identity()
        return known.run if known else self._opened()

    def intend(self, chunk: str, attempt: int, **fields: str | int | float | None) -> None:
        """Write that a job is about to be sent, here and in ``run.json``."""
        self.append("intended", chunk=chunk, attempt=attempt, **fields)
        # After the line: a kill in between leaves an intent, which is looked for like any other.
        if (known := self.identity()) is not None and known.place:
            known.begun(chunk, attempt).write(self.folder)

    def records(self) -> dict[str, JobRecord]:
        """The latest attempt at every chunk that was ever tried, by chunk."""
        records: dict[str, JobRecord] = {}
        for event in self.events():
            if event["event"] not in _STATES:
                continue
            chunk = event["chunk"]
            before = records.get(chunk)
            records[chunk] = JobRecord(
                chunk,
                attempt=event.get("attempt", before.attempt if before else 1),
                state=event["event"],
                job=event.get("job", before.job if before and event["event"] != "intended" else None),
                reason=str(event.get("reason", "")),
            )
        return records

    def attempts(self) -> dict[str, int]:
        """The highest attempt of every chunk that was ever written down."""
        highest: dict[str, int] = {}
        for event in self.events():
            if "chunk" in event and "attempt" in event:
                highest[event["chunk"]] = max(event["attempt"], highest.get(event["chunk"], 0))
        return highest

    def fingerprints(self) -> dict[str, str]:
        """What was last sent for every chunk, see :mod:`qaml_qiskit.execution.fingerprint`."""
        events = [event for event in self.events() if event["event"] == "intended"]
        return {event["chunk"]: str(event["fingerprint"]) for event in events if "fingerprint" in event}

    def missing(self) -> dict[str, int]:
        """Chunks with an attempt that was begun and that the ledger has lost the line of."""
        known, attempts = self.identity(), self.attempts()
        begun = known.attempts if known else {}
        return {chunk: attempt for chunk, attempt in begun.items() if attempt > attempts.get(chunk, 0)}

    def closed(self) -> frozenset[str]:
        """Ids of jobs of which nothing more is to be had: ended, useless, or cancelled as twins."""
        last = {str(event["job"]): event["event"] for event in self.events() if event.get("job")}
        return frozenset(job for job, event in last.items() if event in _CLOSING)

    def sent(self, record: JobRecord) -> SentJob | None:
        """What the service knows the job of a record by; None for one without an id."""
        run = self.run_id()
        return SentJob(run, record.chunk, record.attempt, record.job) if run and record.job else None

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep other processes and machines off this run; the lock ends with the process, however that ends.

        Raises:
            ConfigurationError: another process holds it.
        """
        with FolderLock(self.folder, _LOCK_FILE), host_lease(self.folder):
            yield

    def _opened(self) -> str | None:
        return next((str(event["run"]) for event in self.events() if event["event"] == "opened"), None)

    def _cut_torn_line(self) -> None:
        if not self.path.is_file():
            return
        content = read_bytes(self.path, _READABLE)
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            cut_off(self.path, whole)


def require_place(identity: Identity, place: str, folder: Path) -> None:
    """Raise ConfigurationError unless ``place`` is the instance that has a run's jobs: another knows none of them."""
    if identity.place != place:
        raise ConfigurationError(
            f"the jobs of {folder} cannot be asked for",
            got="another instance of IBM Quantum Platform than they were sent to",
            expected="the account and the instance of the submission",
            remedy="set QISKIT_IBM_INSTANCE to that instance, or use the account that was saved then",
        )


def nameless(folder: Path) -> ConfigurationError:
    """What to raise for a folder whose jobs nobody can find."""
    return ConfigurationError(
        f"{folder} was submitted from, and does not say as which run",
        got=f"neither {LEDGER_FILE} nor a readable {IDENTITY_FILE}",
        expected="one of them: each has the identifier that finds the run's jobs at the service",
        remedy="bring one back, or start a new run in another folder with --out, which pays for all jobs again",
    )


def _two_names(folder: Path, ledger: str, identity: str) -> ConfigurationError:
    return ConfigurationError(
        f"{folder} has files of two runs",
        got=f"{LEDGER_FILE} of run {ledger} and {IDENTITY_FILE} of run {identity}",
        expected="both of one run",
        remedy="move away the one that does not belong here; the other is enough to find the jobs",
    )


def _event(line: bytes) -> dict[str, Any] | None:
    """One line as an event, or None when it is none."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or not isinstance(event.get("event"), str):
        return None
    # What was sent has an id: without it, a job would count as collected whose outcomes nobody can tell.
    with_job = dict.fromkeys(("twin", "submitted", "collected"), ("chunk", "job"))
    needed = ({"opened": ("run",)} | with_job).get(event["event"], ("chunk",) if event["event"] in _STATES else ())
    texts = (*needed, *(name for name in ("job", "reason") if event.get(name) is not None))
    fits = all(isinstance(event.get(name), str) for name in texts)
    counts = all(isinstance(event[name], int) for name in ("attempt", "cancelled") if name in event)
    named = event.get("job") is None or is_job_id(event["job"])
    return event if fits and counts and named else None
