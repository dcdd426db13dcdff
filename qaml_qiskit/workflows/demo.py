"""The whole road once, on embedded data: train, attack, compile, sample on a device model, mitigate, report."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from qaml_qiskit.attacks import AttackConfig, attack_images
from qaml_qiskit.errors import InputError
from qaml_qiskit.evaluation import accuracy
from qaml_qiskit.models import DataCard, Model, ModelCard, StoredModel, build_model, predict
from qaml_qiskit.reports import Page, Section, accuracy_bars, image_grid, learning_curves, to_csv
from qaml_qiskit.runs import Run, open_run
from qaml_qiskit.workflows.inference import Compiled, Scores, compile_model, score
from qaml_qiskit.workflows.outcome import Outcome, Row
from qaml_qiskit.workflows.progress import Progress, Silent
from qaml_qiskit.workflows.training import Data, TrainRequest, fit, load_data, model_config, npz, read_history, tensors

#: The demo's names for the stages of :class:`Scores`.
STAGE_NAMES = {"ideal": "ideal", "raw": "noisy", "mitigated": "mitigated"}
#: Where the images come from: untouched, attacked on the ConvNet and carried over, attacked on the QVC itself.
IMAGE_SETS = ("clean", "transfer", "whitebox")


class DemoRequest(BaseModel):
    """Everything that decides the demo's numbers. The data are the digits 0 to 5: six qubits can name six classes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: str = "fake-torino"
    recipe: str = "level3"
    layers: Annotated[int, Field(ge=1)] = 12
    epochs: Annotated[int, Field(ge=1)] = 30
    convnet_epochs: Annotated[int, Field(ge=1)] = 12
    eps: Annotated[float, Field(ge=0, le=1)] = 0.1
    steps: Annotated[int, Field(ge=1)] = 20
    images: Annotated[int, Field(ge=1)] = 200
    shots: Annotated[int, Field(ge=1)] = 1000
    seed: Annotated[int, Field(ge=0)] = 0

    def training(self, model: str) -> TrainRequest:
        """How one of the two models is trained."""
        values = {"model": model, "seed": self.seed, "epochs": self.epochs, "layers": self.layers}
        if model == "convnet":
            values["epochs"] = self.convnet_epochs
        return TrainRequest.model_validate(values).resolved()


@dataclass(frozen=True)
class Trained:
    """Both models and the data they share."""

    qvc: StoredModel
    convnet: Model
    data: Data


