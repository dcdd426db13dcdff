"""Own data at a path, read into parts: the same for the first time and for every later one."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qaml_qiskit.datasets.arrays import in_order
from qaml_qiskit.datasets.files.format import ALL, TEST, TRAIN, FilePart, TableOptions
from qaml_qiskit.datasets.parts import hashed_test_part
from qaml_qiskit.datasets.sources import DataFile, DataSource, find, fingerprint, format_of
from qaml_qiskit.datasets.spec import RawSplit
from qaml_qiskit.errors import ConfigurationError, InputError

Parts = Mapping[str, FilePart]


@dataclass(frozen=True)
class OwnData:
    """What was read.

    Attributes:
        parts: ``train``, ``test`` and perhaps ``validation``.
        source: from where.
        notes: what was done to the parts.
    """

    parts: Parts
    source: DataSource
    notes: tuple[str, ...] = ()

    def raw(self) -> RawSplit:
        """The parts with numbered classes: those of the training part, and those of the others behind them."""
        names = in_order(np.concatenate([part.labels for part in self.parts.values()]))
        numbered = {name: part.numbered(names) for name, part in self.parts.items()}
        return RawSplit(names, **numbered)


def read_own(path: str, test_data: str | None, options: TableOptions, seed: int, data_dir: Path | None) -> OwnData:
    """Read own data, and choose a test part where they have none.

    Args:
        path: a file or folder.
        test_data: another one with the test part; the first has the training part then.
        options: how a table is read.
        seed: of the choice of the test part.
        data_dir: a directory in which to look for the paths, too.

    Raises:
        ConfigurationError: nothing is at the path, or options that mean nothing there.
        InputError: what is there cannot be read.
    """
    place, file, parts = _read(path, options, data_dir)
    tested = None
    if test_data is not None:
        _, tested, others = _read(test_data, options, data_dir)
        if TEST in parts:
            raise ConfigurationError(
                f"{place} has a test part of its own",
                got=f"--test-data {test_data}",
                expected="--test-data beside data without a test part",
                remedy="leave it out",
            )
        parts = {TRAIN: parts[ALL], TEST: others[ALL] if ALL in others else others[TEST]}
    chosen = None
    if ALL in parts:
        chosen, parts = seed, split(parts[ALL], seed)
    source = DataSource(
        data=file,
        test=tested,
        parts={name: len(part) for name, part in parts.items()},
        label_column=options.label_column,
        header=options.header,
        ignored=options.ignored,
        seed=chosen,
    )
    notes: tuple[str, ...] = ()
    if chosen is not None:
        share = f"{len(parts[TEST])} of {len(parts[TRAIN]) + len(parts[TEST])} rows"
        notes = (
            f"{place.name} has no test part: {share} were chosen, 30 % of each class, by a hash with seed {seed}.",
        )
    return OwnData(parts, source, notes)


def split(whole: FilePart, seed: int) -> Parts:
    """A training and a test part."""
    in_test = hashed_test_part(whole.labels, str(seed))
    return {TRAIN: whole.take(np.flatnonzero(~in_test)), TEST: whole.take(np.flatnonzero(in_test))}


def read_test(source: DataSource, data_dir: Path | None) -> FilePart:
    """The test part of data that were read before.

    Args:
        source: from where.
        data_dir: a directory in which to look for the paths, too.

    Raises:
        ConfigurationError: nothing is at the path any more.
        InputError: what is there is not what was read.
    """
    file = source.data if source.test is None else source.test
    if not file.path:
        raise InputError(
            "the test images of this model are not kept",
            got="a request for some of them",
            expected="a file of images: the model was trained on arrays in memory",
            remedy="give images with --images FILE",
        )
    place, found, parts = _read(file.path, source.options, data_dir)
    if found.sha256 != file.sha256:
        raise InputError(
            f"{place} has changed since the model was trained",
            got=f"data with the SHA-256 {found.sha256[:16]}…",
            expected=f"{file.sha256[:16]}…, as the model's card says",
            remedy="put the old data there or below --data-dir, or give new images with --images FILE",
        )
    if source.test is None and source.seed is not None:
        parts = split(parts[ALL], source.seed)
    return parts[TEST] if TEST in parts else parts[ALL]


def read_parts(place: Path, options: TableOptions) -> Parts:
    """What a path holds, unsplit.

    Raises:
        InputError: it cannot be read, or options that mean nothing there.
    """
    kind = format_of(place)
    if options.given and not kind.is_table:
        raise InputError(
            f"{place} has no columns",
            got=f"{kind.told} with options for columns",
            expected="a table beside --label-column, --columns and --ignore-columns",
            remedy="leave them out",
        )
    return kind.read(place, options)


def _read(path: str, options: TableOptions, data_dir: Path | None) -> tuple[Path, DataFile, Parts]:
    place = find(path, data_dir)
    files = format_of(place).files(place)
    return place, DataFile(path=path, sha256=fingerprint(place, files)), read_parts(place, options)
