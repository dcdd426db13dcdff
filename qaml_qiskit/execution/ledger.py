"""The ledger of a run's jobs: one JSON line an event, on disk before the next step is taken.

Every submission is written twice: the intent before it, the job's id after it. A process that dies in between leaves
an intent without an id, and the tag that the intent carries finds the job again.
"""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from qaml_qiskit.errors import InputError
from qaml_qiskit.files import FolderLock, append, cut_off

#: The ledger's own lock, for those who send jobs from a folder that is no run; a run's is around it.
_LOCK_FILE = ".jobs.lock"

State = Literal["intended", "submitted", "collected", "failed", "cancelled", "lost", "refused"]
#: Events of the ledger that set the state of a job. ``opened`` and ``twin`` are the others.
_STATES: tuple[State, ...] = ("intended", "submitted", "collected", "failed", "cancelled", "lost", "refused")
#: States from which only a retry leads on.
ENDED: frozenset[State] = frozenset({"failed", "cancelled", "lost"})


@dataclass(frozen=True)
class JobRecord:
    """What the ledger knows of the latest attempt at one chunk.

    Attributes:
        chunk: ``calibration`` or ``images-0000``.
        attempt: 1 for the first; a retry counts on.
        state: ``intended`` (sent, perhaps; no id), ``submitted``, ``collected`` (its outcomes are on disk), ``failed``,
            ``cancelled``, ``lost`` (the service does not know it any more), ``refused`` (never accepted).
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

    def append(self, event: str, **fields: str | int | float | None) -> None:
        """Add one event and wait until the disk has it."""
        line = json.dumps({"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **fields})
        self._cut_torn_line()
        append(self.path, line.encode() + b"\n", private=True)

    def events(self) -> list[dict[str, Any]]:
        """All events in order. A torn last line, left by a kill during a write, is passed over.

        Raises:
            InputError: another line is not JSON.
        """
        if not self.path.is_file():
            return []
        lines = self.path.read_bytes().split(b"\n")
        # A line counts once its line feed is there: what comes after the last one was torn.
        events = []
        for number, line in enumerate(lines[:-1], 1):
            try:
                events.append(dict(json.loads(line)))
            except ValueError as error:
                raise InputError(
                    f"cannot read line {number} of {self.path}",
                    got="text that is not a JSON object",
                    expected="one event a line; only the last line can be torn by a kill",
                    remedy="restore the file from a copy: it says which paid jobs belong to this run",
                ) from error
        return events

    def open_run(self, target: str) -> str:
        """The run's own identifier, twelve hexadecimal digits; written as the first event when there is none yet.

        It marks this run's jobs at the service, so that they are told from those of an equal run elsewhere.
        """
        if (known := self.run_id()) is not None:
            return known
        run_id = uuid.uuid4().hex[:12]
        self.append("opened", run=run_id, target=target)
        return run_id

    def run_id(self) -> str | None:
        """The run's identifier, or None before the first event."""
        return next((str(event["run"]) for event in self.events() if event["event"] == "opened"), None)

    def records(self) -> dict[str, JobRecord]:
        """The latest attempt at every chunk that was ever tried, by chunk."""
        records: dict[str, JobRecord] = {}
        for event in self.events():
            if event["event"] not in _STATES:
                continue
            chunk = str(event["chunk"])
            before = records.get(chunk)
            records[chunk] = JobRecord(
                chunk,
                attempt=int(event.get("attempt", before.attempt if before else 1)),
                state=event["event"],
                job=event.get("job", before.job if before and event["event"] != "intended" else None),
                reason=str(event.get("reason", "")),
            )
        return records

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep other processes off this run; the lock ends with the process, however that ends.

        Raises:
            ConfigurationError: another process holds it.
        """
        with FolderLock(self.path.parent, _LOCK_FILE):
            yield

    def _cut_torn_line(self) -> None:
        if not self.path.is_file():
            return
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            cut_off(self.path, whole)
