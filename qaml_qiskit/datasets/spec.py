"""How a data set is described before it is read: its files, where they come from, and who reads them."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, Self, TypeVar, Union

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pandas import DataFrame

#: What a part holds before it is prepared: images in [0, 1], each C×H×W, as one array where they are of one size; or
#: the columns of a table.
Values = Union[Collection[NDArray[np.float32]], "DataFrame"]
Label = TypeVar("Label", bound=np.generic)


@dataclass(frozen=True)
class SourceFile:
    """One official file of a data set.

    Args:
        path: where it lies inside the data set's folder, with forward slashes; a folder ends with a slash.
        checksum: ``sha256:…`` or ``md5:…`` of the official file; empty for a folder, which has none.
        urls: official addresses to try in turn; empty when it cannot be fetched automatically.
        replaced_by: files that together stand for this one when it is absent (its unpacked form).
    """

    path: str
    checksum: str
    urls: tuple[str, ...] = ()
    replaced_by: tuple["SourceFile", ...] = ()


@dataclass(frozen=True)
class Part(Generic[Label]):
    """Rows of a part, which are read when they are wanted, and all their labels."""

    labels: NDArray[Label]
    read: Callable[[NDArray[np.intp]], Values]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, positions: NDArray[np.intp]) -> Self:
        """The part that holds only the rows at these positions, in this order."""
        return replace(self, labels=self.labels[positions], read=lambda later: self.read(positions[later]))

    @property
    def values(self) -> Values:
        """All of them."""
        return self.read(np.arange(len(self)))


@dataclass(frozen=True)
class RawPart(Part[np.int64]):
    """The labels of one part and the means to read its images.

    Images are read only once it is known which of them are wanted: a selection of classes then never converts, or
    decodes, an image that it drops.

    Args:
        labels: one integer label an image, N.
        read: maps positions in 0..N−1 to images, ``float32`` in [0, 1], or to rows of a table, in the order of the
            positions.
    """


@dataclass(frozen=True)
class RawSplit:
    """What a reader returns: the classes in label order and the parts; few data sets have one for validation."""

    class_names: tuple[str, ...]
    train: RawPart
    test: RawPart
    validation: RawPart | None = None


@dataclass(frozen=True)
class DatasetSpec:
    """An entry of the catalogue.

    Args:
        name: the name that users give.
        description: one line for a listing.
        homepage: where the data set is described by its authors.
        class_names: the classes in label order.
        read: called with the folder that holds the files (nothing for an embedded data set) and, by keyword, with
            those of ``options`` that the user gave.
        folder: the folder's name below a data directory; empty when the data set is embedded.
        files: every file that the reader needs; none when the data set is embedded.
        options: the keywords that ``read`` understands.
        by_hand: how to get the files, or which form of them is meant, where that needs saying.
        states: whether the images are quantum states: non-negative amplitudes of norm 1, which every step but a choice
            of classes would spoil.
        notes: what a user should know of the data, in sentences.
    """

    name: str
    description: str
    homepage: str
    class_names: tuple[str, ...]
    read: Callable[..., RawSplit]
    folder: str = ""
    files: tuple[SourceFile, ...] = ()
    options: tuple[str, ...] = ()
    by_hand: str = ""
    states: bool = False
    notes: tuple[str, ...] = ()

    @property
    def embedded(self) -> bool:
        """Whether the data come with an installed library, so that nothing has to be found."""
        return not self.files

    @property
    def downloadable(self) -> bool:
        """Whether every file has an official address to fetch it from."""
        return bool(self.files) and all(file.urls for file in self.files)
