"""What every command hands back: to be read by people, in a terminal and in a notebook, and by programs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any, Self

from rich.cells import cell_len

from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.artifacts.run import METRICS_FILE, Run
from qaml_qiskit.errors import ConfigurationError, InputError, QamlError
from qaml_qiskit.files import LOCK_FILE, make_folders
from qaml_qiskit.reports.layout import fold
from qaml_qiskit.reports.page import outcome_html
from qaml_qiskit.reports.pictures import Pictures
from qaml_qiskit.reports.report import REPORT_FILE
from qaml_qiskit.reports.tables import brief_rows, flat_rows
from qaml_qiskit.reports.terminal import Line, lay_out
from qaml_qiskit.text import printable

if TYPE_CHECKING:
    import pandas

#: Width of a text where nobody says how wide the terminal is.
_WIDTH = 100
#: Rows of a table in a notebook; all of them are in ``results``.
_MOST_ROWS = 100


@dataclass(frozen=True)
class Brief:
    """What people are shown of an outcome with too many rows.

    Attributes:
        results: rows in place of all.
        tables: further rows, by name.
        notes: sentences below them.
    """

    results: list[Row]
    tables: dict[str, list[Row]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def brief_figures(outcome: "Outcome") -> Brief:
    """An outcome with :func:`brief_rows`: the others are in its files, in ``results`` and in JSON."""
    return Brief(brief_rows(outcome.results), outcome.tables, outcome.notes)


@dataclass(frozen=True, repr=False)
class Outcome:
    """A finished command.

    Printed, it is what the command line prints; in a notebook it is a table. Every column of its rows is an attribute,
    the list of the column's values: ``outcome.accuracy``; and so are further tables and what else there is by name.

    Attributes:
        command: its name.
        run: the folder with everything, or None for a command that keeps none.
        results: rows; their keys are promised by the documentation of the command.
        tables: further rows that belong to the answer, by name, such as ``resources``.
        notes: sentences that a reader of the rows should know.
        problem: why the answer is incomplete; its exit code is the command's.
        brief: gives what people are shown; None where it is all of the above.
        lead: a sentence or two with what was found; empty where the command says none.
        more: what else there is for programs, by name.
    """

    command: str
    run: Run | None
    results: list[Row]
    tables: dict[str, list[Row]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    problem: QamlError | None = None
    brief: Callable[[], Brief] | None = None
    lead: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Run, *tables: str, brief: Callable[[Any], Brief] | None = None, more: Sequence[str] = ()) -> Self:
        """What a complete run found.

        Args:
            run: has metrics.
            tables: names of further rows in the metrics; a table without rows is left out.
            brief: gives what people are shown of the outcome.
            more: names of what else programs are given, where the metrics have it.

        Raises:
            DamagedFileError: the metrics are damaged, or lack a table.
        """
        metrics = run.metrics()
        found = cls(
            run.config["command"],
            run,
            metrics["results"],
            {name: metrics[name] for name in tables if metrics[name]},
            tuple(metrics.get("notes", ())),
            lead=str(metrics.get("lead", "")),
            more={name: metrics[name] for name in more if name in metrics},
        )
        return found if brief is None else found.briefly(brief)

    def briefly(self, brief: Callable[[Any], Brief]) -> Self:
        """The same, of which people are shown what ``brief`` makes of it."""
        return replace(self, brief=partial(brief, self))

    def __fspath__(self) -> str:
        """The folder of the run, so that an outcome stands wherever a run folder does.

        Raises:
            ConfigurationError: no run was kept.
        """
        if self.run is None:
            raise ConfigurationError(
                f"there is no run of this {self.command}",
                got="an outcome without a folder",
                expected="the outcome of a command that keeps a run",
                remedy="keep the run with out=…",
            )
        return str(self.run.path)

    def document(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        return {
            "command": self.command,
            "run": None if self.run is None else str(self.run.path),
            "results": self.results,
            **self.tables,
            **self.more,
            **({"notes": list(self.notes)} if self.notes else {}),
        }

    # For programs

    def __getattr__(self, name: str) -> Any:
        """A column of the rows that have it, a further table, or what else there is by this name."""
        known = self.__dict__.get("results", [])
        column = [row[name] for row in known if name in row]
        if column:
            return column
        if name in self.__dict__.get("tables", {}):
            return list(self.tables[name])
        if name in self.__dict__.get("more", {}):
            return self.more[name]
        raise AttributeError(f"{type(self).__name__!r} of {self.__dict__.get('command')!r} has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        """Fields, methods, columns, tables and what else there is, for whoever presses the tabulator key."""
        columns = (name for row in self.results for name in row)
        return sorted({*super().__dir__(), *columns, *self.tables, *self.more})

    def to_pandas(self, table: str = "results") -> "pandas.DataFrame":
        """The rows as a pandas table; an interval becomes two columns, ``interval_low`` and ``interval_high``.

        Args:
            table: ``results``, or the name of a further table.

        Raises:
            ConfigurationError: pandas is not installed, or there is no such table.
        """
        try:
            import pandas
        except ImportError as error:
            raise ConfigurationError(
                "cannot make a table of pandas",
                got="no pandas that can be imported",
                expected="pandas, which qaml-qiskit does not need for anything else",
                remedy="install it with `pip install pandas`, or use .results, a list of dictionaries",
            ) from error
        tables = {"results": self.results, **self.tables}
        if table not in tables:
            raise ConfigurationError(
                f"{self.command} has no such table",
                got=repr(table),
                expected=f"one of {', '.join(tables)}",
                remedy="choose one of these",
            )
        return pandas.DataFrame(flat_rows(tables[table]))

    def plot(self) -> Pictures:
        """The pictures of the run, as its page has them; the last expression of a notebook's cell is shown there.

        Raises:
            ConfigurationError: the command kept no run, or drew nothing.
        """
        found = () if self.run is None else tuple(sorted(self.run.path.glob("*.png")))
        if not found:
            raise ConfigurationError(
                f"{self.command} has no picture",
                got="no run that is kept" if self.run is None else f"no .png in {self.run.path}",
                expected="a finished run of a command that draws",
                remedy="look at the rows, or keep the run with out=…" if self.run is None else "look at the rows",
            )
        return Pictures(found)

    def save(self, folder: Path | str) -> Self:
        """Copy the run, with all of its files, to a folder of your own.

        Args:
            folder: does not exist yet, or is empty.

        Returns:
            The same outcome, of the copy.

        Raises:
            ConfigurationError: no run was kept, or it is not complete; its jobs belong to the folder that they are in.
            InputError: the folder has something in it.
        """
        folder = Path(folder)
        if self.run is None or not self.run.complete:
            raise ConfigurationError(
                f"cannot save this {self.command}",
                got="no run that is kept" if self.run is None else f"{self.run.path}, which is not complete",
                expected="a complete run",
                remedy="keep the run with out=…" if self.run is None else "complete it first",
            )
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError(
                f"cannot save the run in {folder}",
                got="something that is there already",
                expected="a new or an empty folder",
                remedy="choose another folder",
            )
        make_folders(folder)
        copy = Run(folder, self.run.config)
        files = [path for path in sorted(self.run.path.rglob("*")) if path.is_file() and path.name != LOCK_FILE]
        # The metrics complete a run: they come last here, too.
        for file in sorted(files, key=lambda path: path.name == METRICS_FILE):
            copy.write(str(file.relative_to(self.run.path)), file.read_bytes())
        return replace(self, run=copy)

    # For people

    def lines(self, width: int | None) -> list[Line]:
        """What a terminal shows.

        Args:
            width: of the terminal, in characters; None for a file or a pipe, where nothing needs to fit.
        """
        shown = self._shown
        found = lay_out(shown.results, width)
        for name, further in shown.tables.items():
            found += [Line(""), Line(printable(name), is_heading=True), *lay_out(further, width)]
        for note in map(printable, shown.notes):
            found += [Line(text) for text in ([note] if width is None else fold(note, width, cell_len))]
        return found + [Line(printable(self.place))] * (self.run is not None)

    @property
    def place(self) -> str:
        """Where the run is, in words; empty where none was kept."""
        if self.run is None:
            return ""
        page = self.run.path / REPORT_FILE
        return f"Report: {page}" if page.is_file() else f"Run: {self.run.path}"

    @property
    def _shown(self) -> Brief:
        return Brief(self.results, self.tables, self.notes) if self.brief is None else self.brief()

    def __repr__(self) -> str:
        told = [f"qaml {self.command}: {printable(str(self.problem))}"] if self.problem is not None else []
        width = get_terminal_size((_WIDTH, 24)).columns
        return "\n".join([*told, *(line.text for line in self.lines(width))])

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        shown = self._shown
        cut = {"": shown.results[:_MOST_ROWS], **{name: rows[:_MOST_ROWS] for name, rows in shown.tables.items()}}
        left_out = len(shown.results) - len(cut[""])
        more = (f"{left_out} more rows are in .results.",) if left_out else ()
        problem = "" if self.problem is None else str(self.problem)
        return outcome_html(f"qaml {self.command}", self.lead, problem, cut, (*more, *shown.notes, self.place))