def demo(
    request: DemoRequest,
    *,
    backends: Path | None = None,
    out: Path | None = None,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Run the demo and write its run folder with the report.

    Raises:
        PartialResultError: stopped in a training; the same call continues (exit code 6).
        QamlError: the request cannot be served; nothing was written.
    """
    progress = progress or Silent()
    data = load_data(request.training("qvc"), None)
    if request.images > len(data.test):
        raise InputError(
            "cannot take the images",
            got=f"a request for {request.images}",
            expected=f"at most {len(data.test)}, the size of the test set",
            remedy="ask for fewer images",
        )
    _dry_run(request, data, backends)
    run = open_run("demo", request.model_dump(mode="json"), out)
    if run.complete:
        return Outcome("demo", run, run.metrics()["results"])
    trained = _train(request, data, run, progress, should_stop)
    compiled = compile_model(trained.qvc, request.target, request.recipe, backends)
    images, labels = (part[: request.images] for part in tensors(data.test))
    sets = _attack(request, trained, images, labels, progress)
    with_angles = {name: (batch, compiled.values(batch)) for name, batch in sets.items()}
    scores = score(compiled, with_angles, request.shots, "m3", request.seed, run, progress)
    rows = _rows(scores, labels.numpy())
    convnet = _convnet_rows(trained, sets, labels)
    _write(run, request, compiled, sets, labels.numpy(), scores, rows, convnet)
    return Outcome("demo", run, rows)


def _dry_run(request: DemoRequest, data: Data, backends: Path | None) -> None:
    """Compile an untrained model, so that a target or recipe that does not fit is told before minutes are spent."""
    config = model_config(request.training("qvc"), data.train)
    untrained = StoredModel(build_model(config), ModelCard(model=config, data=data.card))
    compiled = compile_model(untrained, request.target, request.recipe, backends)
    compiled.target.simulator(compiled.isa)


def _train(
    request: DemoRequest, data: Data, run: Run, progress: Progress, should_stop: Callable[[], bool]
) -> Trained:
    models = {}
    for name in ("qvc", "convnet"):
        training = request.training(name)
        config = model_config(training, data.train)
        models[name] = StoredModel(
            fit(training, config, data, run, progress, should_stop, f"{name}/"), ModelCard(model=config, data=data.card)
        )
    return Trained(models["qvc"], models["convnet"].model, data)


def _attack(
    request: DemoRequest, trained: Trained, images: Tensor, labels: Tensor, progress: Progress
) -> dict[str, Tensor]:
    config = AttackConfig(name="pgd", eps=request.eps, steps=request.steps, seed=request.seed)
    with progress.task("attacking", 2) as advance:
        transfer = attack_images(trained.convnet, images, labels, config)
        advance(1, "the ConvNet")
        whitebox = attack_images(trained.qvc.model, images, labels, config)
        advance(1, "the QVC")
    return dict(zip(IMAGE_SETS, (images, transfer, whitebox), strict=True))


def _rows(scores: dict[str, Scores], labels: NDArray[np.int64]) -> list[Row]:
    rows = []
    for stage, name in STAGE_NAMES.items():
        for images in IMAGE_SETS:
            result = accuracy(scores[images].stages()[stage], labels)
            rows.append(
                {
                    "stage": name,
                    "images": images,
                    "accuracy": result.value,
                    "interval": list(result.interval),
                    "count": result.trials,
                }
            )
    return rows


def _convnet_rows(trained: Trained, sets: dict[str, Tensor], labels: Tensor) -> list[Row]:
    rows = []
    for name in IMAGE_SETS:
        result = accuracy(predict(trained.convnet, sets[name]).numpy(), labels.numpy())
        rows.append({"images": name, "accuracy": result.value, "interval": list(result.interval)})
    return rows


def _write(
    run: Run,
    request: DemoRequest,
    compiled: Compiled,
    sets: dict[str, Tensor],
    labels: NDArray[np.int64],
    scores: dict[str, Scores],
    rows: list[Row],
    convnet: list[Row],
) -> None:
    arrays = {
        f"z_{STAGE_NAMES[stage]}_{name}": z for name, part in scores.items() for stage, z in part.stages().items()
    }
    run.write("predictions.npz", npz(labels=labels, indices=np.arange(len(labels)), **arrays))
    run.write("images.npz", npz(labels=labels, **{name: batch.numpy() for name, batch in sets.items()}))
    run.write("results.csv", to_csv(rows))
    resources = compiled.resource_rows()
    run.write("resources.csv", to_csv(resources))
    curves = {"QVC": read_history(run, "qvc/"), "ConvNet": read_history(run, "convnet/")}
    pictures = {
        "accuracy.png": _bars(rows, compiled),
        "images.png": _grid(sets, scores, labels),
        "learning_curves.png": learning_curves(curves),
    }
    for name, picture in pictures.items():
        run.write(name, picture)
    run.write("report.html", _page(run, request, compiled, rows, convnet, resources, pictures).render())
    run.finish({"command": "demo", "results": rows, "convnet": convnet, "resources": resources})


def _bars(rows: list[Row], compiled: Compiled) -> bytes:
    series = {
        stage: [(row["accuracy"], *row["interval"]) for row in rows if row["stage"] == stage]
        for stage in STAGE_NAMES.values()
    }
    labels = ["clean", "attacked through\nthe ConvNet", "attacked\nwhite-box"]
    return accuracy_bars(labels, series, chance=1 / compiled.model.config.num_classes)


def _grid(sets: dict[str, Tensor], scores: dict[str, Scores], labels: NDArray[np.int64]) -> bytes:
    """The first image of every class: clean, and both perturbations with what the QVC then says, ideally."""
    chosen = [int(np.flatnonzero(labels == k)[0]) for k in np.unique(labels)]
    clean = sets["clean"][chosen].numpy()
    rows = {"clean": clean}
    captions = {"clean": [f"is {labels[i]}" for i in chosen]}
    for name in ("transfer", "whitebox"):
        attacked = sets[name][chosen].numpy()
        rows[f"Δ {name}"], rows[name] = attacked - clean, attacked
        said = scores[name].ideal.argmax(axis=1)
        captions[name] = [f"read as {said[i]}" for i in chosen]
    return image_grid(rows, captions)


def _page(
    run: Run,
    request: DemoRequest,
    compiled: Compiled,
    rows: list[Row],
    convnet: list[Row],
    resources: list[Row],
    pictures: dict[str, bytes],
) -> Page:
    by_key = {(row["stage"], row["images"]): row["accuracy"] for row in rows}
    config, data = compiled.model.config, _data_sentence(compiled, request)
    lead = (
        f"On the noise model of {request.target} the classifier names {by_key['noisy', 'clean']:.0%} of the clean "
        f"images, {by_key['mitigated', 'clean']:.0%} after readout mitigation, and {by_key['ideal', 'clean']:.0%} "
        f"without noise. Images attacked through the ConvNet leave {by_key['ideal', 'transfer']:.0%} of the ideal "
        f"accuracy, a white-box attack of the same strength {by_key['ideal', 'whitebox']:.0%}."
    )
    attacks = (
        f"PGD with {request.steps} steps, at most {request.eps:g} a pixel (l∞, pixels in [0, 1]). “transfer”: made on "
        "the ConvNet, shown to the QVC. “whitebox”: made on the noiseless QVC. Intervals are 95 % Wilson intervals "
        "over the images; they do not include the shot noise of another run."
    )
    sections = [
        Section("Accuracy of the QVC", [data, attacks], rows, pictures["accuracy.png"], "Accuracy at every stage."),
        Section("The same images on the ConvNet", ["The network that the transfer attack was made on."], convnet),
        Section(
            "Images",
            picture=pictures["images.png"],
            caption="One image of each class, the two perturbations (blue adds light, red removes it) and the results.",
        ),
        Section(
            "Circuit resources",
            [
                f"{config.num_qubits} qubits, {config.num_layers} layers; exact {config.encoding} encoding, compiled "
                f"once for all images with recipe {request.recipe}. Gates of the encoding and of the ansatz together."
            ],
            resources,
        ),
        Section("Training", picture=pictures["learning_curves.png"], caption="Loss and accuracy of both models."),
    ]
    return Page("A QVC on a device model", lead, sections, _command(request), _environment(run))


def _data_sentence(compiled: Compiled, request: DemoRequest) -> str:
    config = compiled.model.config
    return (
        f"{request.images} test images of handwritten digits 0 to {config.num_classes - 1} (scikit-learn, 8×8 "
        f"pixels), amplitude-encoded on {config.num_qubits} qubits; class k is read from the Z of qubit k, so six "
        f"qubits can name six classes. {request.shots} shots an image."
    )


def _command(request: DemoRequest) -> str:
    options = [
        f"--{name.replace('_', '-')} {shlex.quote(str(value))}"
        for name, value in request
        if value != DemoRequest.model_fields[name].default
    ]
    return " ".join(["qaml demo", *options])


def _environment(run: Run) -> dict[str, object]:
    import json

    found = json.loads(run.read("environment.json") or b"{}")
    packages = ", ".join(f"{name} {number}" for name, number in found["packages"].items() if number)
    return {"Python": found["python"], "packages": packages, "commit": found["git_commit"] or "not a checkout"}
