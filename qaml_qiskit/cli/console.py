"""What people see. Results go to stdout; progress, notes and errors go to stderr."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress
from rich.text import Text

from qaml_qiskit import Outcome
from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.progress import Advance, ignore
from qaml_qiskit.reports import fold, lay_out
from qaml_qiskit.reports.terminal import Line
from qaml_qiskit.text import printable

if TYPE_CHECKING:
    from qaml_qiskit import RunRequest
    from qaml_qiskit.execution import Plan

#: Columns of a terminal that a bar takes beside its description and the remark behind it.
_BAR = 58


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
            # Turns also while a single step takes minutes.
            SpinnerColumn("line"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("[dim]{task.fields[note]}"),
        )
        with RichProgress(*columns, console=self._console) as bars:
            shown = printable(description)
            bar = bars.add_task(escape(shown), total=total, completed=done, note="")

            def advance(steps: int, note: str = "") -> None:
                # A remark gets what room the bar leaves; without any it would squeeze the bar.
                room = max(0, self._console.width - len(shown) - _BAR)
                bars.update(bar, advance=steps, note=escape(printable(note)[:room]))

            yield advance

    def say(self, message: str) -> None:
        """Print one line to stderr."""
        self._console.print(Text(printable(message)), soft_wrap=True)


def show(outcome: Outcome, *, as_json: bool) -> None:
    """Print the results: one JSON document, or tables and where the run is; then raise what is wrong with them."""
    if as_json:
        sys.stdout.write(_json(outcome.document()) + "\n")
    else:
        _show_tables(outcome)
    if outcome.problem is not None:
        raise outcome.problem


def show_plan(request: "RunRequest", the_plan: "Plan") -> None:
    """Print a plan to stderr, before the question whether it may be carried out."""
    console = Console(stderr=True)
    _print_rows(console, [the_plan.row(target=request.target, recipe=request.recipe, mitigation=request.mitigation)])
    for line in the_plan.assumptions:
        _print_text(console, line)


def _json(document: object) -> str:
    """The document as the encoding of stdout can have it; what it cannot is escaped, which means the same."""
    text = json.dumps(document, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return json.dumps(document)
    return text


def _show_tables(outcome: Outcome) -> None:
    console = Console()
    _print_lines(console, outcome.lines(console.width if console.is_terminal else None))


def _print_rows(console: Console, rows: Sequence[Row]) -> None:
    _print_lines(console, lay_out(rows, console.width if console.is_terminal else None))


def _print_lines(console: Console, lines: Iterable[Line]) -> None:
    for line in lines:
        console.print(Text(line.text, style="bold" if line.is_heading else ""), soft_wrap=True)


def _print_text(console: Console, text: str) -> None:
    """A sentence, folded between words on a terminal."""
    for line in fold(printable(text), console.width, cell_len) if console.is_terminal else [printable(text)]:
        console.print(Text(line), soft_wrap=True)
