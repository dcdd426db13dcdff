"""Accuracy against the strength of noises, for models, encodings and attacks: the work behind ``qaml sweep``."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from qaml_qiskit.artifacts.outcome import Outcome, Row
from qaml_qiskit.artifacts.run import Run, open_run
from qaml_qiskit.artifacts.scheduling import Cluster, open_cluster
from qaml_qiskit.formats import Arrays
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.reports.pages import named
from qaml_qiskit.workflows.sweep.cells import Cell, compute_cell
from qaml_qiskit.workflows.sweep.plan import SweepPlan
from qaml_qiskit.workflows.sweep.report import write_report
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
    cluster = Cluster(workers, scheduler)
    plan = SweepPlan(request, data_dir, backends)
    config = {**request.model_dump(mode="json"), "resolved": {**plan.resolved, **named(backends)}}
    with open_cluster(cluster) as scheduling, open_run("sweep", config, out) as run:
        if run.complete:
            return _outcome(run)
        cells = [cell for case in plan.cases for cell in plan.cells(case)]
        kept = {cell.name: run.kept_arrays(_file(cell)) for cell in cells}
        waiting = [cell for cell in cells if kept[cell.name] is None]
        with (progress or Silent()).task("sweeping", len(cells), len(cells) - len(waiting)) as advance:

            def keep(cell: Cell, arrays: Arrays) -> None:
                run.keep_arrays(_file(cell), arrays)
                kept[cell.name] = arrays
                advance(1, f"{cell.told} is done")

            scheduling.run(compute_cell, waiting, keep)
        classes = [subject.model.config.num_classes for subject in plan.subjects]
        write_report(run, request, list(_rows(kept, request, plan)), classes, plan.notes)
    return _outcome(run)


def _file(cell: Cell) -> str:
    return f"cells/{cell.name}.npz"


def _rows(kept: Mapping[str, Arrays | None], request: SweepRequest, plan: SweepPlan) -> Iterator[Row]:
    """Rows in the order of the grid, whatever the order in which the cells came."""
    for case in plan.cases:
        blocks = [block for cell in plan.cells(case) if (block := kept[cell.name]) is not None]
        yield from rows_of(case.case, request, request.attacks(), blocks)


def _outcome(run: Run) -> Outcome:
    metrics = run.metrics()
    return Outcome("sweep", run, metrics["results"], notes=tuple(metrics["notes"]))
