"""Data sets on this machine: the work behind ``qaml data``."""

from pathlib import Path

from qaml_qiskit.datasets import DATASETS, data_status, fetch, verify
from qaml_qiskit.errors import InputError
from qaml_qiskit.reports import Outcome


def list_data(data_dir: Path | None = None) -> Outcome:
    """Every data set that is known, and whether its files are here."""
    rows = [
        {
            "dataset": status.name,
            "state": status.state,
            "folder": None if status.folder is None else str(status.folder),
            "description": status.description,
        }
        for status in data_status(data_dir=data_dir)
    ]
    return Outcome("data list", None, rows)


def fetch_data(name: str, data_dir: Path | None = None) -> Outcome:
    """Download a data set. Raises ConfigurationError when it cannot be had; no partial file is left."""
    paths = [str(path) for path in fetch(name, data_dir=data_dir)] or ["embedded: nothing to fetch"]
    return Outcome("data fetch", None, [{"dataset": name, "file": path} for path in paths])


def verify_data(name: str | None = None, data_dir: Path | None = None) -> Outcome:
    """Compare the files of one data set, or of all, with the official checksums."""
    rows = [
        {
            "dataset": row.dataset,
            "file": row.file,
            "state": row.state,
            "path": None if row.path is None else str(row.path),
        }
        for chosen in ([name] if name is not None else DATASETS.parts())
        for row in verify(chosen, data_dir=data_dir)
    ]
    wrong = [str(row["path"] or row["file"]) for row in rows if row["state"] == "wrong"]
    problem = InputError(
        "files differ from the official ones",
        got=", ".join(wrong),
        expected="files with the official checksums",
        remedy="delete them, and give `qaml data fetch`",
    )
    return Outcome("data verify", None, rows, problem=problem if wrong else None)
