"""Audits of attacks, kept in the run, and what they come to in a table."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.attacks import AuditSettings, audit, run_attack
from qaml_qiskit.deployments.attacking import Cell
from qaml_qiskit.deployments.deployment import Deployment
from qaml_qiskit.deployments.images import Batch
from qaml_qiskit.errors import InputError
from qaml_qiskit.progress import Progress

NOT_AUDITED = "not audited"

#: For a cell, adversarial images of shape (N, C, H, W) by the name of the model on which they were made.
Transferred = Callable[[Cell], Mapping[str, Tensor]]


class Check(BaseModel):
    """One check of an audit; see :class:`qaml_qiskit.attacks.AuditCheck`."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: str
    passed: bool
    numbers: dict[str, float | None]
    explanation: str


class Audited(BaseModel):
    """An audit that is done.

    Attributes:
        verdict: ``not audited`` where the audit does not apply; ``reason`` says why.
        images: how many were used.
        worst_accuracy: what survives every attack that the audit ran within eps.
        checks: in their order.
        reason: why there are none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    verdict: Literal["sound", "masked", "weak attack", "not audited"]
    images: int
    worst_accuracy: float | None = None
    checks: tuple[Check, ...] = ()
    reason: str = ""

    @property
    def failed(self) -> str:
        """Names of the checks that failed; empty for none."""
        return ", ".join(check.name for check in self.checks if not check.passed)

    def rows(self, head: Row) -> list[Row]:
        """A row a check, behind some columns that say what was audited."""
        return [
            {
                **head,
                "verdict": self.verdict,
                "check": check.name,
                "passed": "passed" if check.passed else "FAILED",
                "numbers": ", ".join(
                    f"{name.replace('_', ' ')} {_told(value)}" for name, value in check.numbers.items()
                ),
                "explanation": check.explanation,
            }
            for check in self.checks
        ]


def audit_tables(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The rows of audits as a terminal shows them: a table an audit, with the verdict in its name."""
    tables: dict[str, list[Row]] = {}
    for row in rows:
        source = f" on {row['source']}" if "source" in row else ""
        name = f"audit of {row['attack']}{source} with ε = {row['eps']:g}: {row['verdict']}"
        tables.setdefault(name, []).append(
            {"check": row["check"], "passed": row["passed"], "numbers": _in_lines(row["numbers"])}
        )
    return tables


def _in_lines(numbers: str) -> str:
    """Two numbers a line, so that the table fits a terminal."""
    parts = numbers.split(", ")
    return "\n".join(", ".join(parts[start : start + 2]) for start in range(0, len(parts), 2))


def audit_cells(
    run: Run, cells: Sequence[Cell], batch: Batch, transferred: Transferred, seed: int, progress: Progress
) -> dict[str, Audited]:
    """Audit every cell that can be; each is kept as it finishes.

    Args:
        run: keeps the audits.
        cells: attacks on their sources.
        batch: the images to use.
        transferred: gives the images that the same attack made on other models, which must not beat it.
        seed: of the audits.
        progress: told about every audit.

    Returns:
        By the key of the cell.
    """
    waiting = [cell for cell in cells if run.kept_json(_file(cell)) is None]
    if waiting:
        with progress.task("auditing attacks", len(cells), len(cells) - len(waiting)) as advance:
            for cell in waiting:
                advance(0, cell.told)
                found = _audited(cell, batch, transferred, seed)
                run.keep_json(_file(cell), found.model_dump(mode="json"))
                advance(1)
    return {cell.key: Audited.model_validate(run.kept_json(_file(cell))) for cell in cells}


def _file(cell: Cell) -> str:
    return f"audits/{cell.key}.json"


def _audited(cell: Cell, batch: Batch, transferred: Transferred, seed: int) -> Audited:
    count = len(batch.images)
    if not cell.attack.can_be_audited:
        reason = f"{cell.attack_name}: the audit takes attacks in l∞ that read gradients, with eps above 0."
        return Audited(verdict=NOT_AUDITED, images=count, reason=reason)
    labels = torch.from_numpy(batch.labels)
    settings = AuditSettings(seed=seed)
    try:
        report = audit(cell.source.module, batch.images, labels, cell.attack, settings, transferred(cell))
    except InputError as error:
        return Audited(verdict=NOT_AUDITED, images=count, reason=f"{cell.source.name}: {error.what}, {error.got}.")
    checks = tuple(
        Check(
            name=check.name,
            passed=check.passed,
            numbers={name: _finite(value) for name, value in check.numbers.items()},
            explanation=check.explanation,
        )
        for check in report.checks
    )
    return Audited(verdict=report.verdict, images=count, worst_accuracy=report.worst_accuracy, checks=checks)


def made_on(sources: Sequence[Deployment], batch: Batch) -> Transferred:
    """Images that a cell's attack makes on other models, for the audit of that cell."""
    labels = torch.from_numpy(batch.labels)
    return lambda cell: {
        source.name: run_attack(source.module, batch.images, labels, cell.attack, spare_wrong=False).images
        for source in sources
    }


def _finite(value: float) -> float | None:
    """JSON has no infinity and no NaN."""
    return value if abs(value) < float("inf") else None


def _told(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.3g}"
