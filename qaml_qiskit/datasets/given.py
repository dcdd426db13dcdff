"""Data that were given to this process in place of a name: what their card may say, and where they are kept."""

import hashlib
from dataclasses import replace

import numpy as np

from qaml_qiskit.datasets.base import Dataset, Split
from qaml_qiskit.datasets.files.format import TEST, TRAIN, VALIDATION, TableOptions
from qaml_qiskit.datasets.loading import load_dataset
from qaml_qiskit.datasets.memory import content
from qaml_qiskit.datasets.references import GIVEN
from qaml_qiskit.datasets.sources import DataFile, DataSource
from qaml_qiskit.errors import InputError, QamlError


def named_by_content(split: Split) -> Split:
    """The same data with themselves as their source, whatever they came from; their classes are told by names.

    How the rows of a table were read, and what was done to them, stays as it is said.
    """
    sizes = {name: len(part) for name, part in _parts(split).items()}
    file = DataFile(path="", sha256=_content(split))
    if split.source is None:
        source = DataSource(data=file, parts=sizes)
    elif split.source.data.path:
        source = split.source.model_copy(update={"data": file, "test": None, "parts": sizes, "seed": None})
    else:
        source = split.source.model_copy(update={"data": file})
    return replace(split, classes=split.train.class_names, source=source, loaded=None)


def keep_given(split: Split) -> str:
    """Keep data for as long as this process lives.

    What was loaded keeps its source; what was not, or is not what was loaded any more, is named by its content.

    Returns:
        The name under which :func:`load_dataset` gives them.
    """
    held = split if _is_as_loaded(split) else named_by_content(split)
    source = held.source
    if source is not None and not source.data.path:
        name = _name(source)
    else:
        told = f"{_content(held)} {None if source is None else source.model_dump_json()}"
        name = f"data-{hashlib.sha256(told.encode()).hexdigest()[:12]}"
    if name not in GIVEN:
        GIVEN.register(name, held, told="given to this process")
    return name


def given_split(source: DataSource) -> Split:
    """Data that are named by their content.

    Raises:
        InputError: this process does not have them.
    """
    name = _name(source)
    if name not in GIVEN:
        raise InputError(
            "this model was trained on data of a Python process",
            got="a request for images of its test set, which went with the process",
            expected="images in a file",
            remedy="give --images FILE; in Python, images=(images, labels)",
        )
    return GIVEN[name]


def same_part(first: Dataset | None, second: Dataset | None) -> bool:
    """Whether two parts have the same images, labels and classes."""
    if first is None or second is None:
        return first is second
    return (
        first.class_names == second.class_names
        and np.array_equal(first.images, second.images)
        and np.array_equal(first.labels, second.labels)
    )


def _is_as_loaded(split: Split) -> bool:
    """Whether a model's card leads from what it says of these data to their test part."""
    # An attribute is in no card.
    if split.loaded is None or split.loaded["attribute"] is not None:
        return False
    try:
        again = load_dataset(**{**split.loaded, "download": False})
    except QamlError:
        return False
    told = (split.classes, split.source, split.preparation)
    return same_part(split.test, again.test) and told == (again.classes, again.source, again.preparation)


def _name(source: DataSource) -> str:
    return f"data-{source.data.sha256[:12]}"


def _parts(split: Split) -> dict[str, Dataset]:
    found = {TRAIN: split.train, VALIDATION: split.validation, TEST: split.test}
    return {name: part for name, part in found.items() if part is not None}


def _content(split: Split) -> str:
    options = TableOptions() if split.source is None else split.source.options
    arrays = {name: (part.images, part.labels) for name, part in _parts(split).items()}
    return content(split.train.class_names, split.preparation, options, arrays)
