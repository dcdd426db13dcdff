"""What every workflow hands back."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.errors import QamlError

Row = dict[str, Any]


@dataclass(frozen=True)
class Brief:
    """What a terminal shows of an outcome with too many rows.

    Attributes:
        results: rows in place of all.
        tables: further rows, by name.
        notes: sentences below them.
    """

    results: list[Row]
    tables: dict[str, list[Row]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """A finished command.

    Attributes:
        command: its name.
        run: the folder with everything, or None for a command that keeps none.
        results: rows; their keys are promised by the documentation of the command.
        tables: further rows that belong to the answer, by name, such as ``resources``.
        notes: sentences that a reader of the rows should know.
        problem: why the answer is incomplete; its exit code is the command's.
        brief: gives what a terminal shows; None where it shows all of the above.
    """

    command: str
    run: Run | None
    results: list[Row]
    tables: dict[str, list[Row]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    problem: QamlError | None = None
    brief: Callable[[], Brief] | None = None

    @classmethod
    def of(cls, run: Run, *tables: str, brief: Callable[["Outcome"], Brief] | None = None) -> "Outcome":
        """What a complete run found.

        Args:
            run: has metrics.
            tables: names of further rows in the metrics; a table without rows is left out.
            brief: gives what a terminal shows of the outcome.

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
        )
        return found if brief is None else replace(found, brief=partial(brief, found))

    def document(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        return {
            "command": self.command,
            "run": None if self.run is None else str(self.run.path),
            "results": self.results,
            **self.tables,
            **({"notes": list(self.notes)} if self.notes else {}),
        }
