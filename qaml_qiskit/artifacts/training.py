"""A training kept in a run: checkpoints while it goes on, then its history and the model."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from time import monotonic

import numpy as np
import torch
from torch import Tensor

from qaml_qiskit.artifacts.encoded import encoded, forget_encoded
from qaml_qiskit.artifacts.run import CONFIG_FILE, Run
from qaml_qiskit.compute import DEFAULT_COMPUTE, Compute
from qaml_qiskit.confidence import Temperature, fit_temperature
from qaml_qiskit.datasets import Dataset, HeldOut
from qaml_qiskit.errors import PartialResultError, QamlError
from qaml_qiskit.files import delete
from qaml_qiskit.formats import damaged, read_bytes, yaml_of
from qaml_qiskit.models import (
    WEIGHTS_FILE,
    DataCard,
    EpochRecord,
    Model,
    ModelCard,
    ModelConfig,
    Objective,
    StoredModel,
    SubstituteCard,
    Trainer,
    TrainingConfig,
    TrainingState,
    build_model,
    dump_state,
    load_model,
    load_state,
    model_files,
    predict,
)
from qaml_qiskit.progress import Progress, Stopping, never
from qaml_qiskit.text import printable

CHECKPOINT_FILE = "checkpoint.safetensors"
HISTORY_FILE = "learning_curve.csv"
#: Besides the end of every epoch, a checkpoint is written when this many seconds have passed since the last.
CHECKPOINT_SECONDS = 30.0
_COLUMNS = [field.name for field in fields(EpochRecord)]
#: Only where the objective chooses the epoch by them.
_ROBUST = ("robust_loss", "robust_accuracy")


@dataclass(frozen=True)
class TrainingData:
    """Training, validation and test images.

    Attributes:
        train: images to learn from.
        validation: images that choose the epoch.
        test: images to measure on.
        card: what is said of them.
        notes: what a user should know of how they were read.
        substitute: whose answers the labels are, where they are a victim's.
        held_out: how the validation images were chosen; None where they are no images that were set aside.
    """

    train: Dataset
    validation: Dataset
    test: Dataset
    card: DataCard
    notes: tuple[str, ...] = ()
    substitute: SubstituteCard | None = None
    held_out: HeldOut | None = None

    def for_fitting(self) -> tuple[tuple[str, Dataset], tuple[str, Dataset]]:
        """The two parts that a training sees, by name."""
        return ("train", self.train), ("validation", self.validation)


def fit(
    config: ModelConfig,
    training: TrainingConfig,
    objective: Objective,
    data: TrainingData,
    run: Run,
    progress: Progress,
    stopping: Stopping = never,
    folder: str = "",
    compute: Compute = DEFAULT_COMPUTE,
) -> StoredModel:
    """Train a model with checkpoints in a run, and store it there; a model that the run has already is read back.

    Args:
        config: what to train.
        training: how to train it; its seed is that of the first weights, too.
        objective: what it minimises.
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
        return load_model(run.path / folder)
    model = compute.placed(build_model(config, training.seed))
    state = _read_checkpoint(run, folder)
    parts = [
        tensors(part) if objective.changes_images else encoded(model, tensors(part), run, f"{folder}{name}", progress)
        for name, part in data.for_fitting()
    ]
    placed = [(compute.placed(images), labels) for images, labels in parts]
    trainer = Trainer(model, placed[0], placed[1], training, state, objective)
    checkpoint = _Checkpoint(run, folder, trainer)
    steps = trainer.steps_per_epoch
    done = trainer.state.epoch * steps + trainer.state.step
    with stopping() as should_stop, progress.task(f"training {config.kind}", training.epochs * steps, done) as advance:

        def on_step(state: TrainingState) -> None:
            advance(1, f"loss {state.loss_sum / state.seen:.3f}, accuracy {state.correct / state.seen:.3f}")
            checkpoint.write_if_due()

        def on_epoch(record: EpochRecord) -> None:
            checkpoint.write()

        if not trainer.run(on_step=on_step, on_epoch=on_epoch, should_stop=should_stop):
            checkpoint.write()
            raise PartialResultError(
                "training was stopped",
                got=f"{trainer.state.epoch} of {training.epochs} epochs in {run.path}",
                expected="all epochs",
                remedy="run the same command again to continue where it stopped",
            )
    run.write(folder + HISTORY_FILE, _history(trainer.state.history))
    model = DEFAULT_COMPUTE.placed(model)
    # The weights come last: where they are, the training is finished.
    card = ModelCard(
        model=config,
        data=data.card,
        objective=objective.card,
        substitute=data.substitute,
        held_out=data.held_out,
        temperature=None if data.held_out is None else _temperature(model.eval(), *parts[1]),
    )
    for name, content in model_files(model, card).items():
        run.write(folder + name, content)
    _forget(run, folder)
    return StoredModel(model.eval(), card)


def _temperature(model: Model, images: Tensor, labels: Tensor) -> Temperature | None:
    """By the validation images; None where the model says no numbers, as one that diverged."""
    logits = predict(model, images).numpy()
    return fit_temperature(logits, labels.numpy()) if np.isfinite(logits).all() else None


def _history(records: Sequence[EpochRecord]) -> str:
    columns = _COLUMNS[: len(_COLUMNS) if records[0].robust_loss is not None else -len(_ROBUST)]
    lines = [columns, *([str(getattr(record, name)) for name in columns] for record in records)]
    return "".join(",".join(line) + "\n" for line in lines)


def recorded_held_out(folder: Path) -> HeldOut | None:
    """What a training set aside, by the configuration of its run; None where the folder is no run of a training.

    For models of versions that did not write it into the card.
    """
    file = folder / CONFIG_FILE
    if not file.is_file():
        return None
    try:
        said = yaml_of(read_bytes(file), str(file))
        if said["command"] != "train":
            return None
        return HeldOut(
            fraction=said["validation"],
            seed=said["seed"],
            train_images=said["train_images"],
            train_seed=said["seed"],
        )
    except (QamlError, KeyError, TypeError, ValueError):
        # A damaged record is as good as none: whoever needs it is told that there is none.
        return None


def read_history(run: Run, folder: str = "") -> list[dict[str, float]]:
    """The learning history that :func:`fit` wrote, a row an epoch.

    Raises:
        DamagedFileError: the file is missing or damaged.
    """
    try:
        lines = (run.read(folder + HISTORY_FILE) or b"").decode().splitlines()
        columns = lines[0].split(",") if lines else []
        if columns not in (_COLUMNS, _COLUMNS[: -len(_ROBUST)]) or not lines[1:]:
            raise ValueError("no learning history" if lines else "an empty file")
        rows = [dict(zip(columns, map(float, line.split(",")), strict=True)) for line in lines[1:]]
        return [{**row, "epoch": int(row["epoch"])} for row in rows]
    except ValueError as error:
        raise damaged(
            str(run.path / folder / HISTORY_FILE),
            printable(str(error)),
            f"a row an epoch with {', '.join(_COLUMNS)}",
            f"restore the file, or delete {WEIGHTS_FILE} beside it to train again",
        ) from error


def tensors(data: Dataset) -> tuple[Tensor, Tensor]:
    """Images and labels as torch tensors."""
    return torch.from_numpy(data.images), torch.from_numpy(data.labels)


def _forget(run: Run, folder: str) -> None:
    """Delete what only an unfinished training needs."""
    delete(run.path / folder / CHECKPOINT_FILE)
    forget_encoded(run)


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
