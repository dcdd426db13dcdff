"""Images as circuits: angles, templates and what they are worth: the work behind ``qaml encode``."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from qaml_qiskit.artifacts.codecs import ARRAYS
from qaml_qiskit.artifacts.fingerprints import digest
from qaml_qiskit.artifacts.mapping import Bar, Pool
from qaml_qiskit.artifacts.opening import open_run
from qaml_qiskit.artifacts.outcome import Outcome, Row
from qaml_qiskit.artifacts.pool import open_pool
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.circuits import gate_counts
from qaml_qiskit.datasets import dataset_spec
from qaml_qiskit.deployments.images import load_images
from qaml_qiskit.encodings import ENCODINGS, Encoding, amplitudes, choose_layers, encoding_for
from qaml_qiskit.execution.qpy_files import circuit_bytes
from qaml_qiskit.formats import Arrays, npz
from qaml_qiskit.models import DataCard
from qaml_qiskit.progress import Advance, Progress, Silent
from qaml_qiskit.reports import Report
from qaml_qiskit.workflows.encode.request import EncodeRequest

#: Images fitted between two files: what a kill can lose.
_BLOCK = 25


@dataclass(frozen=True)
class _Plan:
    """The encoding of every image: templates by their number of layers (0 for an exact one), and who takes which.

    ``angles`` are those of the images that take a template, by its number of layers, in the images' order.
    """

    templates: dict[int, Encoding]
    layers: NDArray[np.int64]
    fidelity: NDArray[np.float64]
    angles: dict[int, NDArray[np.float64]]


@dataclass(frozen=True)
class _Fitting:
    """How circuits are fitted to images; called with some of them, shape (N, C, H, W)."""

    threshold: float
    templates: tuple[int, ...]
    make: Callable[[int], Encoding]

    def __call__(self, images: Tensor, advance: Advance) -> Arrays:
        """``layers`` and ``fidelity`` of every image, and the angles of those that take L layers as ``angles-L``."""
        choice = choose_layers(images, self.threshold, self.templates, make=self.make)
        angles = {
            f"angles-{layers}": self.make(layers).angles(images[choice.layers == layers]).numpy()
            for layers in choice.layers.unique().tolist()
        }
        return {"layers": choice.layers.numpy(), "fidelity": choice.fidelity.numpy(), **angles}


def encode(
    request: EncodeRequest,
    *,
    out: Path | None = None,
    data_dir: Path | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Encode images; the approximate encoding takes for each the fewest layers that reach the threshold.

    The run folder has a circuit of free angles for every template that is used (``template-L.qpy``) and the images'
    angles and positions (``angles-L.npz``).

    Args:
        request: the images, and how they become circuits.
        out: the run folder; an unfinished run of the same request is continued.
        data_dir: where the data sets are.
        workers: fit the circuits in so many processes on this machine, with Dask.
        scheduler: fit the circuits on the workers of this Dask scheduler.
        progress: told about every block of images.

    Raises:
        QamlError: images that cannot be encoded, or that are not there.
    """
    opening = open_pool(workers, scheduler)
    classes = range(len(dataset_spec(request.dataset).class_names))
    card = DataCard(dataset=request.dataset, classes=tuple(classes))
    images, labels, indices = load_images(request.images, card, data_dir)
    # Before the folder is opened, so that images that cannot be encoded leave nothing behind.
    make = partial(_encoding, request, tuple(images.shape[1:]))
    plan = _fitting(request, images, make) if ENCODINGS[request.encoding].has_layers() else _exactly(make(), images)
    with opening as pool, open_run("encode", request, {"images": digest(images)}, out) as run:
        if not run.complete:
            if isinstance(plan, _Fitting):
                plan = _approximately(plan, images, run, pool, progress or Silent())
            for layers, encoding in plan.templates.items():
                chosen = plan.layers == layers
                run.write(f"template-{layers}.qpy", circuit_bytes(encoding.circuit))
                angles = plan.angles[layers]
                run.write(f"angles-{layers}.npz", npz(angles=angles, indices=indices[chosen], labels=labels[chosen]))
            _write(run, request, plan, _rows(request, plan, indices))
    return Outcome.of(run)


def _encoding(request: EncodeRequest, shape: tuple[int, ...], layers: int | None = None) -> Encoding:
    return encoding_for(request.encoding, shape, layers=layers, order=request.pixel_order)


def _exactly(encoding: Encoding, images: Tensor) -> _Plan:
    layers = np.zeros(len(images), dtype=np.int64)
    fidelity = encoding.fidelity(images.double()).numpy()
    return _Plan({0: encoding}, layers, fidelity, {0: encoding.angles(images).numpy()})


def _fitting(request: EncodeRequest, images: Tensor, make: Callable[[int], Encoding]) -> _Fitting:
    """How circuits are fitted; images that no circuit can be fitted to are refused."""
    encoding = make(request.encoding_layers[0])
    if not encoding.qubit_a_pixel:
        amplitudes(images.double(), encoding.num_qubits, request.pixel_order or encoding.default_order)
    return _Fitting(request.threshold, request.encoding_layers, make)


def _approximately(fitting: _Fitting, images: Tensor, run: Run, pool: Pool, progress: Progress) -> _Plan:
    """Fit circuits to the images block by block; each block is kept."""
    blocks = {f"blocks/{start:06d}": images[start : start + _BLOCK].clone() for start in range(0, len(images), _BLOCK)}
    told = {key: f"block {number} of {len(blocks)}" for number, key in enumerate(blocks, 1)}
    bar = Bar(progress, "encoding images", told, {key: len(block) for key, block in blocks.items()})
    found = run.map(blocks, fitting, ARRAYS, bar=bar, pool=pool).values()
    layers = np.concatenate([block["layers"] for block in found])
    used = sorted(set(layers.tolist()))
    parts = {each: [block[f"angles-{each}"] for block in found if f"angles-{each}" in block] for each in used}
    return _Plan(
        {each: fitting.make(each) for each in used},
        layers,
        np.concatenate([block["fidelity"] for block in found]),
        {each: np.concatenate(angles) for each, angles in parts.items()},
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
    report = Report(run, request.command_line(run.config), f"Images of {request.dataset} as circuits")
    report.table("Images", rows, *notes[1:], file="encoding.csv")
    report.finish(notes[0], rows, notes)
