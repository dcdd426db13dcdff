"""Where own data came from: paths as they were given, and the fingerprints of what was read there."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from qaml_qiskit.datasets.columns import Header
from qaml_qiskit.datasets.files.format import FileFormat, TableOptions
from qaml_qiskit.datasets.files.names import FILE_FORMATS
from qaml_qiskit.datasets.names import DATASETS
from qaml_qiskit.datasets.store import data_directories
from qaml_qiskit.errors import ConfigurationError, InputError, perhaps
from qaml_qiskit.formats import said
from qaml_qiskit.text import shortened

_STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DataFile(BaseModel):
    """A file or a folder that was read.

    Attributes:
        path: as it was given.
        sha256: of its bytes; of a folder, and of several files that belong together, of the lines that ``sha256sum``
            prints for them, by their names in the folder and in the order of these; of data in memory, of the images as
            a model takes them, their labels and classes.
    """

    model_config = _STRICT

    path: str
    sha256: str


class DataSource(BaseModel):
    """What own data were read from.

    Attributes:
        data: the data set; its path is empty where the data were arrays in memory.
        test: the test part, where it is a file of its own.
        parts: how many rows each part has, as it was read.
        label_column: of a table.
        header: the columns' names, where the table has none.
        ignored: columns that were left out.
        seed: that chose the test part; None where the data have one.
    """

    model_config = _STRICT

    data: DataFile
    test: Annotated[DataFile | None, Field(exclude_if=lambda file: file is None)] = None
    parts: Mapping[str, int]
    label_column: Annotated[str | None, Field(exclude_if=lambda name: name is None)] = None
    header: Annotated[Header | None, Field(exclude_if=lambda header: header is None)] = None
    ignored: Annotated[tuple[str, ...], Field(exclude_if=lambda names: not names)] = ()
    seed: Annotated[int | None, Field(exclude_if=lambda seed: seed is None)] = None

    @property
    def options(self) -> TableOptions:
        """How the table was read."""
        return TableOptions(self.label_column, self.header, self.ignored)

    @property
    def fingerprint(self) -> str:
        """Of all that was read: the first 16 hexadecimal digits."""
        read = self.data.sha256 + ("" if self.test is None else self.test.sha256)
        return self.data.sha256[:16] if self.test is None else hashlib.sha256(read.encode()).hexdigest()[:16]


def told_data(dataset: str, fingerprint: str | None) -> str:
    """A data set to a reader, own data with their fingerprint."""
    return dataset if fingerprint is None else f"{dataset} ({fingerprint})"


def find(path: str, data_dir: Path | None) -> Path:
    """The place of own data: the path itself, or its name in one of the data directories.

    Raises:
        ConfigurationError: it is in none of them.
    """
    given = Path(path).expanduser()
    roots = () if given.is_absolute() else data_directories(data_dir)[:-1]
    by_name = [root / given.name for root in data_directories(data_dir)[:-1]]
    for place in (given, *(root / given for root in roots), *by_name):
        with suppress(OSError):  # a name that is too long for any file
            if place.exists():
                return place
    raise ConfigurationError(
        "cannot find the data",
        got=f"{shortened(path, 200)}: no such file or folder",
        expected=f"a path, or one of the data sets {', '.join(DATASETS)}",
        remedy=perhaps(
            given.name.partition(".")[0], DATASETS, "check the path, or name the folder that it lies in with --data-dir"
        ),
    )


def format_of(path: Path) -> FileFormat:
    """How a path is read.

    Raises:
        InputError: no format takes it for its own.
    """
    formats = FILE_FORMATS.parts()
    for each in formats.values():
        if each.is_mine(path):
            return each
    ending = path.suffix or "without an ending"
    raise InputError(
        f"cannot read the data in {path}",
        got="a folder without images in sub-folders" if path.is_dir() else f"a file {ending}",
        expected=f"{'; or '.join(FILE_FORMATS.told().values())}",
        remedy="convert the data into one of these",
    )


def fingerprint(root: Path, files: Sequence[Path]) -> str:
    """The SHA-256 of what is read; see :class:`DataFile`.

    Raises:
        InputError: a file cannot be read.
    """
    if list(files) == [root]:
        return _sha256(root)
    folder = root if root.is_dir() else root.parent
    lines = [f"{_sha256(file)}  {file.relative_to(folder).as_posix()}\n" for file in sorted(files)]
    return hashlib.sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()


def _sha256(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InputError(
            f"cannot read {file}", got=said(error), expected="a readable file", remedy="make the file readable"
        ) from error
