"""Which classes of a data set to keep, which to take together, and under which labels."""

import operator
from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from qaml_qiskit.datasets.spec import RawPart, RawSplit
from qaml_qiskit.errors import ConfigurationError, perhaps

_STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
#: Stands for all classes that no other group has.
REST = "*"
#: How two groups are asked for: a mapping in Python, words as on the command line anywhere.
Binarise = str | Sequence[str] | Mapping[str, str | Sequence[str]]


class Group(BaseModel):
    """Classes that are taken together.

    Attributes:
        name: of the class that they become.
        members: names of classes; ``*`` alone for all that no other group has.
    """

    model_config = _STRICT

    name: str
    members: tuple[str, ...]


class Labelling(BaseModel):
    """From the names of classes as the data have them to labels.

    Attributes:
        kept: the classes that are used, where that is a choice.
        groups: what they are taken together to, in the order of the labels; none where each is its own.
    """

    model_config = _STRICT

    kept: Annotated[tuple[str, ...] | None, Field(exclude_if=lambda kept: kept is None)] = None
    groups: Annotated[tuple[Group, ...], Field(exclude_if=lambda groups: not groups)] = ()

    def classes(self, names: Sequence[str]) -> tuple[str, ...]:
        """The names of the labels, where the data have the classes ``names``."""
        if self.groups:
            return tuple(group.name for group in self.groups)
        return tuple(names) if self.kept is None else self.kept

    def applied(self, raw: RawSplit, dataset: str) -> RawSplit:
        """Parts with these labels; the images of classes that are left out are never read.

        Raises:
            ConfigurationError: a class that is not there.
        """
        if self == Labelling():
            return raw
        classes = self.classes(raw.class_names)
        numbers = self.numbers(raw.class_names, classes, dataset)

        def relabelled(part: RawPart) -> RawPart:
            kept = part.take(np.flatnonzero(numbers[part.labels] >= 0))
            return RawPart(numbers[kept.labels], kept.read)

        validation = None if raw.validation is None else relabelled(raw.validation)
        return RawSplit(classes, relabelled(raw.train), relabelled(raw.test), validation)

    def numbers(self, names: Sequence[str], classes: Sequence[str], source: str) -> NDArray[np.int64]:
        """The label of each name; −1 for one that is left out.

        Args:
            names: as the data have them.
            classes: the names of the labels.
            source: the data, for messages.

        Raises:
            ConfigurationError: a name that is no class, and was not left out by choice.
        """
        return np.array([self._number(name, classes, source) for name in names], dtype=np.int64)

    def _number(self, name: str, classes: Sequence[str], source: str) -> int:
        if self.kept is not None and name not in self.kept:
            return -1
        if self.groups:
            of_its_own = [number for number, group in enumerate(self.groups) if name in group.members]
            rest = [number for number, group in enumerate(self.groups) if group.members == (REST,)]
            return (of_its_own or rest or [-1])[0]
        if name not in classes:
            raise _refused(source, repr(name), f"one of: {', '.join(classes)}", "give rows of these classes alone")
        return list(classes).index(name)


def chosen_classes(
    entries: Sequence[int | str], names: Sequence[str], dataset: str, *, numbered: bool
) -> tuple[str, ...]:
    """The names of the classes to keep; the k-th gets label k.

    Args:
        entries: at least two different classes, each as its name or as its label (an integer, or its digits).
        names: all classes of the data set.
        dataset: its name, for messages.
        numbered: whether an integer is a position among the names; otherwise it is a name itself.

    Raises:
        ConfigurationError: an unknown class, the same class twice, or fewer than two classes.
    """
    if isinstance(entries, str):
        raise _refused(dataset, repr(entries), "a list of classes", f"write [{entries!r}, …] instead of a single text")
    chosen = tuple(_name_of(entry, names, dataset, numbered=numbered) for entry in entries)
    if len(set(chosen)) < len(chosen):
        raise _refused(dataset, list(entries), "different classes", "name every class once")
    if len(chosen) < 2:
        raise _refused(dataset, list(entries), "at least two classes", "name the classes to tell apart")
    return chosen


