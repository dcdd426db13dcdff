"""Run a trained QVC on a target: the work behind ``qaml run``, and the measuring half of the demo."""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from qiskit import qpy
from qiskit.circuit import QuantumCircuit
from torch import Tensor

from qaml_qiskit.circuits import gate_counts
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.evaluation import accuracy, rms_difference
from qaml_qiskit.execution import (
    Calibration,
    Ledger,
    Mitigation,
    Recipe,
    Target,
    compile_for,
    load_catalogue,
    load_recipe,
    open_target,
    sample,
)
from qaml_qiskit.models import QVC, StoredModel, check_batch, predict
from qaml_qiskit.reports import Section, accuracy_bars, to_csv
from qaml_qiskit.runs import Run, open_run
from qaml_qiskit.workflows.inputs import find_model, load_images
from qaml_qiskit.workflows.outcome import Outcome, Row
from qaml_qiskit.workflows.pages import write_page
from qaml_qiskit.workflows.progress import Progress, Silent
from qaml_qiskit.workflows.training import npz


class RunRequest(BaseModel):
    """Everything that decides what is run, and where."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    target: str = "fake-torino"
    recipe: str = "level3"
    images: Annotated[str, BeforeValidator(str)] = "100"
    shots: Annotated[int, Field(ge=1)] = 1000
    mitigation: Mitigation = "m3"
    seed: Annotated[int, Field(ge=0)] = 0


@dataclass(frozen=True)
class Compiled:
    """A QVC's circuit before and after compilation for a target."""

    model: QVC
    target: Target
    recipe: Recipe
    circuit: QuantumCircuit
    isa: QuantumCircuit

    def resolved(self) -> dict[str, Any]:
        """What the names of target and recipe stood for, so that a run is not mixed with one from before an edit."""
        return {"target": self.target.entry.model_dump(mode="json"), "recipe": self.recipe.model_dump(mode="json")}

    def values(self, images: Tensor) -> NDArray[np.float64]:
        """The encoding's angles in the order of the ISA circuit's parameters, shape (N, P)."""
        columns = [parameter.index for parameter in self.isa.parameters]
        return self.model.encoding.angles(images).numpy()[:, columns]

    def resource_rows(self) -> list[Row]:
        """Gate counts before and after compilation."""
        return [
            {"circuit": "as built", **gate_counts(self.circuit).as_dict()},
            {"circuit": f"for {self.target.name}", **gate_counts(self.isa).as_dict()},
        ]


@dataclass(frozen=True)
class Scores:
    """⟨Z_k⟩ of one set of images at every stage, shape (N, m); ``mitigated`` is None without mitigation."""

    ideal: NDArray[np.floating]
    raw: NDArray[np.floating]
    mitigated: NDArray[np.floating] | None

    def stages(self) -> dict[str, NDArray[np.floating]]:
        """The stages that there are, by name."""
        stages = {"ideal": self.ideal, "raw": self.raw}
        return stages if self.mitigated is None else {**stages, "mitigated": self.mitigated}


