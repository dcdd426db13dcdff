"""Images and labels as the rest of the package sees them."""

import numpy as np
import pytest

from qaml_qiskit.datasets import Dataset, Split, check_images
from qaml_qiskit.errors import InputError


def _images(count: int = 5) -> np.ndarray:
    return np.random.default_rng(0).random((count, 1, 3, 4), dtype=np.float32)


def _dataset(count: int = 5, classes: tuple[str, ...] = ("a", "b", "c")) -> Dataset:
    return Dataset("toy", _images(count), np.arange(count) % len(classes), classes)


def test_good_images_come_back_without_a_copy():
    images = _images()
    assert check_images(images, shape=(1, 3, 4)) is images


@pytest.mark.parametrize("given", [np.zeros((2, 1, 2, 2), dtype=np.int64), np.ones((1, 1, 2, 2), dtype=bool)])
def test_other_number_types_become_float32(given):
    checked = check_images(given)
    assert checked.dtype == np.float32
    np.testing.assert_array_equal(checked, given)


def test_lists_and_transposed_arrays_become_contiguous():
    assert check_images([[[[0.0, 0.5], [1.0, 0.25]]]]).shape == (1, 1, 2, 2)
    assert check_images(_images().transpose(0, 1, 3, 2)).flags.c_contiguous


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -0.001, 1.001, 1e300])
def test_the_first_bad_image_is_named(value):
    images = _images().astype(np.float64)
    images[2, 0, 1, 3] = images[4, 0, 0, 0] = value
    with pytest.raises(InputError, match=r"image 2: .*channel 0, row 1, column 3, and 1 more"):
        check_images(images)


def test_bytes_get_the_advice_to_divide():
    with pytest.raises(InputError, match="255"):
        check_images(np.full((1, 1, 2, 2), 200, dtype=np.uint8))


@pytest.mark.parametrize(
    "given",
    [
        np.zeros((3, 4)),
        np.zeros((1, 3, 4)),
        np.zeros((0, 1, 3, 4)),
        np.zeros((2, 1, 0, 4)),
        np.zeros((1, 1, 2, 2), dtype=complex),
        np.array([[[["x"]]]]),
        [[[[0.0, 1.0], [0.5]]]],
    ],
)
def test_what_is_no_batch_of_images_is_refused(given):
    with pytest.raises(InputError):
        check_images(given)


def test_the_wrong_shape_names_both():
    with pytest.raises(InputError, match=r"\(1, 3, 4\); expected shape \(1, 8, 8\)"):
        check_images(_images(), shape=(1, 8, 8))


def test_a_dataset_knows_its_size():
    dataset = _dataset()
    assert (len(dataset), dataset.num_classes, dataset.image_shape) == (5, 3, (1, 3, 4))
    assert dataset.images.dtype == np.float32
    assert dataset.labels.dtype == np.int64


def test_take_keeps_the_order_asked_for():
    dataset = _dataset()
    taken = dataset.take([4, 0, 4])
    np.testing.assert_array_equal(taken.images, dataset.images[[4, 0, 4]])
    np.testing.assert_array_equal(taken.labels, [1, 0, 1])
    assert taken.class_names == dataset.class_names


@pytest.mark.parametrize("indices", [[], [5], [-1], [0.0], [[0]], [True, False, True, False, True]])
def test_take_refuses_what_is_no_index(indices):
    with pytest.raises(InputError, match="toy"):
        _dataset().take(indices)


@pytest.mark.parametrize("labels", [[0, 1], [0, 1, 3], [0, -1, 1], [0.0, 1.0, 2.0], [[0], [1], [2]]])
def test_labels_must_fit_images_and_classes(labels):
    with pytest.raises(InputError):
        Dataset("toy", _images(3), np.array(labels), ("a", "b", "c"))


def test_both_parts_need_the_same_classes_and_shape():
    with pytest.raises(InputError, match="same classes"):
        Split(_dataset(), _dataset(classes=("a", "b")))


def test_data_are_printed_in_one_line() -> None:
    images, labels = np.zeros((12, 1, 2, 3), np.float32), np.arange(12)
    many = Dataset("letters", images, labels, tuple("abcdefghijkl"))
    assert repr(many) == "Dataset('letters': 12 images of 1×2×3; 12 classes: a, b, …, l)"
    few = Dataset("signs", images, labels % 2, ("stop", "go"))
    assert repr(Split(few, few)) == "Split('signs': 12 train + 12 test images of 1×2×3; 2 classes: stop, go)"
