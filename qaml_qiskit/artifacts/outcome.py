"""What every workflow hands back."""

from dataclasses import dataclass, field
from typing import Any

from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.errors import QamlError

Row = dict[str, Any]


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
    """

    command: str
    run: Run | None
    results: list[Row]
    tables: dict[str, list[Row]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    problem: QamlError | None = None

    def document(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        return {
            "command": self.command,
            "run": None if self.run is None else str(self.run.path),
            "results": self.results,
            **self.tables,
            **({"notes": list(self.notes)} if self.notes else {}),
        }
