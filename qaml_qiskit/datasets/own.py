"""Own data at a path, read into parts: the same for the first time and for every later one."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qaml_qiskit.datasets.arrays import in_order
from qaml_qiskit.datasets.files.format import ALL, TEST, TRAIN, VALIDATION, FilePart, TableOptions
from qaml_qiskit.datasets.parts import hashed_test_part
from qaml_qiskit.datasets.sources import DataFile, DataSource, find, fingerprint, format_of
from qaml_qiskit.datasets.spec import RawSplit
from qaml_qiskit.errors import ConfigurationError, InputError

Parts = Mapping[str, FilePart]


@dataclass(frozen=True)
class OwnData:
    """What was read.

    Attributes:
        name: how the data are called.
        parts: ``train``, ``test`` and perhaps ``validation``.
        source: from where.
        notes: what was done to the parts.
    """

    name: str
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
    place, file = _found(path, data_dir)
    parts, tested, others = _parts(place, options), None, None
    if test_data is not None:
        if TEST in parts:
            raise ConfigurationError(
                f"{place} has a test part of its own",
                got=f"--test-data {test_data}",
                expected="--test-data beside data without a test part",
                remedy="leave it out",
            )
        test_place, tested = _found(test_data, data_dir)
        if tested.sha256 == file.sha256:
            raise InputError(
                "these test data are the training data",
                got=f"--test-data {test_data}, which has the content of {path}",
                expected="rows that the model does not learn from",
                remedy="give another file; or leave --test-data out, and 30 % of each class become the test part",
            )
        others = _to_test(_parts(test_place, options))
    return own_data(place.name, parts, others, file, tested, options, seed)


def own_data(
    name: str,
    parts: Parts,
    test: FilePart | None,
    file: DataFile,
    test_file: DataFile | None,
    options: TableOptions,
    seed: int,
) -> OwnData:
    """Parts of any origin, with a test part: their own, another file's, or one that is chosen by a hash.

    Args:
        name: how the data are called.
        parts: as a format gives them.
        test: the other file's.
        file: what the parts are from.
        test_file: what ``test`` is from.
        options: how a table was read.
        seed: of the choice.
    """
    found, notes, chosen = dict(parts), tuple[str, ...](), None
    if test is not None:
        found[TEST] = test
    elif TEST not in parts:
        chosen = seed
        found |= _split(_whole(parts), seed)
        share = f"{len(found[TEST])} of {len(_whole(parts))} rows"
        notes = (f"There is no test part: {share} were chosen, 30 % of each class, by a hash with seed {seed}.",)
    found[TRAIN] = _whole(found)
    found = {name: found[name] for name in (TRAIN, VALIDATION, TEST) if name in found}
    source = DataSource(
        data=file,
        test=test_file,
        parts={name: len(part) for name, part in found.items()},
        label_column=options.label_column,
        header=options.header,
        ignored=options.ignored,
        seed=chosen,
    )
    return OwnData(name, found, source, notes)


def read_rows(place: Path, options: TableOptions) -> FilePart:
    """All rows of a path that has no parts; otherwise those of its test part.

    Raises:
        InputError: it cannot be read, or options that mean nothing there.
    """
    return _to_test(_parts(place, options))


def read_test(source: DataSource, data_dir: Path | None) -> FilePart:
    """The test part of data that were read before.

    Args:
        source: from where.
        data_dir: a directory in which to look for the paths, too.

    Raises:
        ConfigurationError: nothing is at the path any more.
        InputError: what is there is not what was read.
    """
    place = _unchanged(source.data if source.test is None else source.test, data_dir)
    parts = _parts(place, source.options)
    return _to_test(parts if source.seed is None else _split(_whole(parts), source.seed))


def read_training(source: DataSource, data_dir: Path | None) -> Parts:
    """As :func:`read_test`, the other parts: ``train``, and ``validation`` where there is one."""
    parts = _parts(_unchanged(source.data, data_dir), source.options)
    whole = _whole(parts) if source.seed is None else _split(_whole(parts), source.seed)[TRAIN]
    return {TRAIN: whole, **({VALIDATION: parts[VALIDATION]} if VALIDATION in parts else {})}


def _unchanged(file: DataFile, data_dir: Path | None) -> Path:
    """Where a file is that was read before, with the content that it had."""
    place, found = _found(file.path, data_dir)
    if found.sha256 != file.sha256:
        raise InputError(
            f"{place} has changed since the model was trained",
            got=f"data with the SHA-256 {found.sha256[:16]}…",
            expected=f"{file.sha256[:16]}…, as the model's card says",
            remedy="put the old data there or below --data-dir, or give new images with --images FILE",
        )
    return place


def _parts(place: Path, options: TableOptions) -> Parts:
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


def _found(path: str, data_dir: Path | None) -> tuple[Path, DataFile]:
    place = find(path, data_dir)
    return place, DataFile(path=path, sha256=fingerprint(place, format_of(place).files(place)))


def _whole(parts: Parts) -> FilePart:
    """What a model learns from, and from which a test part is taken where there is none."""
    return parts[TRAIN] if TRAIN in parts else parts[ALL]


def _to_test(parts: Parts) -> FilePart:
    return parts[TEST] if TEST in parts else _whole(parts)


def _split(whole: FilePart, seed: int) -> dict[str, FilePart]:
    in_test = hashed_test_part(whole.labels, str(seed))
    return {TRAIN: whole.take(np.flatnonzero(~in_test)), TEST: whole.take(np.flatnonzero(in_test))}
