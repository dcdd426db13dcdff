"""Results on disk, written after every turn, so that an interrupted run continues where it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class Store:
    """Rows of samples and facts in one JSON file.

    Args:
        path: the file; it is read if it was written under the same ``signature``, and otherwise begun anew.
        signature: machine, versions and settings.
    """

    def __init__(self, path: Path, signature: dict[str, Any]) -> None:
        self._path = path
        self._document: dict[str, Any] = {"signature": signature, "rows": {}, "facts": {}}
        if path.exists():
            found = json.loads(path.read_text())
            if found.get("signature") == json.loads(json.dumps(signature)):
                self._document = found

    @property
    def document(self) -> dict[str, Any]:
        """Everything: signature, rows (lists of samples) and facts."""
        return self._document

    @property
    def rows(self) -> dict[str, list[dict[str, float]]]:
        """The samples of every row."""
        rows: dict[str, list[dict[str, float]]] = self._document["rows"]
        return rows

    @property
    def facts(self) -> dict[str, Any]:
        """Everything that is not a series of samples."""
        facts: dict[str, Any] = self._document["facts"]
        return facts

    def add(self, row: str, sample: dict[str, float]) -> None:
        """Append a sample and write the file."""
        self.rows.setdefault(row, []).append({key: float(f"{value:.6g}") for key, value in sample.items()})
        self.write()

    def put(self, name: str, value: Any) -> None:
        """Set a fact and write the file."""
        self.facts[name] = value
        self.write()

    def write(self) -> None:
        """Replace the file."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_suffix(".tmp")
        temporary.write_text(_lines(self._document))
        temporary.replace(self._path)


def _lines(document: dict[str, Any]) -> str:
    """JSON with a line for every entry of the second level."""
    parts = []
    for name, entries in document.items():
        inner = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in entries.items())
        parts.append(f" {json.dumps(name)}: {{\n{inner}\n }}")
    return "{\n" + ",\n".join(parts) + "\n}\n"
