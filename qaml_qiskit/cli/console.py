"""What people see. Results go to stdout; progress, notes and errors go to stderr."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.table import Table

from qaml_qiskit.reports import format_cell
from qaml_qiskit.workflows import Outcome
from qaml_qiskit.workflows.progress import Advance, ignore

if TYPE_CHECKING:
    from qaml_qiskit.execution import Plan
    from qaml_qiskit.workflows import RunRequest

#: Columns of a table that goes to a file or a pipe, where nothing needs to be squeezed.
_FILE_WIDTH = 200
#: A single row with more columns than this is printed upright.
_WIDEST_ROW = 9


class TerminalProgress:
    """Progress bars on a terminal's stderr; single lines where stderr is a file; nothing when quiet."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._console = Console(stderr=True, quiet=quiet)

    @contextmanager
    def task(self, description: str, total: int, done: int = 0) -> Iterator[Advance]:
        """Show a bar while the block runs."""
        if self._quiet or not self._console.is_terminal:
            self.say(description + (f" (continuing at {done} of {total})" if done else ""))
            yield ignore
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("[dim]{task.fields[note]}"),
        )
        with RichProgress(*columns, console=self._console) as bars:
            bar = bars.add_task(escape(description), total=total, completed=done, note="")

            def advance(steps: int, note: str = "") -> None:
                bars.update(bar, advance=steps, note=escape(note))

            yield advance

    def say(self, message: str) -> None:
        """Print one line to stderr."""
        self._console.print(message, markup=False, highlight=False, soft_wrap=True)


def show(outcome: Outcome, *, as_json: bool) -> None:
    """Print the results: one JSON document, or tables and where the run is; then raise what is wrong with them."""
    if as_json:
        sys.stdout.write(json.dumps(outcome.document(), ensure_ascii=False) + "\n")
    else:
        _show_tables(outcome)
    if outcome.problem is not None:
        raise outcome.problem


def show_plan(request: "RunRequest", the_plan: "Plan") -> None:
    """Print a plan to stderr, before the question whether it may be carried out."""
    from qaml_qiskit.workflows import plan_rows

    console = Console(stderr=True)
    console.print(_facts(plan_rows(request, the_plan)[0]))
    for line in the_plan.assumptions:
        console.print(line, markup=False, highlight=False)


def _show_tables(outcome: Outcome) -> None:
    console = Console()
    if not console.is_terminal:
        console.width = _FILE_WIDTH
    if len(outcome.results) == 1 and len(outcome.results[0]) > _WIDEST_ROW:
        console.print(_facts(outcome.results[0]))
    else:
        for rows in _same_columns(outcome.results):
            console.print(_table(rows))
    for name, further in outcome.tables.items():
        console.print(f"\n{name}", style="bold underline")
        console.print(_table(further))
    for note in outcome.notes:
        console.print(note, markup=False, highlight=False)
    if outcome.run is not None:
        report = outcome.run.path / "report.html"
        where = f"Report: {report}" if report.is_file() else f"Run: {outcome.run.path}"
        console.print(where, markup=False, highlight=False, soft_wrap=True)


def _facts(row: Mapping[str, Any]) -> Table:
    """One wide row, upright."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for name, value in row.items():
        table.add_row(name.replace("_", " "), escape(format_cell(value)))
    return table


def _same_columns(rows: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Consecutive rows with the same keys, together."""
    groups: list[list[Mapping[str, Any]]] = []
    for row in rows:
        if groups and groups[-1][0].keys() == row.keys():
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    names = list(rows[0])
    for name in names:
        number = any(isinstance(row[name], (int, float)) for row in rows)
        table.add_column(name.replace("_", " "), justify="right" if number else "left", no_wrap=not number)
    for row in rows:
        table.add_row(*(escape(format_cell(row[name])) for name in names))
    return table
