"""Accuracy against the strength of a noise, exactly, for a whole test set: the work behind ``qaml sweep``."""

import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from qiskit.circuit import QuantumCircuit

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.evaluation import accuracy, slope
from qaml_qiskit.execution import load_recipe, open_target, to_isa
from qaml_qiskit.execution.catalogue import IdealEntry
from qaml_qiskit.models import QVC, check_batch, predict
from qaml_qiskit.noise import NoiseSpec
from qaml_qiskit.reports import Section, curves, to_csv
from qaml_qiskit.runs import Run, open_run
from qaml_qiskit.simulation.heisenberg import noisy_observables
from qaml_qiskit.workflows.compiled import digest
from qaml_qiskit.workflows.inputs import find_model, load_images
from qaml_qiskit.workflows.outcome import Outcome, Row
from qaml_qiskit.workflows.pages import write_page
from qaml_qiskit.workflows.progress import Progress, Silent

Noise = Literal["depolarizing", "amplitude-damping", "bit-flip", "readout"]
Strength = Annotated[float, Field(gt=0, le=1)]
#: Level 1 translates the ansatz to native gates; there is no coupling map that would need more.
_RECIPE = "quick"
_NOTE = "The encoding is taken as noiseless: the noise acts on the native gates of the layers, and on the readout."
#: Repetitions of the shots behind ``sampled_accuracy``.
_DRAWS = 20


class SweepRequest(BaseModel):
    """The grid."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    noise: Annotated[tuple[Noise, ...], Field(min_length=1)] = ("depolarizing",)
    strengths: Annotated[tuple[Strength, ...], Field(min_length=1)] = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03)
    images: Annotated[str, BeforeValidator(str)] = "1000"
    engine: Literal["exact"] = "exact"
    shots: Annotated[int, Field(ge=1)] = 1000
    seed: Annotated[int, Field(ge=0)] = 0


def noise_spec(noise: Noise, strength: float) -> NoiseSpec:
    """A named noise of one strength on every native gate, on each of its qubits; or on every measurement."""
    fields: dict[Noise, dict[str, Any]] = {
        "depolarizing": {"depolarizing": {"one_qubit": strength, "two_qubit": strength}},
        "amplitude-damping": {"amplitude_damping": strength},
        "bit-flip": {"bit_flip": strength},
        "readout": {"readout": {"p10": strength, "p01": strength}},
    }
    return NoiseSpec.model_validate(fields[noise])


def sweep(
    request: SweepRequest,
    *,
    out: Path | None = None,
    data_dir: Path | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Score images with a QVC under every noise and strength. Each cell is kept as it finishes.

    The noisy ⟨Z_k⟩ are exact expectation values, without shots: the noise is carried backwards onto the observables,
    which are then the same matrices for every image.

    Raises:
        QamlError: the request cannot be served.
    """
    stored = find_model(request.model)
    model = stored.model
    if not isinstance(model, QVC):
        raise ConfigurationError(
            "this model has no circuit that noise could act on",
            got=f"a {stored.card.model.kind}",
            expected="a qvc",
            remedy="train one with `qaml train --model qvc`",
        )
    images, labels, _ = load_images(request.images, stored.card.data, data_dir)
    check_batch(images, model.config.image_shape)
    resolved = {"weights": digest(model.weight), "images": digest(images)}
    run = open_run("sweep", {**request.model_dump(mode="json"), "resolved": resolved}, out)
    if run.complete:
        return _outcome(run)
    ideal = predict(model, images).numpy() / model.config.logit_scale
    with torch.no_grad():
        states = model.encoding.state(images)
    rows = [_row("none", 0.0, request, ideal, labels, ideal)]
    cells = list(product(request.noise, request.strengths))
    native = _native(model)
    with (progress or Silent()).task("sweeping", len(cells)) as advance:
        for noise, strength in cells:
            file = f"cells/{noise}-{strength:g}.json"
            if (kept := run.read(file)) is None:
                observables = noisy_observables(native, noise_spec(noise, strength).build(), range(len(ideal[0])))
                row = _row(noise, strength, request, observables.expectations(states).numpy(), labels, ideal)
                run.write_json(file, row)
            else:
                row = json.loads(kept)
            rows.append(row)
            advance(1, f"{noise} {strength:g}: {row['accuracy']:.3f}")
    _write(run, request, rows, model.config.num_classes)
    return _outcome(run)


def _outcome(run: Run) -> Outcome:
    metrics = run.metrics()
    return Outcome("sweep", run, metrics["results"], notes=tuple(metrics["notes"]))


def _native(model: QVC) -> QuantumCircuit:
    """The layers in native gates, any two qubits connected."""
    target = open_target("native", IdealEntry(kind="ideal"), model.config.num_qubits)
    return to_isa(model.ansatz(), target.isa, load_recipe(_RECIPE))


def _row(
    noise: str,
    strength: float,
    request: SweepRequest,
    z: NDArray[np.floating],
    labels: NDArray[np.int64],
    ideal: NDArray[np.floating],
) -> Row:
    result = accuracy(z, labels)
    return {
        "noise": noise,
        "strength": strength,
        "engine": request.engine,
        "accuracy": result.value,
        "interval": list(result.interval),
        "sampled_accuracy": _sampled_accuracy(z, labels, request.shots, request.seed),
        "images": result.trials,
        "slope": slope(z, ideal),
    }


def _sampled_accuracy(z: NDArray[np.floating], labels: NDArray[np.int64], shots: int, seed: int) -> float:
    """Mean accuracy when every ⟨Z_k⟩ is estimated from so many shots, errors normal and independent of each other."""
    generator = np.random.default_rng(seed)
    errors = np.sqrt(np.maximum(1 - z**2, 0) / shots)
    draws = [accuracy(z + errors * generator.standard_normal(z.shape), labels).value for _ in range(_DRAWS)]
    return float(np.mean(draws))


def _series(rows: list[Row], shots: int) -> Iterator[tuple[str, list[tuple[float, float, float, float]]]]:
    for noise in dict.fromkeys(row["noise"] for row in rows[1:]):
        points = [(r["strength"], r["accuracy"], *r["interval"]) for r in rows if r["noise"] == noise]
        yield noise, sorted(points)
        sampled = [(r["strength"], *[r["sampled_accuracy"]] * 3) for r in rows if r["noise"] == noise]
        yield f"{noise}, {shots:,} shots", sorted(sampled)


def _write(run: Run, request: SweepRequest, rows: list[Row], num_classes: int) -> None:
    picture = curves(dict(_series(rows, request.shots)), "strength a gate", rows[0]["accuracy"], 1 / num_classes)
    run.write("sweep.png", picture)
    run.write("sweep.csv", to_csv(rows))
    lead = f"{rows[0]['images']} images. Without noise {rows[0]['accuracy']:.1%}."
    text = (
        f"{_NOTE} accuracy: from exact expectation values, as endless shots would give it, with 95 % Wilson intervals "
        f"over the images. sampled_accuracy: expected with {request.shots:,} shots an image. slope: of noisy against "
        "noiseless ⟨Z_k⟩, how much of the signal is left; the same certainty takes 1/slope² times as many shots."
    )
    sections = [Section("Accuracy against strength", [text], rows, picture, "Bands: 95 % intervals.")]
    write_page(run, request, f"{request.model} under noise", lead, sections)
    run.finish({"command": "sweep", "results": rows, "notes": [_NOTE]})
