"""Every run below a folder: the work behind ``qaml runs list``."""

import os
from collections.abc import Iterator
from pathlib import Path

from qaml_qiskit.artifacts import RUNS_FOLDER
from qaml_qiskit.errors import InputError
from qaml_qiskit.reports import Outcome
from qaml_qiskit.workflows.runs.summary import Summary, summary_of


def list_runs(below: Path = RUNS_FOLDER) -> Outcome:
    """Every run below a folder, the oldest first; a run within a run is not looked for.

    Nothing is computed or written. Folders that are no runs, and files that cannot be read, are passed over or told in
    the run's row.

    Args:
        below: the folder; links in it are not followed.

    Raises:
        InputError: there is no such folder.
    """
    below = Path(below)
    if not below.is_dir():
        raise InputError(
            "cannot list the runs",
            got=f"{below}, where there is no folder",
            expected="a folder with run folders in it",
            remedy="check the path, or make a run first, for example with `qaml train`",
        )
    found = sorted(_summaries(below), key=lambda each: (each.date, str(each.path)))
    notes = tuple(f"{each.path}: {each.damage}" for each in found if each.damage)
    nothing = () if found else (f"There is no run below {below}.",)
    return Outcome("runs list", None, [each.row() for each in found], notes=(*notes, *nothing))


def _summaries(below: Path) -> Iterator[Summary]:
    # What may not be read has no runs for this user.
    for folder, folders, _ in os.walk(below):
        if (found := summary_of(Path(folder))) is not None:
            folders.clear()
            yield found
        folders.sort()
