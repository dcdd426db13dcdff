"""Train a model on a data set, resumably: the work behind ``qaml train``."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import torch
from torch import Tensor

from qaml_qiskit.artifacts.outcome import Outcome, Row
from qaml_qiskit.artifacts.run import Run, open_run
from qaml_qiskit.compute import DEFAULT_COMPUTE, Compute
from qaml_qiskit.datasets import Dataset, load_dataset, validation_split
from qaml_qiskit.errors import InputError, PartialResultError
from qaml_qiskit.evaluation import accuracy
from qaml_qiskit.files import delete
from qaml_qiskit.formats import damaged, npz
from qaml_qiskit.models import (
    OBJECTIVES,
    WEIGHTS_FILE,
    DataCard,
    EpochRecord,
    Model,
    ModelCard,
    ModelConfig,
    Objective,
    Trainer,
    TrainingConfig,
    TrainingState,
    build_model,
    check_size,
    dump_state,
    load_model,
    load_state,
    model_files,
    parse_config,
    predict,
)
from qaml_qiskit.progress import Progress, Silent, Stopping, never
from qaml_qiskit.reports import Report, learning_curves, to_csv
from qaml_qiskit.reports.pages import command_line
from qaml_qiskit.simulation import computing
from qaml_qiskit.text import printable
from qaml_qiskit.workflows.train.encoded import encoded, forget_encoded
from qaml_qiskit.workflows.train.request import TrainRequest

CHECKPOINT_FILE = "checkpoint.safetensors"
HISTORY_FILE = "learning_curve.csv"
#: Besides the end of every epoch, a checkpoint is written when this many seconds have passed since the last.
CHECKPOINT_SECONDS = 30.0


@dataclass(frozen=True)
class Data:
    """Training, validation and test images of a request, with the labels of the kept classes in the data set."""

    train: Dataset
    validation: Dataset
    test: Dataset
    card: DataCard

    def for_fitting(self) -> tuple[tuple[str, Dataset], tuple[str, Dataset]]:
        """The two parts that a training sees, by name."""
        return ("train", self.train), ("validation", self.validation)


def train(
    request: TrainRequest,
    *,
    out: Path | None = None,
    data_dir: Path | None = None,
    progress: Progress | None = None,
    stopping: Stopping = never,
    compute: Compute = DEFAULT_COMPUTE,
) -> Outcome:
    """Train, test on the whole test set, and write the run.

    Args:
        request: what to train.
        out: the run folder; an unfinished run of the same request is continued.
        data_dir: where the data sets are.
        progress: told about every step.
        stopping: listens for requests to stop while training; a checkpoint is written then.
        compute: what the training is computed with. The weights are stored in single precision, and tested as stored.

    Raises:
        PartialResultError: stopped; the same call continues (exit code 6).
        QamlError: the request cannot be served; nothing was written.
    """
    request = request.resolved()
    data = load_data(request, data_dir)
    config = model_config(request, data.train)
    chosen = compute.document()
    resolved = {"resolved": {"compute": chosen}} if chosen else {}
    with computing(compute), open_run("train", {**request.model_dump(mode="json"), **resolved}, out) as run:
        if run.complete:
            return Outcome("train", run, run.metrics()["results"])
        model = fit(request, config, data, run, progress or Silent(), stopping, compute=compute)
        history = read_history(run)
        tested = _test(model, data.test, run, progress or Silent())
        _write_report(run, request, history, tested)
        return Outcome("train", run, [*history, tested])


def load_data(request: TrainRequest, data_dir: Path | None) -> Data:
    """Load the data set and set aside the validation images."""
    split = load_dataset(request.dataset, data_dir=data_dir, classes=request.classes)
    whole = split.train
    if request.train_images is not None:
        if request.train_images > len(whole):
            raise InputError(
                "not enough training images",
                got=f"a request for {request.train_images}",
                expected=f"at most {len(whole)} in {request.dataset} with these classes",
                remedy="ask for fewer images",
            )
        chosen = np.random.default_rng(request.seed).permutation(len(whole))[: request.train_images]
        whole = whole.take(np.sort(chosen))
    train_part, validation_part = validation_split(whole, request.validation, request.seed)
    classes = request.classes if request.classes is not None else range(whole.num_classes)
    return Data(train_part, validation_part, split.test, DataCard(dataset=request.dataset, classes=tuple(classes)))


def model_config(request: TrainRequest, data: Dataset) -> ModelConfig:
    """The architecture that a request asks for on these images.

    Raises:
        ConfigurationError: an architecture that does not exist, or that does not fit into the memory.
    """
    values: dict[str, Any] = {
        "kind": request.model,
        "image_shape": data.image_shape,
        "num_classes": data.num_classes,
    }
    if request.model in ("qvc", "quadratic"):
        values["logit_scale"] = request.logit_scale
        if request.init_std is not None:
            values["init_std"] = request.init_std
    if request.model == "qvc":
        values["num_layers"] = request.layers
        for name in ("ansatz", "encoding", "encoding_layers", "pixel_order"):
            values[name] = getattr(request, name)
    config = parse_config(values)
    check_size(config.memory)
    return config


def fit(
    request: TrainRequest,
    config: ModelConfig,
    data: Data,
    run: Run,
    progress: Progress,
    stopping: Stopping,
    folder: str = "",
    compute: Compute = DEFAULT_COMPUTE,
) -> Model:
    """Train a model with checkpoints in a run, and store it there; a model that the run has already is read back.

    Args:
        request: how to train.
        config: what to train.
        data: on what.
        run: where checkpoints, the learning history and the model go.
        progress: told about every step.
        stopping: listens for requests to stop.
        folder: prefix of the files' names in the run, such as ``"qvc/"``.
        compute: where the model is trained, and in which precision.

    Raises:
        PartialResultError: stopped; a checkpoint is written.
    """
    if (run.path / folder / WEIGHTS_FILE).is_file():
        _forget(run, folder)
        return load_model(run.path / folder).model
    model = compute.placed(build_model(config, request.seed))
    state = _read_checkpoint(run, folder)
    parts = [encoded(model, tensors(part), run, f"{folder}{name}", progress) for name, part in data.for_fitting()]
    objective = _objective(request)
    settings = TrainingConfig(**request.model_dump(include=set(TrainingConfig.model_fields)))
    placed = [(compute.placed(images), labels) for images, labels in parts]
    trainer = Trainer(model, placed[0], placed[1], settings, state, objective)
    checkpoint = _Checkpoint(run, folder, trainer)
    steps = trainer.steps_per_epoch
    done = trainer.state.epoch * steps + trainer.state.step
    with stopping() as should_stop, progress.task(f"training {request.model}", request.epochs * steps, done) as advance:

        def on_step(state: TrainingState) -> None:
            advance(1, f"loss {state.loss_sum / state.seen:.3f}, accuracy {state.correct / state.seen:.3f}")
            checkpoint.write_if_due()

        def on_epoch(record: EpochRecord) -> None:
            checkpoint.write()

        if not trainer.run(on_step=on_step, on_epoch=on_epoch, should_stop=should_stop):
            checkpoint.write()
            raise PartialResultError(
                "training was stopped",
                got=f"{trainer.state.epoch} of {request.epochs} epochs in {run.path}",
                expected="all epochs",
                remedy="run the same command again to continue where it stopped",
            )
    run.write(folder + HISTORY_FILE, to_csv([asdict(record) for record in trainer.state.history]))
    model = DEFAULT_COMPUTE.placed(model)
    # The weights come last: where they are, the training is finished.
    card = ModelCard(model=config, data=data.card, objective=objective.card)
    for name, content in model_files(model, card).items():
        run.write(folder + name, content)
    _forget(run, folder)
    return model.eval()


def _forget(run: Run, folder: str) -> None:
    """Delete what only an unfinished training needs."""
    delete(run.path / folder / CHECKPOINT_FILE)
    forget_encoded(run)


def read_history(run: Run, folder: str = "") -> list[Row]:
    """The learning history that :func:`fit` wrote, a row an epoch.

    Raises:
        DamagedFileError: the file is missing or damaged.
    """
    names = [field.name for field in fields(EpochRecord)]
    try:
        lines = (run.read(folder + HISTORY_FILE) or b"").decode().splitlines()
        if lines[:1] != [",".join(names)] or not lines[1:]:
            raise ValueError("no learning history" if lines else "an empty file")
        rows = [dict(zip(names, map(float, line.split(",")), strict=True)) for line in lines[1:]]
        return [{**row, "epoch": int(row["epoch"])} for row in rows]
    except ValueError as error:
        raise damaged(
            str(run.path / folder / HISTORY_FILE),
            printable(str(error)),
            f"a row an epoch with {', '.join(names)}",
            f"restore the file, or delete {WEIGHTS_FILE} beside it to train again",
        ) from error


def tensors(data: Dataset) -> tuple[Tensor, Tensor]:
    """Images and labels as torch tensors."""
    return torch.from_numpy(data.images), torch.from_numpy(data.labels)


def _test(model: Model, test: Dataset, run: Run, progress: Progress) -> Row:
    """The accuracy on the whole test set; writes the predictions."""
    images, _ = encoded(model, tensors(test), run, "test", progress)
    logits = predict(model, images).numpy()
    run.write("predictions.npz", npz(logits=logits, labels=test.labels, indices=np.arange(len(test))))
    forget_encoded(run)
    result = accuracy(logits, test.labels)
    return {"test_accuracy": result.value, "interval": list(result.interval), "images": result.trials}


def _write_report(run: Run, request: TrainRequest, history: list[Row], tested: Row) -> None:
    low, high = tested["interval"]
    lead = (
        f"The {request.model} names {tested['test_accuracy']:.1%} of the {tested['images']} test images of "
        f"{request.dataset} (95 % interval {low:.1%} to {high:.1%}). The weights are those of the epoch with the "
        "lowest loss on validation images; the test images were used once, at the end."
    )
    curve = learning_curves({request.model: history})
    options = [{"option": name, "value": str(value)} for name, value in request]
    report = Report(run, command_line(run.config, request), f"Training a {request.model} on {request.dataset}")
    report.table("Test", [tested])
    report.picture("learning_curve.png", curve, "Loss and accuracy after every epoch.", "Learning curve")
    report.table("Configuration", options)
    report.finish(lead, [*history, tested], **tested)


def _objective(request: TrainRequest) -> Objective:
    if not request.train_noise and request.train_shots is None:
        return OBJECTIVES["clean"]()
    noise = {"depolarizing": request.train_noise, "shots": request.train_shots, "draws": request.train_draws}
    return OBJECTIVES["noise-aware"].model_validate(noise)


class _Checkpoint:
    """Writes a trainer's state now and then."""

    def __init__(self, run: Run, folder: str, trainer: Trainer) -> None:
        self._run, self._name, self._trainer = run, folder + CHECKPOINT_FILE, trainer
        self._last = monotonic()

    def write_if_due(self) -> None:
        if monotonic() - self._last >= CHECKPOINT_SECONDS:
            self.write()

    def write(self) -> None:
        self._run.write(self._name, dump_state(self._trainer.snapshot(), self._run.mark(self._name)))
        self._last = monotonic()


def _read_checkpoint(run: Run, folder: str) -> TrainingState | None:
    name = folder + CHECKPOINT_FILE
    content = run.read(name)
    return None if content is None else load_state(content, run.mark(name), str(run.path / name))
