"""Accuracy against the strength of noises, for models, encodings and attacks: the work behind ``qaml sweep``."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from qaml_qiskit.artifacts.codecs import ARRAYS
from qaml_qiskit.artifacts.mapping import Bar
from qaml_qiskit.artifacts.opening import open_run
from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.artifacts.pool import open_pool
from qaml_qiskit.deployments import Deployment
from qaml_qiskit.formats import Arrays
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.reports import Brief, Outcome
from qaml_qiskit.studies import SweepScores, score_cell
from qaml_qiskit.workflows.calling import takes
from qaml_qiskit.workflows.sweep.plan import Case, SweepPlan
from qaml_qiskit.workflows.sweep.report import without_constant_columns, write_report
from qaml_qiskit.workflows.sweep.request import SweepRequest


@takes(SweepRequest)
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

    Raises:
        QamlError: the request cannot be served; nothing was computed.
    """
    opening = open_pool(workers, scheduler)
    plan = SweepPlan(request, data_dir, backends)
    with opening as pool, open_run("sweep", request, plan.resolved, out, backends=backends) as run:
        if not run.complete:
            told = {key: str(case) for case, keys in plan.keys.items() for key in keys}
            bar = Bar(progress or Silent(), "sweeping", told, plan.steps)
            found = run.map(plan.cells, score_cell, ARRAYS, bar=bar, pool=pool)
            # In the order of the grid, whatever the order in which the cells came.
            rows = [
                row
                for case, keys in plan.keys.items()
                for row in _rows(case, request, plan.cells[keys[0]].deployment, [found[key] for key in keys])
            ]
            write_report(run, request, rows, plan.classes, plan.notes)
    return Outcome.of(run, brief=_brief)


def _brief(outcome: Outcome) -> Brief:
    short, same = without_constant_columns(outcome.results)
    return Brief(short, notes=(*([same] if same else []), *outcome.notes))


def _rows(case: Case, request: SweepRequest, deployment: Deployment, blocks: Sequence[Arrays]) -> Iterator[Row]:
    """The rows of one case: every attack, number of shots and mitigation."""
    for number, attack in enumerate((None, *request.attacks())):
        for shots in request.shots:
            for mitigation in request.mitigation:
                scores = SweepScores(blocks, number, mitigation, deployment, shots if request.drawn else 0)
                yield {
                    "model": case.model,
                    "encoding": case.encoding,
                    "encoding_noise": request.encoding_noise,
                    "noise": case.noise,
                    "strength": case.strength,
                    "placement": case.placement,
                    "attack": "none" if attack is None else attack.name,
                    "eps": 0.0 if attack is None else attack.budget,
                    "engine": request.engine,
                    "mitigation": mitigation,
                    "shots": shots,
                    **scores.figures(shots, request.seed),
                }
