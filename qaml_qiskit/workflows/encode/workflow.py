"""Images as circuits: angles, templates and what they are worth: the work behind ``qaml encode``."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qaml_qiskit.artifacts.outcome import Outcome, Row
from qaml_qiskit.artifacts.run import Run, open_run
from qaml_qiskit.circuits import gate_counts
from qaml_qiskit.datasets import dataset_spec
from qaml_qiskit.deployments.inputs import digest, load_images
from qaml_qiskit.encodings import ENCODINGS, Encoding, LayerChoice, choose_layers, encoding_for
from qaml_qiskit.execution.qpy_files import circuit_bytes
from qaml_qiskit.formats import npz
from qaml_qiskit.models import DataCard
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.reports import Report
from qaml_qiskit.reports.pages import command_line
from qaml_qiskit.workflows.encode.request import EncodeRequest

#: Images fitted between two signs of life.
_BLOCK = 25


@dataclass(frozen=True)
class _Plan:
    """The encoding of every image: templates by their number of layers (0 for one without), and who takes which."""

    templates: dict[int, Encoding]
    layers: NDArray[np.int64]
    fidelity: NDArray[np.float64]


def encode(
    request: EncodeRequest, *, out: Path | None = None, data_dir: Path | None = None, progress: Progress | None = None
) -> Outcome:
    """Encode images; the approximate encoding takes for each the fewest layers that reach the threshold.

    The run folder has a circuit of free angles for every template that is used (``template-L.qpy``) and the images'
    angles and positions (``angles-L.npz``).

    Raises:
        QamlError: images that cannot be encoded, or that are not there.
    """
    progress = progress or Silent()
    classes = range(len(dataset_spec(request.dataset).class_names))
    card = DataCard(dataset=request.dataset, classes=tuple(classes))
    images, labels, indices = load_images(request.images, card, data_dir)
    # Before the folder is opened, so that images that cannot be encoded leave nothing behind.
    plan = _plan(request, images, progress)
    config = {**request.model_dump(mode="json"), "resolved": {"images": digest(images)}}
    with open_run("encode", config, out) as run:
        if not run.complete:
            rows = _rows(request, plan, indices)
            for layers, encoding in plan.templates.items():
                chosen = plan.layers == layers
                run.write(f"template-{layers}.qpy", circuit_bytes(encoding.circuit))
                angles = encoding.angles(images[torch.from_numpy(chosen)]).numpy()
                run.write(f"angles-{layers}.npz", npz(angles=angles, indices=indices[chosen], labels=labels[chosen]))
            _write(run, request, plan, rows)
    metrics = run.metrics()
    return Outcome("encode", run, metrics["results"], notes=tuple(metrics["notes"]))


def _plan(request: EncodeRequest, images: Tensor, progress: Progress) -> _Plan:
    def make(layers: int | None = None) -> Encoding:
        return encoding_for(request.encoding, tuple(images.shape[1:]), layers=layers, order=request.pixel_order)

    if ENCODINGS[request.encoding].has_layers():
        choice = _chosen(request, images, make, progress)
        used = sorted(set(choice.layers.tolist()))
        return _Plan({layers: make(layers) for layers in used}, choice.layers.numpy(), choice.fidelity.numpy())
    only = make()
    return _Plan({0: only}, np.zeros(len(images), dtype=np.int64), only.fidelity(images.double()).numpy())


def _chosen(request: EncodeRequest, images: Tensor, make: Callable[[int], Encoding], progress: Progress) -> LayerChoice:
    """The choice of layers, in blocks, so that a long one shows that it is alive."""
    parts = []
    with progress.task("encoding images", len(images)) as advance:
        for block in images.split(_BLOCK):
            parts.append(choose_layers(block, request.threshold, request.encoding_layers, make=make))
            advance(len(block))
    return LayerChoice(
        torch.cat([part.layers for part in parts]),
        torch.cat([part.fidelity for part in parts]),
        torch.cat([part.reached for part in parts]),
    )


def _rows(request: EncodeRequest, plan: _Plan, indices: NDArray[np.int64]) -> list[Row]:
    """A row an image."""
    counts = {layers: gate_counts(encoding.circuit) for layers, encoding in plan.templates.items()}
    return [
        {
            "index": int(index),
            "encoding": request.encoding,
            "encoding_layers": layers or None,
            "fidelity": fidelity,
            "reached": fidelity >= request.threshold,
            "two_qubit_gates": counts[layers].two_qubit_gates,
            "two_qubit_depth": counts[layers].two_qubit_depth,
        }
        for index, layers, fidelity in zip(indices, plan.layers.tolist(), plan.fidelity.tolist(), strict=True)
    ]


def _write(run: Run, request: EncodeRequest, plan: _Plan, rows: list[Row]) -> None:
    missed = [row for row in rows if not row["reached"]]
    gates = np.mean([row["two_qubit_gates"] for row in rows])
    notes = [
        f"{len(rows)} images: mean fidelity {plan.fidelity.mean():.3f}, {gates:.1f} two-qubit gates an image before "
        f"routing, {len(plan.templates)} circuits to compile."
    ]
    if missed:
        first = missed[0]
        notes.append(
            f"{len(missed)} of {len(rows)} images do not reach {request.threshold:g} with any template; each has the "
            f"one of highest fidelity. The first is image {first['index']}: {first['fidelity']:.3f} with "
            f"{first['encoding_layers']} layers."
        )
    report = Report(run, command_line(run.config, request), f"Images of {request.dataset} as circuits")
    report.table("Images", rows, *notes[1:], file="encoding.csv")
    report.finish(notes[0], rows, notes)
