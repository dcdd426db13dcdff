"""What a suite found, as its section reads it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Rows = dict[str, list[dict[str, float]]]


@dataclass(frozen=True)
class Results:
    """A suite's file.

    Attributes:
        folder: where it lies, with whatever else the suite wrote.
        document: signature, rows of samples and facts.
    """

    folder: Path
    document: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> Results:
        """Of a file that :class:`~benchmarks.store.Store` wrote."""
        return cls(path.parent, json.loads(path.read_text()))

    @property
    def rows(self) -> Rows:
        """The samples of every row."""
        rows: Rows = self.document["rows"]
        return rows

    @property
    def facts(self) -> dict[str, Any]:
        """Everything that is not a series of samples."""
        facts: dict[str, Any] = self.document["facts"]
        return facts

    @property
    def signature(self) -> dict[str, Any]:
        """The machine, versions and settings."""
        signature: dict[str, Any] = self.document["signature"]
        return signature

    @property
    def processor(self) -> str:
        """What it was measured on."""
        return str(self.signature["machine"]["processor"])
