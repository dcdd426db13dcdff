"""The ledger of a run's jobs: one JSON line an event, on disk before the next step is taken."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path


class Ledger:
    """Append-only record of what was sent where.

    Every submission is written twice: the intent before it, the job's id after it. A process that dies in between
    leaves an intent without an id, which names what to look for.
    """

    def __init__(self, path: Path | None) -> None:
        """Write to ``path``; ``None`` keeps no record."""
        self.path = path

    def append(self, event: str, **fields: str | int | float) -> None:
        """Add one event and wait until the disk has it."""
        if self.path is None:
            return
        line = json.dumps({"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **fields})
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
