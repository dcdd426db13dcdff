"""Where the files of a data set are looked for, whether they are all there, and whether they are the official ones."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from qaml_qiskit.datasets.catalogue import dataset_spec
from qaml_qiskit.datasets.names import DATASETS
from qaml_qiskit.datasets.spec import DatasetSpec, SourceFile
from qaml_qiskit.errors import ConfigurationError

#: The environment variable that names a data directory.
DATA_DIR_VARIABLE = "QAML_DATA_DIR"


@dataclass(frozen=True)
class FileRow:
    """The state of one file of a data set.

    Args:
        dataset: the data set's name.
        file: the file's path inside the data set's folder; the library's name for an embedded data set.
        path: where it is, or where it would be; nothing for an embedded data set.
        size: its size in bytes, or nothing where there is no file.
        state: ``ok`` (the official checksum), ``wrong`` (another one), ``missing``, ``unchecked`` (a folder, which
            has no official checksum) or ``embedded`` (part of an installed library).
    """

    dataset: str
    file: str
    path: Path | None
    size: int | None
    state: Literal["ok", "wrong", "missing", "unchecked", "embedded"]


@dataclass(frozen=True)
class DatasetStatus:
    """What a listing says about one data set.

    Args:
        name: the data set's name.
        description: one line.
        state: ``embedded``, ``present``, ``incomplete`` (some files are there) or ``missing``; checksums are not
            looked at.
        folder: the folder that would be read or completed; nothing when embedded or missing.
        downloadable: whether ``fetch`` can get it.
    """

    name: str
    description: str
    state: Literal["embedded", "present", "incomplete", "missing"]
    folder: Path | None
    downloadable: bool


def cache_dir() -> Path:
    """Return the per-user folder for downloaded data; it need not exist."""
    import pooch

    return Path(pooch.os_cache("qaml-qiskit"))


def data_directories(data_dir: Path | None = None) -> tuple[Path, ...]:
    """Return the data directories in the order in which they are searched.

    First ``data_dir`` if given, then ``$QAML_DATA_DIR`` if set and not empty, then the per-user cache.
    """
    from_environment = os.environ.get(DATA_DIR_VARIABLE, "")
    chosen = [] if data_dir is None else [Path(data_dir).expanduser()]
    if from_environment:
        chosen.append(Path(from_environment).expanduser())
    return (*chosen, cache_dir())


def find_folder(spec: DatasetSpec, data_dir: Path | None = None) -> Path | None:
    """Return the first folder that holds every file of a data set, or nothing.

    Raises:
        ConfigurationError: ``data_dir`` does not exist, or a folder of the user's own holds only some of the files:
            going on to other places would quietly replace what the user pointed at.
    """
    *chosen, cache = data_directories(data_dir)
    if data_dir is not None and not chosen[0].is_dir():
        raise ConfigurationError(
            "there is no such data directory",
            got=str(data_dir),
            expected=f"a folder that holds {spec.folder}/, named by --data-dir",
            remedy=f"correct the path, or leave it out to look in {DATA_DIR_VARIABLE} and the cache",
        )
    for root in chosen:
        folder = root / spec.folder
        if not _missing(spec, folder):
            return folder
        if _anything(spec, folder):
            # Places behind this one are not looked in: naming them would say that they lack something.
            raise _missing_from(spec, [root])
    folder = cache / spec.folder
    return None if _missing(spec, folder) else folder


def missing_data(spec: DatasetSpec, data_dir: Path | None, *, tried: str = "") -> ConfigurationError:
    """Say which folders were searched in vain, what each lacks, and how to get the data.

    Args:
        spec: the data set.
        data_dir: the directory that the user gave, if any.
        tried: what a download reported, if one was tried.
    """
    return _missing_from(spec, data_directories(data_dir), tried)


def _missing_from(spec: DatasetSpec, roots: Sequence[Path], tried: str = "") -> ConfigurationError:
    looked = "; ".join(_lack(spec, root) for root in roots)
    place = (
        f"put the files into a folder {spec.folder}/ and name the folder above it by --data-dir or {DATA_DIR_VARIABLE}"
    )
    if spec.downloadable:
        remedy = f"run `qaml data fetch {spec.name}` where there is a network, or {place}"
    else:
        remedy = f"get them from {spec.homepage} and {place}"
    return ConfigurationError(
        f"cannot find the data set {spec.name!r}",
        got=f"{looked}{f'; download: {tried}' if tried else ''}",
        expected=f"a folder {spec.folder}/ with {', '.join(file.path for file in spec.files)} (or unpacked)",
        remedy=f"{remedy} ({spec.by_hand})" if spec.by_hand else remedy,
    )


def verify(name: str, *, data_dir: Path | None = None) -> tuple[FileRow, ...]:
    """Compare the files of a data set with their official checksums.

    Looks where ``load_dataset`` would read: in the first folder with any of the files; failing that, in the per-user
    cache.

    Args:
        name: a data set's name.
        data_dir: a data directory to look in before the others.

    Returns:
        One row a file. A file that is there in unpacked form has a row for each file that stands for it.

    Raises:
        ConfigurationError: an unknown name.
    """
    spec = dataset_spec(name)
    if spec.embedded:
        return (FileRow(spec.name, "scikit-learn", None, None, "embedded"),)
    folder = _likeliest_folder(spec, data_dir)
    return tuple(
        _file_row(spec, folder, standing) for file in spec.files for standing in _standing_for(file, folder) or (file,)
    )


def data_status(name: str | None = None, *, data_dir: Path | None = None) -> tuple[DatasetStatus, ...]:
    """Say which data sets are there, without reading them.

    Args:
        name: one data set, or nothing for all of them.
        data_dir: a data directory to look in before the others.

    Raises:
        ConfigurationError: an unknown name.
    """
    specs = tuple(DATASETS.parts().values()) if name is None else (dataset_spec(name),)
    return tuple(_status(spec, data_dir) for spec in specs)


def is_here(name: str, data_dir: Path | None = None) -> bool:
    """Whether a data set can be read without a download.

    Raises:
        ConfigurationError: an unknown name, or a data directory as for :func:`find_folder`.
    """
    spec = dataset_spec(name)
    return spec.embedded or find_folder(spec, data_dir) is not None


def _status(spec: DatasetSpec, data_dir: Path | None) -> DatasetStatus:
    if spec.embedded:
        return DatasetStatus(spec.name, spec.description, "embedded", None, False)
    folder = _likeliest_folder(spec, data_dir)
    if not _missing(spec, folder):
        return DatasetStatus(spec.name, spec.description, "present", folder, spec.downloadable)
    if _anything(spec, folder):
        return DatasetStatus(spec.name, spec.description, "incomplete", folder, spec.downloadable)
    return DatasetStatus(spec.name, spec.description, "missing", None, spec.downloadable)


def _likeliest_folder(spec: DatasetSpec, data_dir: Path | None) -> Path:
    folders = [root / spec.folder for root in data_directories(data_dir)]
    return next((folder for folder in folders if _anything(spec, folder)), folders[-1])


def _is_there(file: SourceFile, folder: Path) -> bool:
    path = folder / file.path
    try:
        return path.is_dir() if file.path.endswith("/") else path.is_file()
    except OSError:  # a folder that may not be entered holds nothing for us
        return False


def _standing_for(file: SourceFile, folder: Path) -> tuple[SourceFile, ...]:
    """Return the files that are read for this one: itself, its unpacked form as far as it is there, or none."""
    if _is_there(file, folder):
        return (file,)
    unpacked = file.replaced_by
    return unpacked if any(_is_there(part, folder) for part in unpacked) else ()


def files_in(spec: DatasetSpec, folder: Path) -> tuple[Path, ...]:
    """Return the paths in ``folder`` that are read for a data set, in the order of its files."""
    return tuple(folder / part.path for file in spec.files for part in _standing_for(file, folder))


def _missing(spec: DatasetSpec, folder: Path) -> list[str]:
    lacking = []
    for file in spec.files:
        absent = [part.path for part in _standing_for(file, folder) or (file,) if not _is_there(part, folder)]
        lacking.extend(absent)
    return lacking


def _anything(spec: DatasetSpec, folder: Path) -> bool:
    return any(_standing_for(file, folder) for file in spec.files)


def _lack(spec: DatasetSpec, root: Path) -> str:
    folder = root / spec.folder
    if not root.is_dir():
        return f"no directory {root}"
    if _anything(spec, folder):
        return f"{folder} lacks {', '.join(_missing(spec, folder))}"
    return f"nothing in {folder}"


def _file_row(spec: DatasetSpec, folder: Path, file: SourceFile) -> FileRow:
    path = folder / file.path
    if not _is_there(file, folder):
        return FileRow(spec.name, file.path, path, None, "missing")
    if not file.checksum:
        return FileRow(spec.name, file.path, path, None, "unchecked")
    algorithm, _, official = file.checksum.partition(":")
    try:
        with path.open("rb") as stream:
            actual = hashlib.file_digest(stream, algorithm).hexdigest()
    except OSError as error:
        raise ConfigurationError(
            f"cannot check {path}",
            got=f"{type(error).__name__}: {error.strerror}",
            expected="a readable file",
            remedy="make the file readable",
        ) from error
    return FileRow(spec.name, file.path, path, path.stat().st_size, "ok" if actual == official else "wrong")
