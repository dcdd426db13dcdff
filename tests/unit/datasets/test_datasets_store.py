"""Where files are looked for, what is said when they are not there, and the comparison with official checksums."""

from pathlib import Path

import pooch
import pytest

from qaml_qiskit.datasets import DATASETS, data_directories, data_status, dataset_names, load_dataset, verify
from qaml_qiskit.datasets.store import find_folder
from qaml_qiskit.errors import ConfigurationError

MNIST = DATASETS["mnist"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """An empty per-user cache and no data directory from outside."""
    monkeypatch.delenv("QAML_DATA_DIR", raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    return tmp_path / "cache" / "qaml-qiskit"


def fill(root: Path, *, spec=MNIST, leave_out: int = 0) -> Path:
    folder = root / spec.folder
    folder.mkdir(parents=True, exist_ok=True)
    for file in spec.files[leave_out:]:
        (folder / file.path).write_bytes(b"not the official content")
    return folder


def test_the_order_is_given_environment_cache(tmp_path, monkeypatch, cache):
    assert data_directories() == (cache,)
    monkeypatch.setenv("QAML_DATA_DIR", "")
    assert data_directories() == (cache,)
    monkeypatch.setenv("QAML_DATA_DIR", str(tmp_path / "env"))
    assert data_directories(tmp_path / "given") == (tmp_path / "given", tmp_path / "env", cache)


def test_the_first_complete_folder_wins(tmp_path, monkeypatch, cache):
    given, env = tmp_path / "given", tmp_path / "env"
    given.mkdir()
    monkeypatch.setenv("QAML_DATA_DIR", str(env))
    assert find_folder(MNIST, given) is None
    for root in (cache, env, given):
        folder = fill(root)
        assert find_folder(MNIST, given) == folder


def test_an_incomplete_cache_is_no_data(cache):
    fill(cache, leave_out=1)
    assert find_folder(MNIST) is None


def test_an_incomplete_folder_of_the_user_is_not_passed_over(tmp_path, monkeypatch, cache):
    fill(cache)
    fill(tmp_path / "mine", leave_out=1)
    with pytest.raises(ConfigurationError, match=r"mine/mnist lacks train-images-idx3-ubyte\.gz"):
        load_dataset("mnist", data_dir=tmp_path / "mine")
    monkeypatch.setenv("QAML_DATA_DIR", str(tmp_path / "mine"))
    with pytest.raises(ConfigurationError, match="lacks"):
        load_dataset("mnist")


def test_a_mistyped_directory_is_not_passed_over(tmp_path, cache):
    fill(cache)
    with pytest.raises(ConfigurationError, match=r"no such data directory: got .*typo"):
        load_dataset("mnist", data_dir=tmp_path / "typo")


def test_absent_data_name_the_places_and_the_remedy(tmp_path, monkeypatch, cache):
    monkeypatch.setenv("QAML_DATA_DIR", str(tmp_path))
    with pytest.raises(ConfigurationError) as caught:
        load_dataset("fashion-mnist", download=False)
    message = str(caught.value)
    for text in ("'fashion-mnist'", str(tmp_path), str(cache), "qaml data fetch fashion-mnist", "QAML_DATA_DIR"):
        assert text in message


@pytest.mark.parametrize(
    ("name", "nearest"), [("minst", "mnist"), ("fashion_mnist", "fashion-mnist"), ("CIFAR10", "cifar10")]
)
def test_an_unknown_name_gives_the_nearest_and_the_known_ones(name, nearest):
    with pytest.raises(ConfigurationError) as caught:
        load_dataset(name)
    assert f"Perhaps {nearest}" in str(caught.value)
    assert ", ".join(dataset_names()) in str(caught.value)


def test_verify_tells_wrong_missing_and_right(tmp_path, monkeypatch, cache):
    assert [row.state for row in verify("mnist")] == ["missing"] * 4
    folder = fill(tmp_path, leave_out=1)
    rows = verify("mnist", data_dir=tmp_path)
    assert [row.state for row in rows] == ["missing", "wrong", "wrong", "wrong"]
    assert rows[0].path == folder / "train-images-idx3-ubyte.gz"
    assert (rows[0].size, rows[1].size) == (None, len(b"not the official content"))


def test_verify_accepts_the_official_content(tmp_path, monkeypatch):
    import dataclasses
    import hashlib

    from qaml_qiskit.datasets import catalogue

    digest = hashlib.sha256(b"not the official content").hexdigest()
    files = tuple(dataclasses.replace(file, checksum=f"sha256:{digest}") for file in MNIST.files)
    monkeypatch.setattr(catalogue, "DATASETS", {"mnist": dataclasses.replace(MNIST, files=files)})
    fill(tmp_path)
    assert {row.state for row in verify("mnist", data_dir=tmp_path)} == {"ok"}


def test_unpacked_files_are_checked_one_by_one(tmp_path):
    folder = tmp_path / "cifar10" / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    (folder / "data_batch_1.bin").write_bytes(b"")
    rows = verify("cifar2", data_dir=tmp_path)
    assert [row.state for row in rows] == ["wrong"] + ["missing"] * 5
    assert rows[5].file == "cifar-10-batches-bin/test_batch.bin"


def test_a_folder_of_images_is_not_checked(tmp_path):
    (tmp_path / "celeba" / "img_align_celeba").mkdir(parents=True)
    states = {row.file: row.state for row in verify("celeba", data_dir=tmp_path)}
    assert states == {
        "list_attr_celeba.txt": "missing",
        "list_eval_partition.txt": "missing",
        "img_align_celeba/": "unchecked",
    }


def test_the_listing_tells_present_incomplete_and_missing(tmp_path):
    fill(tmp_path)
    fill(tmp_path, spec=DATASETS["fashion-mnist"], leave_out=2)
    status = {row.name: row for row in data_status(data_dir=tmp_path)}
    assert tuple(status) == dataset_names()
    assert {name: row.state for name, row in status.items()} == {
        "digits": "embedded",
        "moons": "embedded",
        "thin-moons": "embedded",
        "ising": "embedded",
        "mnist": "present",
        "fashion-mnist": "incomplete",
        "cifar2": "missing",
        "cifar10": "missing",
        "celeba": "missing",
    }
    assert status["mnist"].folder == tmp_path / "mnist"
    assert not status["celeba"].downloadable


def test_every_official_file_has_a_checksum_and_an_address_or_instructions():
    for spec in DATASETS.parts().values():
        assert spec.description
        assert spec.homepage.startswith("http")
        for file in spec.files:
            assert file.checksum.partition(":")[0] in ("sha256", "md5")
            assert file.urls or spec.by_hand
            assert all(url.endswith(file.path) for url in file.urls)
