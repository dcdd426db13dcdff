"""From parts as they were read to parts that a model sees: classes chosen, columns and pixels brought into form."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.datasets.classes import Binarise, Labelling, chosen_classes, parse_groups
from qaml_qiskit.datasets.files.format import TEST, TRAIN, VALIDATION
from qaml_qiskit.datasets.own import OwnData
from qaml_qiskit.datasets.pixels import Size
from qaml_qiskit.datasets.preparation import DataPreparation, is_table
from qaml_qiskit.datasets.sources import DataSource
from qaml_qiskit.datasets.spec import RawPart, RawSplit
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.formats import short


@dataclass(frozen=True)
class Asked:
    """What is to be done to data; see :func:`load_dataset`."""

    classes: Sequence[int | str] | None = None
    binarise: Binarise | None = None
    resize: Size | None = None
    grey: bool = False
    pca: int | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        """Refuse what is of another kind: the command line knows kinds from its options, Python does not."""
        groups = self.binarise.items() if isinstance(self.binarise, Mapping) else [("", self.binarise)]
        words = [word for name, members in groups for word in (name, *_listed(members))]
        for name, fits, expected in (
            ("classes", isinstance(self.classes, Iterable | None), "a list of classes"),
            ("binarise", all(isinstance(word, str) for word in words), "texts, or a mapping of texts to texts"),
            ("grey", isinstance(self.grey, bool), "True or False"),
            ("pca", _is_number(self.pca), "a whole number"),
            ("limit", _is_number(self.limit), "a whole number"),
        ):
            if not fits:
                raise ConfigurationError(
                    f"{name} does not fit",
                    got=short(getattr(self, name)),
                    expected=expected,
                    remedy=f"correct {name}, or leave it out",
                )

    def labelling(self, names: Sequence[str], dataset: str, *, numbered: bool) -> Labelling:
        """The choice of classes out of ``names``; see :func:`chosen_classes` and :func:`parse_groups`."""
        kept = None if self.classes is None else chosen_classes(self.classes, names, dataset, numbered=numbered)
        groups = () if self.binarise is None else parse_groups(self.binarise, kept or names, dataset)
        return Labelling(kept=kept, groups=groups)


def _listed(members: Any) -> Iterable[Any]:
    if members is None or isinstance(members, str):
        return () if members is None else (members,)
    return members if isinstance(members, Sequence) else (members,)


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | np.integer) and not isinstance(value, bool))


@dataclass(frozen=True)
class PreparedData:
    """Parts that a model sees.

    Attributes:
        name: of the data.
        class_names: of the labels.
        parts: images N×C×H×W and labels N of ``train``, ``test`` and perhaps ``validation``.
        preparation: what was done; None for nothing.
        classes: how the data call the classes.
        source: what own data were read from.
        notes: what a user should know.
    """

    name: str
    class_names: tuple[str, ...]
    parts: Mapping[str, tuple[NDArray[np.float32], NDArray[np.int64]]]
    preparation: DataPreparation | None
    classes: tuple[int | str, ...] = ()
    source: DataSource | None = None
    notes: tuple[str, ...] = ()


def prepared_named(name: str, raw: RawSplit, asked: Asked) -> PreparedData:
    """A data set that is known by name, prepared. Its classes are told by their numbers, groups of them by names.

    Raises:
        ConfigurationError: classes or steps that do not fit the data.
        InputError: a choice that leaves no image.
    """
    labelling = asked.labelling(raw.class_names, name, numbered=True)
    labelled = labelling.applied(raw, name)
    steps = DataPreparation(labels=labelling, resize=asked.resize, grey=asked.grey)
    if not labelling.groups:
        steps = steps.model_copy(update={"labels": Labelling()})
    found = _prepared(name, labelled, steps, asked)
    if labelling.groups:
        return replace(found, classes=labelled.class_names)
    numbers = tuple(raw.class_names.index(each) for each in labelled.class_names)
    done = None if found.preparation == DataPreparation() else found.preparation
    return replace(found, classes=numbers, preparation=done)


def prepared_own(data: OwnData, asked: Asked) -> PreparedData:
    """Own data, prepared. Their classes are told by names.

    Raises:
        ConfigurationError: classes or steps that do not fit the data.
        InputError: fewer than two classes, a class without rows in a part, or rows that cannot be used.
    """
    name, raw = data.name, data.raw()
    if len(raw.class_names) < 2:
        raise InputError(
            f"{name} has one class only",
            got=f"the label {raw.class_names[0]!r} in all rows",
            expected="at least two classes to tell apart",
            remedy="add rows of another class, or name another column of labels",
        )
    labelling = asked.labelling(raw.class_names, name, numbered=False)
    labelled = labelling.applied(raw, name)
    _check_present(labelled, name)
    header = data.source.header
    steps = DataPreparation(labels=labelling, resize=asked.resize, grey=asked.grey)
    found = _prepared(name, labelled, steps, asked, categorical=() if header is None else header.categorical)
    notes, classes = list(data.notes), labelled.class_names
    if labelling == Labelling() and classes != tuple(map(str, range(len(classes)))):
        shown = ", ".join(f"{each} is {label}" for label, each in enumerate(classes[:10]))
        notes.append(f"Labels: {shown}{', …' if len(classes) > 10 else ''}.")
    return replace(found, classes=classes, source=data.source, notes=(*notes, *found.notes))


def _prepared(
    name: str, raw: RawSplit, steps: DataPreparation, asked: Asked, categorical: Sequence[str] = ()
) -> PreparedData:
    """All parts, prepared as the training part says."""
    training, test = (_first(name, told, raw, part, asked.limit) for told, part in _told(raw))
    others = {TEST: test}
    if raw.validation is not None:
        others[VALIDATION] = _first(name, VALIDATION, raw, raw.validation, asked.limit)
    fitted, images = steps.fitted(training.values, categorical=categorical, pca=asked.pca, source=name)
    parts, notes = {TRAIN: (images, training.labels)}, list[str]()
    if fitted.columns is not None and fitted.columns.dropped:
        notes.append(f"Columns left out, the same in all training rows: {', '.join(fitted.columns.dropped)}.")
    notes += [] if fitted.columns is None else fitted.columns.doubts(categorical)
    for told, part in others.items():
        values = part.values
        if fitted.columns is not None and is_table(values):
            notes += [f"In the {told} part, {sentence}" for sentence in fitted.columns.unknown(values)]
        parts[told] = fitted.images(values, name), part.labels
    return PreparedData(name, raw.class_names, parts, fitted, notes=tuple(notes))


def _told(raw: RawSplit) -> tuple[tuple[str, RawPart], tuple[str, RawPart]]:
    """The parts that all data have, as they are called in sentences."""
    return ("training", raw.train), (TEST, raw.test)


def _check_present(raw: RawSplit, name: str) -> None:
    for told, part in _told(raw):
        present = np.bincount(part.labels, minlength=len(raw.class_names)) > 0
        missing = [each for each, there in zip(raw.class_names, present, strict=True) if not there]
        if missing:
            more = f", nor of {len(missing) - 1} more" if len(missing) > 1 else ""
            raise InputError(
                f"a class of {name} is missing in its {told} part",
                got=f"no row of the class {missing[0]!r} there{more}",
                expected="rows of every class in both parts",
                remedy="leave it out with --classes, or take it together with others by --binarise",
            )


def _first(name: str, told: str, raw: RawSplit, part: RawPart, limit: int | None) -> RawPart:
    chosen = part.take(np.arange(len(part.labels))[:limit])
    if len(chosen.labels) == 0:
        raise InputError(
            f"cannot load {name!r}",
            got=f"no image in the {told} part",
            expected=f"images of the classes {', '.join(raw.class_names)}",
            remedy="choose other classes, or check the files with `qaml data verify`",
        )
    return chosen
