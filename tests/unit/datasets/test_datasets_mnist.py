"""MNIST and Fashion-MNIST: small files in the official format, and the real ones where they are at hand."""

import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from qaml_qiskit.datasets import load_dataset, verify
from qaml_qiskit.errors import ConfigurationError, InputError

STEMS = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def write_mnist(root: Path, name: str = "mnist", *, train: int = 40, test: int = 20, zipped: bool = True) -> dict:
    """Write random images whose labels run through 0..9, and return the arrays by the official stem."""
    generator = np.random.default_rng(2)
    arrays = {}
    for prefix, count in (("train", train), ("t10k", test)):
        arrays[f"{prefix}-images-idx3-ubyte"] = generator.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        arrays[f"{prefix}-labels-idx1-ubyte"] = np.arange(count, dtype=np.uint8) % 10
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    for stem, array in arrays.items():
        content = gzip.compress(idx(array)) if zipped else idx(array)
        (folder / (f"{stem}.gz" if zipped else stem)).write_bytes(content)
    return arrays


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
@pytest.mark.parametrize("zipped", [True, False], ids=["gzip", "plain"])
def test_loads_images_and_labels(tmp_path, name, zipped):
    arrays = write_mnist(tmp_path, name, zipped=zipped)
    split = load_dataset(name, data_dir=tmp_path, download=False)
    for part, prefix in ((split.train, "train"), (split.test, "t10k")):
        np.testing.assert_array_equal(part.images[:, 0] * 255, arrays[f"{prefix}-images-idx3-ubyte"])
        np.testing.assert_array_equal(part.labels, arrays[f"{prefix}-labels-idx1-ubyte"])
        assert part.image_shape == (1, 28, 28)
        assert part.images.dtype == np.float32
        assert part.images.max() == 1
    assert split.train.name == name
    assert split.train.num_classes == 10


def test_a_plain_and_a_gzipped_file_may_stand_side_by_side(tmp_path):
    arrays = write_mnist(tmp_path)
    stem = "t10k-images-idx3-ubyte"
    (tmp_path / "mnist" / f"{stem}.gz").unlink()
    (tmp_path / "mnist" / stem).write_bytes(idx(arrays[stem]))
    assert len(load_dataset("mnist", data_dir=tmp_path).test) == 20


@pytest.mark.parametrize("classes", [["Dress", "Trouser"], [3, 1], ["3", "1"], np.array([3, 1])])
def test_classes_are_relabelled_in_the_order_given(tmp_path, classes):
    arrays = write_mnist(tmp_path, "fashion-mnist")
    train = load_dataset("fashion-mnist", data_dir=tmp_path, classes=classes).train
    old = arrays["train-labels-idx1-ubyte"]
    kept = np.isin(old, [1, 3])
    assert train.class_names == ("Dress", "Trouser")
    np.testing.assert_array_equal(train.labels, np.where(old[kept] == 3, 0, 1))
    np.testing.assert_array_equal(train.images[:, 0] * 255, arrays["train-images-idx3-ubyte"][kept])


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([0, 10], "got 10"),
        ([0, -1], "got -1"),
        ([0, True], "True"),
        ([0, 1.0], "1.0"),
        (["Dres", "Bag"], "'Dress' is meant"),
        (["Dress", 3], "different classes"),
        (["Dress"], "at least two"),
        ([], "at least two"),
        ("01", "instead of a single text"),
    ],
)
def test_a_choice_of_classes_that_makes_no_sense_is_refused(tmp_path, classes, message):
    write_mnist(tmp_path, "fashion-mnist")
    with pytest.raises(ConfigurationError, match=message):
        load_dataset("fashion-mnist", data_dir=tmp_path, classes=classes)


def test_the_limit_counts_after_the_choice_of_classes(tmp_path):
    write_mnist(tmp_path)
    split = load_dataset("mnist", data_dir=tmp_path, classes=[0, 5], limit=3)
    np.testing.assert_array_equal(split.train.labels, [0, 1, 0])
    assert len(split.test) == 3
    with pytest.raises(ConfigurationError, match="limit 0"):
        load_dataset("mnist", data_dir=tmp_path, limit=0)


def test_an_attribute_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="Smiling"):
        load_dataset("mnist", data_dir=tmp_path, attribute="Smiling")


def test_a_part_without_images_of_the_classes_is_an_error(tmp_path):
    write_mnist(tmp_path, test=3)
    with pytest.raises(InputError, match="no image in the test part"):
        load_dataset("mnist", data_dir=tmp_path, classes=[8, 9])


@pytest.mark.parametrize(
    ("stem", "array", "message"),
    [
        ("train-images-idx3-ubyte", np.zeros((40, 28, 27)), "28×27"),
        ("train-labels-idx1-ubyte", np.zeros(39), "39 labels for 40 images"),
        ("t10k-labels-idx1-ubyte", np.full(20, 10), "label 10 at position 0"),
        ("t10k-images-idx3-ubyte", np.zeros(20), "magic number 00000801"),
    ],
)
def test_files_that_do_not_belong_together_are_refused(tmp_path, stem, array, message):
    write_mnist(tmp_path)
    (tmp_path / "mnist" / f"{stem}.gz").write_bytes(gzip.compress(idx(array)))
    with pytest.raises(InputError, match=message) as caught:
        load_dataset("mnist", data_dir=tmp_path)
    assert stem in str(caught.value)


@pytest.mark.parametrize("stem", STEMS)
def test_a_truncated_file_is_refused_and_not_replaced(tmp_path, stem):
    write_mnist(tmp_path)
    path = tmp_path / "mnist" / f"{stem}.gz"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(InputError, match=stem):
        load_dataset("mnist", data_dir=tmp_path)


@pytest.mark.skipif(
    not (Path(os.environ.get("QAML_DATA_DIR") or "/nonexistent") / "mnist").is_dir(),
    reason="needs the real MNIST: set QAML_DATA_DIR to a folder that holds mnist/",
)
def test_the_real_mnist_is_what_its_authors_published():
    assert [row.state for row in verify("mnist")] == ["ok"] * 4
    split = load_dataset("mnist", download=False)
    assert (len(split.train), len(split.test)) == (60_000, 10_000)
    np.testing.assert_array_equal(
        np.bincount(split.test.labels), [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    )
    assert round(float(split.train.images.mean(dtype=np.float64)), 4) == 0.1307
