"""Figures of a card: read from what a step found, with the interval that belongs to their kind."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from qaml_qiskit.artifacts import Row
from qaml_qiskit.campaigns.benchmark.protocol import Arena, FigurePlan, filled
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.evaluation import wilson_interval


class Figure(BaseModel):
    """A figure of a card.

    Attributes:
        value: the figure; None where it is not defined for the model, or was not found.
        interval: 95 %; None for what has none.
        images: how many it is over: those that were right, for a rate among these.
        count: of a rate: how many of these.
        reason: why there is no value.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    value: float | int | str | None
    interval: tuple[float, float] | None = None
    images: Annotated[int, Field(ge=0)] | None = None
    count: Annotated[int, Field(ge=0)] | None = None
    reason: str = ""


def missing(reason: str) -> Figure:
    """A figure that a model does not have."""
    return Figure(value=None, reason=reason)


def read_figure(name: str, plan: FigurePlan, arena: Arena, tables: Mapping[str, Sequence[Row]]) -> Figure:
    """A figure, from what its step found.

    Args:
        name: of the figure.
        plan: where it is.
        arena: the sizes.
        tables: of the step, with ``results``.

    Raises:
        ConfigurationError: the step has no such row; its run is of another version of this package.
    """
    row = _row(name, plan, arena, tables.get(plan.table, ()))
    value = row[plan.column]
    if value is None:
        if plan.kind == "verdict":
            return missing("nothing could be audited")
        return missing("nothing was right before the attack" if plan.among else "its command gives none")
    if plan.kind in ("number", "verdict"):
        return Figure(value=value)
    images = int(arena.words[plan.images])
    if plan.kind == "given":
        interval = row[plan.interval]
        return Figure(value=value, interval=interval and tuple(interval), images=images)
    value = 1 - value if plan.complement else value
    if plan.kind == "share":
        return Figure(value=value, interval=wilson_interval(value, images), images=images)
    among = round(images * row[plan.among]) if plan.among else images
    return rate(round(value * among), among)


def rate(count: int, images: int) -> Figure:
    """So many of so many images, with Wilson's interval."""
    return Figure(value=count / images, interval=wilson_interval(count / images, images), images=images, count=count)


def _row(name: str, plan: FigurePlan, arena: Arena, rows: Sequence[Row]) -> Row:
    for where in (plan.where, plan.otherwise):
        wanted = filled(where, arena.words) if where is not None else {}
        found = [row for row in rows if where is not None and wanted.items() <= _comparable(row).items()]
        if len(found) == 1 and plan.column in found[0]:
            return found[0]
    raise ConfigurationError(
        f"{name} is not among the results of the benchmark's step {plan.step}",
        got=f"{len(rows)} rows in its table {plan.table}",
        expected=f"one with {filled(plan.where, arena.words)} and a column {plan.column}",
        remedy="delete the run of this step, and run the same command again",
    )


def _comparable(row: Row) -> dict[str, Any]:
    """The cells that can be looked for, which lists cannot."""
    return {column: cell for column, cell in row.items() if isinstance(cell, str | int | float | None)}
