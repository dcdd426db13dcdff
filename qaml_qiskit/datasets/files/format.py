"""What every format of own files is: it recognises a path and reads it into parts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from qaml_qiskit.datasets.columns import Header
from qaml_qiskit.datasets.spec import Part, RawPart
from qaml_qiskit.errors import InputError

#: The parts that a path may hold; ``ALL`` is what is in none.
TRAIN, VALIDATION, TEST, ALL = "train", "validation", "test", "all"


@dataclass(frozen=True)
class FilePart(Part[np.str_]):
    """Rows of a file.

    Args:
        labels: the class of every row as text, shape (N,).
        read: as of :class:`RawPart`.
    """

    def numbered(self, class_names: tuple[str, ...]) -> RawPart:
        """The same with labels that are positions in ``class_names``, which has them all."""
        number = {name: label for label, name in enumerate(class_names)}
        labels = np.array([number[name] for name in self.labels.tolist()], dtype=np.int64)
        return RawPart(labels, self.read)


@dataclass(frozen=True)
class TableOptions:
    """How a table is read; other files have no use for it.

    Args:
        label_column: the name of the column with the classes.
        header: the columns' names where the table itself has none.
        ignored: columns that are left out.
        later: whether these are rows for a model that was trained. They may name their columns themselves, have their
            classes in ``label``, and lack the columns that are left out.
    """

    label_column: str | None = None
    header: Header | None = None
    ignored: tuple[str, ...] = ()
    later: bool = False

    @property
    def given(self) -> bool:
        """Whether anything is asked for."""
        return replace(self, later=False) != TableOptions()


@dataclass(frozen=True)
class FileFormat:
    """A format of own files.

    Args:
        told: what it is, for messages.
        is_mine: whether a path, which exists, is to be read as this.
        read: the parts of a path by their names: ``train``, perhaps ``test`` and ``validation``; or only ``all``.
        files: every file that is read, in an order of its own; their content is the data's fingerprint.
        is_table: whether :class:`TableOptions` mean something to it.
    """

    told: str
    is_mine: Callable[[Path], bool]
    read: Callable[[Path, TableOptions], Mapping[str, FilePart]]
    files: Callable[[Path], tuple[Path, ...]] = field(default=lambda path: (path,))
    is_table: bool = False


def cannot_read(path: Path, got: str, expected: str, remedy: str) -> InputError:
    """The refusal of a file that is not what it should be."""
    return InputError(f"cannot read the data in {path}", got=got, expected=expected, remedy=remedy)
