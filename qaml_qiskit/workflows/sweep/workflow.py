"""Accuracy against the strength of noises, for models, encodings and attacks: the work behind ``qaml sweep``."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from qaml_qiskit.artifacts.codecs import ARRAYS
from qaml_qiskit.artifacts.mapping import Bar
from qaml_qiskit.artifacts.opening import open_run
from qaml_qiskit.artifacts.outcome import Brief, Outcome, Row
from qaml_qiskit.artifacts.pool import open_pool
from qaml_qiskit.formats import Arrays
from qaml_qiskit.progress import Advance, Progress, Silent
from qaml_qiskit.reports.pages import named
from qaml_qiskit.workflows.sweep.cells import Cell, compute_cell
from qaml_qiskit.workflows.sweep.plan import SweepPlan
from qaml_qiskit.workflows.sweep.report import without_constant_columns, write_report
from qaml_qiskit.workflows.sweep.request import SweepRequest
from qaml_qiskit.workflows.sweep.rows import rows_of


def sweep(
    request: SweepRequest,
    *,
    out: Path | None = None,
    data_dir: Path | None = None,
    backends: Path | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Score images with QVCs under every noise and strength. Each cell is kept as it finishes.

    Args:
        request: the grid.
        out: the run folder.
        data_dir: where the data sets are.
        backends: the backends.yaml of the target.
        workers: compute the cells in so many processes on this machine, with Dask.
        scheduler: compute the cells on the workers of this Dask scheduler.
        progress: told about every cell.

    Raises:
        QamlError: the request cannot be served; nothing was computed.
    """
    opening = open_pool(workers, scheduler)
    plan = SweepPlan(request, data_dir, backends)
    with opening as pool, open_run("sweep", request, {**plan.resolved, **named(backends)}, out) as run:
        if run.complete:
            return Outcome.of(run, brief=_brief)
        cells = [cell for case in plan.cases for cell in plan.cells(case)]
        bar = Bar(progress or Silent(), "sweeping", {_key(cell): cell.told for cell in cells})
        found = run.map({_key(cell): cell for cell in cells}, _compute, ARRAYS, bar=bar, pool=pool)
        classes = [each.num_classes for encoded in plan.encoded.values() for each in encoded.values()]
        write_report(run, request, list(_rows(found, request, plan)), classes, plan.notes)
    return Outcome.of(run, brief=_brief)


def _key(cell: Cell) -> str:
    return f"cells/{cell.name}"


def _brief(outcome: Outcome) -> Brief:
    short, same = without_constant_columns(outcome.results)
    return Brief(short, notes=(*([same] if same else []), *outcome.notes))


def _compute(cell: Cell, advance: Advance) -> Arrays:
    return compute_cell(cell)


def _rows(found: Mapping[str, Arrays], request: SweepRequest, plan: SweepPlan) -> Iterator[Row]:
    """Rows in the order of the grid, whatever the order in which the cells came."""
    for case in plan.cases:
        blocks = [found[_key(cell)] for cell in plan.cells(case)]
        yield from rows_of(case.case, request, request.attacks(), blocks)