def run_model(
    request: RunRequest,
    *,
    backends: Path | None = None,
    out: Path | None = None,
    data_dir: Path | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Score images with a trained QVC, ideally and on a target, and write the run.

    Raises:
        QamlError: the request cannot be served. Nothing was written, unless it is the measured readout error of a
            qubit that turns out to be beyond correction.
    """
    stored = find_model(request.model)
    images, labels, indices = load_images(request.images, stored.card.data, data_dir)
    compiled = compile_model(stored, request.target, request.recipe, backends)
    check_batch(images, compiled.model.config.image_shape)
    values = compiled.values(images)
    resolved = {
        **compiled.resolved(),
        "weights": digest(compiled.model.weight),
        "images": digest(images),
    }
    run = open_run("run", {**request.model_dump(mode="json"), "resolved": resolved}, out)
    if run.complete:
        return _outcome(run)
    scores = score(
        compiled, {"images": (images, values)}, request.shots, request.mitigation, request.seed, run, progress
    )
    stages = scores["images"].stages()
    rows = [
        {"stage": stage, **_accuracy_row(z, labels), "z_error": rms_difference(z, stages["ideal"])}
        for stage, z in stages.items()
    ]
    run.write("predictions.npz", npz(labels=labels, indices=indices, **{f"z_{name}": z for name, z in stages.items()}))
    run.write("results.csv", to_csv(rows))
    run.write("resources.csv", to_csv(compiled.resource_rows()))
    _write_page(run, request, compiled, rows)
    run.finish({"command": "run", "results": rows, "resources": compiled.resource_rows()})
    return _outcome(run)


def _outcome(run: Run) -> Outcome:
    metrics = run.metrics()
    return Outcome("run", run, metrics["results"], {"resources": metrics["resources"]})


def compile_model(stored: StoredModel, target_name: str, recipe_name: str, backends: Path | None) -> Compiled:
    """Open the target and compile the model's circuit for it, once for all images."""
    model = stored.model
    if not isinstance(model, QVC):
        raise ConfigurationError(
            "this model cannot run on a quantum device",
            got=f"a {stored.card.model.kind}",
            expected="a qvc",
            remedy="train one with `qaml train --model qvc`",
        )
    recipe = load_recipe(recipe_name)
    target = open_target(target_name, load_catalogue(backends).entry(target_name), model.config.num_qubits)
    circuit = model.circuit()
    return Compiled(model, target, recipe, circuit, compile_for(circuit, target, recipe))


def digest(tensor: Tensor) -> str:
    """A fingerprint of a tensor's values: the first 16 hexadecimal digits of their SHA-256."""
    return hashlib.sha256(tensor.detach().cpu().numpy().tobytes()).hexdigest()[:16]


def score(
    compiled: Compiled,
    sets: Mapping[str, tuple[Tensor, NDArray[np.float64]]],
    shots: int,
    mitigation: Mitigation,
    seed: int,
    run: Run,
    progress: Progress | None = None,
) -> dict[str, Scores]:
    """⟨Z_k⟩ of several sets of images, sampled as one batch and calibrated once.

    Args:
        compiled: model, target and circuits.
        sets: images and the encoding's angles, by name.
        shots: shots an image.
        mitigation: ``none`` or ``m3``.
        seed: of the sampling.
        run: keeps the ledger, the ISA circuit and the calibration.
        progress: told about every chunk.
    """
    run.write("isa.qpy", _qpy(compiled.isa))
    stacked = np.concatenate([values for _, values in sets.values()])
    with (progress or Silent()).task(f"sampling on {compiled.target.name}", len(stacked)) as advance:
        sampled = sample(
            compiled.isa,
            stacked,
            compiled.target,
            shots=shots,
            mitigation=mitigation,
            seed=seed,
            ledger=Ledger(run.path / "jobs.jsonl"),
            progress=lambda images: advance(images),
        )
    if sampled.calibration is not None:
        _write_calibration(run, sampled.calibration)
    scores, start = {}, 0
    for name, (images, values) in sets.items():
        part = slice(start, start + len(values))
        ideal = predict(compiled.model, images).numpy() / compiled.model.config.logit_scale
        mitigated = None if sampled.mitigated is None else sampled.mitigated[part]
        scores[name] = Scores(ideal, sampled.raw[part], mitigated)
        start = part.stop
    return scores


def _write_page(run: Run, request: RunRequest, compiled: Compiled, rows: list[Row]) -> None:
    config = compiled.model.config
    lead = "Accuracy " + ", ".join(f"{row['stage']} {row['accuracy']:.1%}" for row in rows) + "."
    text = (
        f"{rows[0]['images']} images, {request.shots} shots an image, on {config.num_qubits} qubits with "
        f"{config.num_layers} layers. Ideal: exact, without shots. Raw: sampled on {request.target}. Mitigated: the "
        "same counts after readout correction. Intervals are 95 % Wilson intervals over the images. z_error: root mean "
        "square distance of ⟨Z_k⟩ from the ideal value."
    )
    bars = {row["stage"]: [(row["accuracy"], *row["interval"])] for row in rows}
    picture = accuracy_bars([request.target], bars, chance=1 / config.num_classes)
    run.write("accuracy.png", picture)
    sections = [
        Section("Accuracy", [text], rows, picture, "Accuracy at every stage."),
        Section("Circuit resources", [f"Compiled once with recipe {request.recipe}."], compiled.resource_rows()),
    ]
    write_page(run, request, f"A QVC on {request.target}", lead, sections)


def _accuracy_row(z: NDArray[np.floating], labels: NDArray[np.int64]) -> Row:
    result = accuracy(z, labels)
    return {"accuracy": result.value, "interval": list(result.interval), "images": result.trials}


def _write_calibration(run: Run, calibration: Calibration) -> None:
    run.write("calibration.json", calibration.model_dump_json(indent=2) + "\n")


def _qpy(circuit: QuantumCircuit) -> bytes:
    buffer = io.BytesIO()
    qpy.dump(circuit, buffer)
    return buffer.getvalue()
