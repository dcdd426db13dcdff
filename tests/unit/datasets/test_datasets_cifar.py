"""CIFAR-10 from small files in the official binary format."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pooch
import pytest

from qaml_qiskit.datasets import load_dataset
from qaml_qiskit.errors import ConfigurationError, InputError

FOLDER = "cifar-10-batches-bin"
BATCHES = [*(f"{FOLDER}/data_batch_{number}.bin" for number in range(1, 6)), f"{FOLDER}/test_batch.bin"]


def batches(count: int = 10) -> dict[str, np.ndarray]:
    """Records of random pixels whose labels run through 0..9."""
    generator = np.random.default_rng(3)
    records = {}
    for name in BATCHES:
        records[name] = generator.integers(0, 256, (count, 3073), dtype=np.uint8)
        records[name][:, 0] = np.arange(count) % 10
    return records


def add(tar: tarfile.TarFile, name: str, content: bytes, kind: bytes = tarfile.REGTYPE, target: str = "") -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, target, len(content)
    tar.addfile(member, io.BytesIO(content))


def write_archive(root: Path, files: dict[str, bytes], extra=()) -> Path:
    path = root / "cifar10" / "cifar-10-binary.tar.gz"
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, "w:gz") as tar:
        add(tar, FOLDER, b"", tarfile.DIRTYPE)
        for name, content in files.items():
            add(tar, name, content)
        add(tar, f"{FOLDER}/readme.html", b"<html>")
        for arguments in extra:
            add(tar, *arguments)
    return path


def write_unpacked(root: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = root / "cifar10" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def as_bytes(records: dict[str, np.ndarray]) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in records.items()}


@pytest.mark.parametrize("write", [write_archive, write_unpacked])
def test_reads_the_archive_and_its_unpacked_form(tmp_path, write):
    records = batches()
    write(tmp_path, as_bytes(records))
    split = load_dataset("cifar10", data_dir=tmp_path, download=False)
    train = np.concatenate([records[name] for name in BATCHES[:5]])
    np.testing.assert_array_equal(split.train.labels, train[:, 0])
    np.testing.assert_array_equal(split.train.images * 255, train[:, 1:].reshape(-1, 3, 32, 32))
    np.testing.assert_array_equal(split.test.images * 255, records[BATCHES[5]][:, 1:].reshape(-1, 3, 32, 32))
    assert split.train.class_names[8:] == ("ship", "truck")
    assert sorted(path.name for path in tmp_path.rglob("*.bin")) == sorted(
        Path(name).name for name in (BATCHES if write is write_unpacked else [])
    )


def test_cifar2_is_ships_and_trucks(tmp_path):
    records = batches()
    write_archive(tmp_path, as_bytes(records))
    split = load_dataset("cifar2", data_dir=tmp_path)
    assert split.train.class_names == ("ship", "truck")
    np.testing.assert_array_equal(split.train.labels, [0, 1] * 5)
    np.testing.assert_array_equal(split.test.images * 255, records[BATCHES[5]][8:, 1:].reshape(-1, 3, 32, 32))
    assert load_dataset("cifar2", data_dir=tmp_path, classes=["truck", "ship"]).train.labels[0] == 1


@pytest.mark.parametrize(
    "member",
    [
        ("/etc/evil", b"x"),
        ("../evil", b"x"),
        (f"{FOLDER}/../../evil", b"x"),
        ("..\\evil", b"x"),
        ("C:/evil", b"x"),
        (f"{FOLDER}/link", b"", tarfile.SYMTYPE, "/etc/passwd"),
        (f"{FOLDER}/link", b"", tarfile.LNKTYPE, "../../evil"),
        (f"{FOLDER}/pipe", b"", tarfile.FIFOTYPE),
        (BATCHES[0], b"x" * 3073),
    ],
)
def test_an_archive_with_other_than_plain_members_is_refused(tmp_path, member):
    root = tmp_path / "data"
    root.mkdir()
    path = write_archive(root, as_bytes(batches()), [member])
    with pytest.raises(InputError, match="member") as caught:
        load_dataset("cifar10", data_dir=root)
    assert str(path) in str(caught.value)
    assert [entry.name for entry in tmp_path.rglob("*") if entry.is_file()] == [path.name]


def test_a_link_in_place_of_a_batch_is_refused(tmp_path):
    files = as_bytes(batches())
    del files[BATCHES[0]]
    write_archive(tmp_path, files, [(BATCHES[0], b"", tarfile.SYMTYPE, BATCHES[1])])
    with pytest.raises(InputError, match="member"):
        load_dataset("cifar10", data_dir=tmp_path)


@pytest.mark.parametrize("cut", [1, 8, 100, 10_000, 100_000])
def test_a_truncated_archive_is_refused(tmp_path, cut):
    path = write_archive(tmp_path, as_bytes(batches()))
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(InputError, match="cannot read CIFAR-10"):
        load_dataset("cifar10", data_dir=tmp_path)


def test_a_damaged_archive_is_refused(tmp_path):
    path = write_archive(tmp_path, as_bytes(batches()))
    whole = path.read_bytes()
    middle = len(whole) // 2
    for content in (whole[:middle] + bytes(20) + whole[middle + 20 :], b"<html>", b""):
        path.write_bytes(content)
        with pytest.raises(InputError, match="cannot read CIFAR-10"):
            load_dataset("cifar10", data_dir=tmp_path)


def test_a_missing_member_is_named(tmp_path):
    files = as_bytes(batches())
    del files[BATCHES[3]]
    write_archive(tmp_path, files)
    with pytest.raises(InputError, match="data_batch_4"):
        load_dataset("cifar10", data_dir=tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:-1], "multiple of 3073"),
        (lambda data: b"", "multiple of 3073"),
        (lambda data: data[: 3073 * 5], "equal length"),
        (lambda data: bytes([10]) + data[1:], "label 10 in record 0"),
    ],
)
def test_a_batch_that_is_not_whole_records_is_refused(tmp_path, change, message):
    files = as_bytes(batches())
    files[BATCHES[1]] = change(files[BATCHES[1]])
    write_unpacked(tmp_path, files)
    with pytest.raises(InputError, match=message):
        load_dataset("cifar10", data_dir=tmp_path)


def test_the_pickled_version_is_not_opened(tmp_path, monkeypatch):
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache")
    (tmp_path / "cifar10" / "cifar-10-batches-py").mkdir(parents=True)
    with pytest.raises(ConfigurationError, match="pickle"):
        load_dataset("cifar10", data_dir=tmp_path, download=False)
