"""Data for a model that was trained: its test part once more, and other rows that are brought into the same form."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.datasets.base import Dataset
from qaml_qiskit.datasets.classes import Labelling
from qaml_qiskit.datasets.files.format import FilePart, TableOptions
from qaml_qiskit.datasets.given import given_test
from qaml_qiskit.datasets.loading import read_named
from qaml_qiskit.datasets.own import read_rows, read_test
from qaml_qiskit.datasets.preparation import DataPreparation, is_table
from qaml_qiskit.datasets.sources import DataSource
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
        return given_test(source)
    if source is not None:
        return _prepared(dataset, read_test(source, data_dir), classes, steps)[0]
    raw = read_named(dataset, data_dir)
    labelling = steps.labels
    if not labelling.groups:
        labelling = Labelling(kept=tuple(raw.class_names[int(number)] for number in classes))
    chosen = labelling.applied(raw, dataset)
    return Dataset(dataset, steps.images(chosen.test.values, dataset), chosen.test.labels, chosen.class_names)


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
    options = TableOptions() if source is None else source.options
    return _prepared(path.name, read_rows(path, options), classes, preparation or DataPreparation())


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
