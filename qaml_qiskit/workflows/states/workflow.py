"""Images as the states that models make of them, on a plane: the work behind ``qaml states``."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qaml_qiskit.artifacts import Pool, Row, Run, digest, open_pool, open_run
from qaml_qiskit.deployments import Batch, Deployment, load_batch, read_deployments
from qaml_qiskit.evaluation import Proportion
from qaml_qiskit.formats import npz
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.reports import Outcome, Report, state_planes
from qaml_qiskit.studies import Cell, Plane, Projecting, make_adversarial, project_sets
from qaml_qiskit.workflows.calling import takes
from qaml_qiskit.workflows.states.request import StatesRequest

#: The set of images as they are.
_CLEAN = "clean"
_NOTES = (
    "moved: mean distance of a state from that of the same image as it is. spread: mean distance from the middle of "
    "the set. off_plane: mean distance from the plane. variance: the share of the variance of the model's clean states "
    "that lies in the plane.",
    "The plane is that of the two principal axes of a model's clean states.",
)


@dataclass(frozen=True)
class _Shown:
    """A set of images as a model sees them."""

    model: str
    short: str
    name: str
    eps: float
    vectors: NDArray[np.float64]
    predicted: NDArray[np.int64]


@takes(StatesRequest)
def states(
    request: StatesRequest,
    *,
    out: Path | None = None,
    data_dir: Path | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Show the states that models make of images, as they are and attacked, on the plane of their principal axes.

    Raises:
        QamlError: the request cannot be served; nothing was computed.
    """
    opening, progress = open_pool(workers, scheduler), progress or Silent()
    names = [*request.models, *(request.sources or request.models)]
    everyone = read_deployments(names, progress=progress, seed=request.seed)
    models, sources = everyone[: len(request.models)], everyone[len(request.models) :]
    for each in models:
        # Told before anything is written: a network has no states.
        _ = each.qvc
    attack = request.chosen_attack()
    if attack is not None:
        for source in sources:
            source.check_attackable([attack])
    batch = load_batch(request.images, everyone, data_dir, or_all=request.is_default("images"))
    resolved = {"weights": {each.name: each.weights for each in everyone}, "images": digest(batch.images)}
    with opening as pool, open_run("states", request, resolved, out) as run:
        if not run.complete:
            cells = (
                {}
                if attack is None
                else {f"{number}-{attack.name}": Cell(each.name, attack) for number, each in enumerate(sources)}
            )
            made = make_adversarial(run, cells, sources, batch, progress, pool)
            attacked = {key: torch.from_numpy(each.images) for key, each in made.items()}
            shown = _shown(run, request, models, batch, attacked, progress, pool)
            _write(run, request, batch, shown)
    return Outcome.of(run)


def _shown(
    run: Run,
    request: StatesRequest,
    models: list[Deployment],
    batch: Batch,
    attacked: Mapping[str, Tensor],
    progress: Progress,
    pool: Pool,
) -> list[_Shown]:
    """Every model's sets: the images as they are, then as attacked for it."""
    found = []
    for number, model in enumerate(models):
        key = f"{number}-{request.attack}"
        sets = {_CLEAN: batch.images} | ({str(request.attack): attacked[key]} if attacked else {})
        work = Projecting(model, request.behind, request.seed)
        for name, arrays in project_sets(run, f"states/{number}", sets, work, progress, pool).items():
            eps = 0.0 if name == _CLEAN else request.eps
            found.append(_Shown(model.name, Path(model.name).name, name, eps, arrays["vectors"], arrays["predicted"]))
    return found


def _write(run: Run, request: StatesRequest, batch: Batch, shown: list[_Shown]) -> None:
    clean = {each.model: each for each in shown if each.name == _CLEAN}
    planes = {name: Plane.of(each.vectors) for name, each in clean.items()}
    rows, points, panels = [], [], []
    for each in shown:
        plane, right = planes[each.model], each.predicted == batch.labels
        places = plane.points(each.vectors)
        rows.append(_row(each, clean[each.model], plane, right))
        panels.append((f"{each.short}\n{each.name}", places, batch.labels, right))
        points += [
            {
                "model": each.model,
                "set": each.name,
                "index": index,
                "label": label,
                "right": hit,
                "first": x,
                "second": y,
            }
            for index, label, hit, (x, y) in zip(
                batch.indices.tolist(), batch.labels.tolist(), right.tolist(), places.tolist(), strict=True
            )
        ]
    told = {"encoding": "behind the encoding", "circuit": "behind the circuit"}[request.behind]
    lead = f"States of {len(batch)} images {told}, of {len(clean)} model{'s' * (len(clean) > 1)}."
    run.write("states.npz", npz(vectors=np.array([each.vectors for each in shown]), labels=batch.labels))
    report = Report(run, request.command_line(run.config), f"States {told}")
    report.table("Sets of images", rows, *_NOTES, file="sets.csv")
    caption = "Each image on the plane; a colour a class, circles where the model is right, crosses where it is wrong."
    report.picture("states.png", state_planes(panels), caption, "States")
    report.table("Points", points, file="points.csv")
    report.finish(lead, rows, list(_NOTES))


def _row(each: _Shown, clean: _Shown, plane: Plane, right: NDArray[np.bool_]) -> Row:
    accuracy = Proportion(int(right.sum()), len(right))
    return {
        "model": each.model,
        "set": each.name,
        "eps": each.eps,
        "accuracy": accuracy.value,
        "interval": list(accuracy.interval),
        "moved": float(np.linalg.norm(each.vectors - clean.vectors, axis=1).mean()),
        "spread": float(np.linalg.norm(each.vectors - each.vectors.mean(axis=0), axis=1).mean()),
        "off_plane": float(plane.distances(each.vectors).mean()),
        "variance": plane.variance,
        "images": len(right),
    }
