"""Data for a model that was trained: its test part once more, and other rows that are brought into the same form."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.datasets.base import Dataset, Split
from qaml_qiskit.datasets.classes import Labelling
from qaml_qiskit.datasets.files.format import TRAIN, VALIDATION, FilePart, TableOptions
from qaml_qiskit.datasets.given import given_split
from qaml_qiskit.datasets.loading import read_named
from qaml_qiskit.datasets.own import read_rows, read_test, read_training
from qaml_qiskit.datasets.preparation import DataPreparation, is_table
from qaml_qiskit.datasets.sources import DataSource
from qaml_qiskit.datasets.spec import RawPart, RawSplit
from qaml_qiskit.errors import InputError


def load_test(
    dataset: str,
    classes: Sequence[int | str],
    source: DataSource | None,
    preparation: DataPreparation | None,
    data_dir: Path | None,
) -> Dataset:
    """The test part that belongs to a model; the arguments are the fields of its card.

    Raises:
        ConfigurationError: the data are not known, or not there any more.
        InputError: they have changed, or cannot be read.
    """
    steps = preparation or DataPreparation()
    if source is not None and not source.data.path:
        return given_split(source).test
    if source is not None:
        return _prepared(dataset, read_test(source, data_dir), classes, steps)[0]
    chosen = _named(dataset, classes, steps, data_dir)
    return _part(dataset, chosen.test, chosen, steps)


def load_split(
    dataset: str,
    classes: Sequence[int | str],
    source: DataSource | None,
    preparation: DataPreparation | None,
    data_dir: Path | None,
) -> Split:
    """All parts that belong to a model, prepared as they were for its training; as :func:`load_test`."""
    steps = preparation or DataPreparation()
    if source is not None and not source.data.path:
        return given_split(source)
    test = load_test(dataset, classes, source, preparation, data_dir)
    if source is not None:
        read = read_training(source, data_dir)
        found = {name: _prepared(dataset, part, classes, steps)[0] for name, part in read.items()}
    else:
        chosen = _named(dataset, classes, steps, data_dir)
        raw = {TRAIN: chosen.train, VALIDATION: chosen.validation}
        found = {name: _part(dataset, part, chosen, steps) for name, part in raw.items() if part is not None}
    return Split(
        train=found[TRAIN],
        test=test,
        validation=found.get(VALIDATION),
        classes=tuple(classes),
        source=source,
        preparation=preparation,
    )


def _named(dataset: str, classes: Sequence[int | str], steps: DataPreparation, data_dir: Path | None) -> RawSplit:
    """The parts of a data set that is known by name, with a model's classes."""
    raw = read_named(dataset, data_dir)
    labelling = steps.labels
    if not labelling.groups:
        labelling = Labelling(kept=tuple(raw.class_names[int(number)] for number in classes))
    return labelling.applied(raw, dataset)


def _part(dataset: str, part: RawPart, chosen: RawSplit, steps: DataPreparation) -> Dataset:
    return Dataset(dataset, steps.images(part.values, dataset), part.labels, chosen.class_names)


def load_rows(
    path: Path, classes: Sequence[int | str], source: DataSource | None, preparation: DataPreparation | None
) -> tuple[Dataset, NDArray[np.int64], tuple[str, ...]]:
    """Rows of a file that is not a model's data, prepared as those were.

    Args:
        path: a file or folder; where it has a training and a test part, the test part is taken.
        classes: of the model.
        source: how the model's data were read.
        preparation: what was done to them.

    Returns:
        The rows, their positions in the file, and what a user should know of them.

    Raises:
        ConfigurationError: a class that the model does not have.
        InputError: a file that cannot be read, or rows of another kind.
    """
    options = replace(TableOptions() if source is None else source.options, later=True)
    return _prepared(path.name, read_rows(path, options), classes, preparation or DataPreparation())


def load_foreign(dataset: str, preparation: DataPreparation | None, data_dir: Path | None) -> NDArray[np.float32]:
    """The images of another data set's test part, of all its classes, prepared as a model's own were.

    Args:
        dataset: its name.
        preparation: what was done to the model's data.
        data_dir: where the data sets are.

    Raises:
        ConfigurationError: they are not there.
        InputError: they cannot be prepared so.
    """
    return (preparation or DataPreparation()).images(read_named(dataset, data_dir).test.values, dataset)


def _prepared(
    name: str, part: FilePart, classes: Sequence[int | str], steps: DataPreparation
) -> tuple[Dataset, NDArray[np.int64], tuple[str, ...]]:
    names, which = np.unique(part.labels, return_inverse=True)
    class_names = tuple(map(str, classes))
    labels = steps.labels.numbers(names.tolist(), class_names, name)[which]
    kept = np.flatnonzero(labels >= 0)
    if not kept.size:
        raise InputError(
            f"{name} has no images for this model",
            got=f"rows of the classes {', '.join(names.tolist()[:20])}",
            expected=f"some of the classes {', '.join(class_names)}",
            remedy="give a file with rows of these classes",
        )
    notes = []
    if len(kept) < len(labels):
        notes.append(f"Left out of {name}: rows of classes that the model does not have, {len(labels) - len(kept)}.")
    values = part.take(kept).values
    if steps.columns is not None and is_table(values):
        notes += [f"In {name}, {sentence}" for sentence in steps.columns.unknown(values)]
    images = steps.images(values, name)
    return Dataset(name, images, labels[kept], class_names), kept.astype(np.int64), tuple(notes)
