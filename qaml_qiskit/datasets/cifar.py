"""CIFAR-10 in its binary version: 3×32×32 colour images in ten classes, and the pair ships and trucks.

Krizhevsky, "Learning Multiple Layers of Features from Tiny Images" (2009). A record is one label byte and 3,072 pixel
bytes (red, green, blue, each 32×32 in row order). The version for Python is a pickle, which runs code when it is
opened: it is not read here.
"""

import gzip
import tarfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.datasets.classes import Labelling
from qaml_qiskit.datasets.images import from_bytes
from qaml_qiskit.datasets.spec import DatasetSpec, RawPart, RawSplit, SourceFile
from qaml_qiskit.errors import InputError

_CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_PAIR = ("ship", "truck")
_SHAPE = (3, 32, 32)
_RECORD = 1 + 3 * 32 * 32
_ARCHIVE = "cifar-10-binary.tar.gz"
_UNPACKED = "cifar-10-batches-bin"
_TRAIN = tuple(f"{_UNPACKED}/data_batch_{number}.bin" for number in range(1, 6))
_TEST = f"{_UNPACKED}/test_batch.bin"


def read_cifar10(folder: Path) -> RawSplit:
    """Read CIFAR-10 from the folder that holds ``cifar-10-binary.tar.gz`` or, unpacked, ``cifar-10-batches-bin/``.

    The archive is read member by member and nothing of it is written to disk.

    Raises:
        InputError: a damaged archive, an archive with members that it should not have, or batches that are not
            whole records with labels in 0..9.
    """
    archive = folder / _ARCHIVE
    names = (*_TRAIN, _TEST)
    try:
        batches = _from_archive(archive, names) if archive.exists() else {n: (folder / n).read_bytes() for n in names}
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        where = archive if archive.exists() else folder / _UNPACKED
        raise _damaged(where, f"{type(error).__name__}: {error}", "complete, readable files") from error
    where = archive if archive.exists() else folder
    records = {name: _records(where / name, data) for name, data in batches.items()}
    sizes = [len(records[name]) for name in _TRAIN]
    # All five training batches are equally long, so a batch that was cut between two records shows here.
    if len(set(sizes)) > 1:
        raise _damaged(where / _UNPACKED, f"training batches of {sizes} images", "five batches of equal length")
    train = np.concatenate([records[name] for name in _TRAIN])
    return RawSplit(_CLASS_NAMES, _part(train), _part(records[_TEST]))


def read_cifar2(folder: Path) -> RawSplit:
    """Read the ships (label 0) and trucks (label 1) of CIFAR-10; the same files and errors as ``read_cifar10``."""
    return Labelling(kept=_PAIR).applied(read_cifar10(folder), "cifar2")


def _from_archive(archive: Path, names: tuple[str, ...]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with gzip.open(archive, "rb") as unzipped, tarfile.open(fileobj=unzipped, mode="r|") as tar:
        for member in tar:
            _refuse_unsafe(archive, member)
            name = str(PurePosixPath(member.name))
            if name not in names:
                continue
            content: IO[bytes] | None = tar.extractfile(member)
            if content is None or name in found:
                raise _damaged(archive, f"member {name!r} twice or not as a file", "every batch once")
            found[name] = content.read()
        # The gzip checksum stands at the very end, beyond what the tar format has to look at.
        while unzipped.read(1 << 20):
            pass
    missing = [name for name in names if name not in found]
    if missing:
        raise _damaged(archive, f"no member {missing[0]!r}", f"the members {', '.join(names)}")
    return found


def _refuse_unsafe(archive: Path, member: tarfile.TarInfo) -> None:
    """Reading members cannot write anywhere, but an archive that tries to is not the official one."""
    path = PurePosixPath(member.name.replace("\\", "/"))
    escapes = path.is_absolute() or ".." in path.parts or ":" in member.name
    if escapes or not (member.isfile() or member.isdir()):
        raise _damaged(archive, f"member {member.name!r}", "plain files and folders inside the archive's own folder")


def _records(path: Path, data: bytes) -> NDArray[np.uint8]:
    if not data or len(data) % _RECORD:
        raise _damaged(
            path, f"{len(data)} bytes", f"a positive multiple of {_RECORD} bytes (a label and 3×32×32 pixels)"
        )
    records = np.frombuffer(data, dtype=np.uint8).reshape(-1, _RECORD)
    outside = np.flatnonzero(records[:, 0] >= len(_CLASS_NAMES))
    if outside.size:
        first = outside[0]
        raise _damaged(path, f"label {records[first, 0]} in record {first}", f"labels in 0..{len(_CLASS_NAMES) - 1}")
    return records


def _part(records: NDArray[np.uint8]) -> RawPart:
    labels = records[:, 0].astype(np.int64)
    return RawPart(labels, lambda positions: from_bytes(records[positions, 1:].reshape(-1, *_SHAPE)))


def _damaged(path: Path, got: str, expected: str) -> InputError:
    return InputError(
        f"cannot read CIFAR-10 from {path}",
        got=got,
        expected=expected,
        remedy="replace it by the official file (`qaml data verify cifar10`, `qaml data fetch cifar10`)",
    )


_FILES = (
    SourceFile(
        path=_ARCHIVE,
        checksum="sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        urls=("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
        replaced_by=tuple(
            SourceFile(name, f"sha256:{sha256}")
            for name, sha256 in (
                (_TRAIN[0], "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"),
                (_TRAIN[1], "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"),
                (_TRAIN[2], "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"),
                (_TRAIN[3], "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"),
                (_TRAIN[4], "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"),
                (_TEST, "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"),
            )
        ),
    ),
)
_BY_HAND = f"the binary version {_ARCHIVE} is meant: the version for Python is a pickle and is not opened"

CIFAR10 = DatasetSpec(
    name="cifar10",
    description="small photographs, 3×32×32 colour, ten classes, 50,000 + 10,000 images (170 MB)",
    homepage="https://www.cs.toronto.edu/~kriz/cifar.html",
    class_names=_CLASS_NAMES,
    read=read_cifar10,
    folder="cifar10",
    files=_FILES,
    by_hand=_BY_HAND,
)

CIFAR2 = DatasetSpec(
    name="cifar2",
    description="the ships and trucks of CIFAR-10, 3×32×32 colour, 10,000 + 2,000 images (170 MB)",
    homepage="https://www.cs.toronto.edu/~kriz/cifar.html",
    class_names=_PAIR,
    read=read_cifar2,
    folder="cifar10",
    files=_FILES,
    by_hand=_BY_HAND,
)
