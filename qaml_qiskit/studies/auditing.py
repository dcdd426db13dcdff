"""Audits of attacks, kept in the run, and what they come to in a table."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from qaml_qiskit.artifacts import HERE, JSON, AdversarialImages, Bar, Pool, Row, Run
from qaml_qiskit.attacks import AuditSettings, audit
from qaml_qiskit.deployments import Batch, Deployment
from qaml_qiskit.deployments.defence_views import expectation_of
from qaml_qiskit.errors import InputError
from qaml_qiskit.progress import Advance, Progress, ignore
from qaml_qiskit.simulation import computing
from qaml_qiskit.studies.attacking import Cell, attacked

NOT_AUDITED = "not audited"


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


def verdict_columns(audited: Audited | None) -> Row:
    """What a row about an attack says of its audit, if there was one."""
    if audited is None or audited.verdict == NOT_AUDITED:
        return {"verdict": None, "failed_checks": None}
    return {"verdict": audited.verdict, "failed_checks": audited.failed}


def audit_rows(audits: Mapping[str, Audited], made: Mapping[str, AdversarialImages], *columns: str) -> list[Row]:
    """A row a check.

    Args:
        audits: by the keys of cells.
        made: the adversarial images of at least these cells.
        columns: what of the images' provenance says what was audited.
    """
    return [
        {
            **{column: getattr(made[key].provenance, column) for column in columns},
            "verdict": each.verdict,
            "check": check.name,
            "passed": "passed" if check.passed else "FAILED",
            "numbers": ", ".join(f"{name.replace('_', ' ')} {_told(value)}" for name, value in check.numbers.items()),
            "explanation": check.explanation,
        }
        for key, each in audits.items()
        for check in each.checks
    ]


def audit_cells(
    run: Run,
    cells: Mapping[str, Cell],
    deployments: Sequence[Deployment],
    batch: Batch,
    seed: int,
    progress: Progress,
    pool: Pool = HERE,
    *,
    made: Iterable[AdversarialImages] = (),
    rivals: Iterable[str] = (),
) -> dict[str, Audited]:
    """Audit every cell that can be; each is kept as it finishes.

    Args:
        run: keeps the audits.
        cells: attacks on their sources, by their keys.
        deployments: sources and rivals. They compute as they are deployed.
        batch: the images to use.
        seed: of the audits.
        progress: told about every audit.
        pool: where it is done.
        made: images, of which the first were made from ``batch``. Those of the same attack on another model must not
            beat it,
        rivals: nor must those that the same attack makes on these deployments, for the audit alone.

    Returns:
        By the key of the cell.
    """
    tasks = {f"audits/{key}": _Task(cell, _elsewhere(cell, [*made], len(batch))) for key, cell in cells.items()}
    bar = Bar(progress, "auditing attacks", {key: task.cell.told for key, task in tasks.items()})
    found = run.map(tasks, _Auditing(tuple(deployments), batch, seed, tuple(rivals)), _AUDITED, bar=bar, pool=pool)
    return {key: found[f"audits/{key}"] for key in cells}


def _elsewhere(cell: Cell, made: Iterable[AdversarialImages], count: int) -> dict[str, Tensor]:
    """The first images that a cell's attack made on other models, by their names."""
    parameters = cell.attack.model_dump(mode="json")
    others = [each for each in made if each.provenance.source != cell.source]
    return {
        each.provenance.source: torch.from_numpy(each.images[:count])
        for each in others
        if each.provenance.parameters == parameters
    }


_AUDITED = JSON.of(lambda found: found.model_dump(mode="json"), Audited.model_validate)


@dataclass(frozen=True)
class _Task:
    """An audit to be done: of a cell, with what it is compared with."""

    cell: Cell
    transferred: Mapping[str, Tensor]


@dataclass(frozen=True)
class _Auditing:
    """The work: an attack to its audit."""

    deployments: tuple[Deployment, ...]
    batch: Batch
    seed: int
    rivals: tuple[str, ...]

    def __call__(self, task: _Task, advance: Advance) -> Audited:
        batch, attack, count = self.batch, task.cell.attack, len(self.batch)
        by_name = {each.name: each for each in self.deployments}
        source = by_name[task.cell.source]
        if not attack.can_be_audited:
            name = attack.variant(source.num_classes)
            reason = f"{name}: the audit takes attacks in l∞ that read gradients, with eps above 0."
            return Audited(verdict=NOT_AUDITED, images=count, reason=reason)
        exact = expectation_of(source)
        if exact is None:
            reason = f"{source.name}: it is random, and nobody knows its expectation, which the audit would attack."
            return Audited(verdict=NOT_AUDITED, images=count, reason=reason)
        transferred = {
            **task.transferred,
            **{name: attacked(by_name[name], batch, attack, ignore).images for name in self.rivals},
        }
        images, labels = source.compute.placed(batch.images), torch.from_numpy(batch.labels)
        try:
            with computing(source.compute):
                report = audit(exact.module, images, labels, attack, AuditSettings(seed=self.seed), transferred)
        except InputError as error:
            return Audited(verdict=NOT_AUDITED, images=count, reason=f"{source.name}: {error.what}, {error.got}.")
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


def _finite(value: float) -> float | None:
    """JSON has no infinity and no NaN."""
    return value if abs(value) < float("inf") else None


def _told(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.3g}"
