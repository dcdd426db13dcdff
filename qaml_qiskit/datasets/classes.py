"""Which classes of a data set to keep, and under which labels."""

import operator
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.datasets.spec import RawPart, RawSplit
from qaml_qiskit.errors import ConfigurationError, perhaps


def select_classes(raw: RawSplit, classes: Sequence[int | str], *, dataset: str) -> RawSplit:
    """Keep only some classes; the k-th class of the selection gets label k and keeps its name.

    Args:
        raw: the whole data set.
        classes: at least two different classes, each as its name or as its label (an integer, or its digits).
        dataset: the data set's name, for messages.

    Raises:
        ConfigurationError: an unknown class, the same class twice, or fewer than two classes.
    """
    if isinstance(classes, str):
        raise _refused(dataset, repr(classes), "a list of classes", f"write [{classes!r}, …] instead of a single text")
    chosen = tuple(_label_of(entry, raw.class_names, dataset) for entry in classes)
    if len(set(chosen)) < len(chosen):
        raise _refused(dataset, list(classes), "different classes", "name every class once")
    if len(chosen) < 2:
        raise _refused(dataset, list(classes), "at least two classes", "name the classes to tell apart")
    names = tuple(raw.class_names[label] for label in chosen)
    return RawSplit(names, _keep(raw.train, chosen), _keep(raw.test, chosen))


def take_positions(part: RawPart, positions: NDArray[np.intp]) -> RawPart:
    """Return the part that holds only the images at these positions, in this order."""
    return RawPart(part.labels[positions], lambda later: part.read(positions[later]))


def _keep(part: RawPart, chosen: tuple[int, ...]) -> RawPart:
    kept = take_positions(part, np.flatnonzero(np.isin(part.labels, chosen)))
    # A table from old labels to new ones; the labels that are dropped are never looked up.
    relabelled = np.zeros(max(chosen) + 1, dtype=np.int64)
    relabelled[list(chosen)] = np.arange(len(chosen))
    return RawPart(relabelled[kept.labels], kept.read)


def _label_of(entry: int | str, class_names: tuple[str, ...], dataset: str) -> int:
    known = ", ".join(f"{label} {name}" if name != str(label) else name for label, name in enumerate(class_names))
    if isinstance(entry, str):
        if entry in class_names:
            return class_names.index(entry)
        if not (entry.isascii() and entry.isdigit()):
            remedy = perhaps(entry, class_names, "choose one of these", count=1, shown=repr)
            raise _refused(dataset, repr(entry), f"one of: {known}", remedy)
        entry = int(entry)
    try:
        # An index of True or 1.0 is a slip, not a class.
        label = -1 if isinstance(entry, bool) else operator.index(entry)
    except TypeError:
        label = -1
    if not 0 <= label < len(class_names):
        raise _refused(dataset, repr(entry), f"one of: {known}", "choose one of these")
    return label


def _refused(dataset: str, got: object, expected: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(f"cannot select classes of {dataset!r}", got=got, expected=expected, remedy=remedy)