def parse_groups(asked: Binarise, names: Sequence[str], dataset: str) -> tuple[Group, ...]:
    """Two groups from ``NAME=CLASS,CLASS``, ``NAME=*`` or ``CLASS``, which is short for ``CLASS=CLASS``.

    A single group gets label 1, and all other classes label 0 under the name ``not NAME``. Of two groups the first gets
    label 0; what is in neither is left out.

    Args:
        asked: a text, words of which those without ``=`` belong to the group before, or groups with their members.
        names: all classes that there are.
        dataset: the data set's name, for messages.

    Raises:
        ConfigurationError: no group or more than two, a class that is not there or in both, or two rests.
    """
    groups = [Group(name=name, members=members) for name, members in _groups_of(asked)]
    if len(groups) == 1:
        if groups[0].members == (REST,):
            raise _ungrouped(dataset, f"{groups[0].name}={REST} alone", "a group with its classes")
        groups.insert(0, Group(name=f"not {groups[0].name}", members=(REST,)))
    shown = " ".join(f"{group.name}={','.join(group.members)}" for group in groups)
    if len(groups) != 2 or groups[0].name == groups[1].name or not all(group.name for group in groups):
        raise _ungrouped(dataset, shown or "nothing", "one group or two of different names")
    for group in groups:
        for member in group.members if group.members != (REST,) else ():
            if member not in names:
                remedy = perhaps(member, names, "choose some of these", count=1, shown=repr)
                raise _ungrouped(dataset, repr(member), f"classes out of {_listed(names)}", remedy)
    if set(groups[0].members) & set(groups[1].members):
        raise _ungrouped(dataset, shown, "every class in one group")
    return tuple(groups)


def _groups_of(asked: Binarise) -> list[tuple[str, tuple[str, ...]]]:
    if isinstance(asked, Mapping):
        return [(name, (each,) if isinstance(each, str) else tuple(each)) for name, each in asked.items()]
    words = asked.replace(" ", ",").split(",") if isinstance(asked, str) else asked
    found: list[tuple[str, list[str]]] = []
    for word in (word for word in words if word):
        name, equals, member = word.partition("=")
        if equals or not found:
            found.append((name, [member] if equals else [name]))
        else:
            found[-1][1].append(word)
    return [(name, tuple(members)) for name, members in found]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:60]) + (", …" if len(names) > 60 else "")


def _name_of(entry: int | str, names: Sequence[str], dataset: str, *, numbered: bool) -> str:
    known = ", ".join(
        f"{label} {name}" if numbered and name != str(label) else name for label, name in enumerate(names)
    )
    if isinstance(entry, str) or (not numbered and not isinstance(entry, bool) and str(entry) in names):
        if str(entry) in names:
            return str(entry)
        if not (numbered and isinstance(entry, str) and entry.isascii() and entry.isdigit()):
            remedy = perhaps(entry, names, "choose one of these", count=1, shown=repr)
            raise _refused(dataset, repr(entry), f"one of: {known}", remedy)
        entry = int(entry)
    try:
        # An index of True or 1.0 is a slip, not a class.
        label = -1 if isinstance(entry, bool) or not numbered else operator.index(entry)
    except TypeError:
        label = -1
    if not 0 <= label < len(names):
        raise _refused(dataset, repr(entry), f"one of: {known}", "choose one of these")
    return names[label]


def _refused(dataset: str, got: object, expected: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(f"cannot select classes of {dataset!r}", got=got, expected=expected, remedy=remedy)


def _ungrouped(dataset: str, got: str, expected: str, remedy: str = "") -> ConfigurationError:
    remedy = remedy or "write for example --binarise attack=neptune,smurf, or --binarise normal 'attack=*'"
    return ConfigurationError(f"cannot group the classes of {dataset!r}", got=got, expected=expected, remedy=remedy)
