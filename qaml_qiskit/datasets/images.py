"""The one place where images are checked, and where 8-bit pixels become numbers in [0, 1]."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qaml_qiskit.errors import InputError

_BRIGHTEST_BYTE = 255


def check_images(images: ArrayLike, *, shape: Sequence[int] | None = None) -> NDArray[np.float32]:
    """Return images as ``float32``, or say which image cannot be used and why.

    A constant image passes: whether it can be encoded is for the encoding to say.

    Args:
        images: pixels in [0, 1], N×C×H×W, any real number type.
        shape: the C, H, W that every image must have; any when left out.

    Returns:
        The images as ``float32``, N×C×H×W, in C order: the same array where it already is one.

    Raises:
        InputError: not numbers, not four axes, empty, the wrong shape, or a pixel that is not finite or not in
            [0, 1]; the message names the index of the first bad image.
    """
    array = _as_numbers(images)
    if array.ndim != 4:
        raise InputError(
            "cannot use these images",
            got=f"an array of shape {array.shape}",
            expected="four axes, N×C×H×W",
            remedy="add the missing axes: a single grey image of H×W becomes images[None, None]",
        )
    if array.size == 0:
        raise InputError(
            "cannot use these images",
            got=f"an empty array of shape {array.shape}",
            expected="at least one image with at least one pixel",
            remedy="select at least one image",
        )
    if shape is not None and array.shape[1:] != tuple(shape):
        raise InputError(
            "cannot use these images",
            got=f"images of shape {array.shape[1:]}",
            expected=f"shape {tuple(shape)} (C, H, W)",
            remedy="resize the images, or choose a model that was trained on this shape",
        )
    with np.errstate(over="ignore", invalid="ignore"):
        checked = np.ascontiguousarray(array, dtype=np.float32)
        # The minimum of an array with a NaN is NaN, and so both comparisons fail as they should.
        in_range = bool(checked.min() >= 0 and checked.max() <= 1)
    if not in_range:
        raise _pixel_error(array, checked)
    return checked


def from_bytes(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Map 8-bit pixels of any shape to ``float32`` in [0, 1]: 0 is black, 255 is 1 exactly."""
    return np.divide(pixels, np.float32(_BRIGHTEST_BYTE), dtype=np.float32)


def _as_numbers(images: ArrayLike) -> NDArray[np.generic]:
    try:
        array = np.asarray(images)
    except (ValueError, TypeError, RuntimeError) as error:
        raise InputError(
            "cannot use these images",
            got=f"{type(images).__name__} that is no array ({error})",
            expected="an array of numbers, N×C×H×W",
            remedy="stack the images into one array of equal shapes",
        ) from error
    if array.dtype.kind not in "fiub":
        raise InputError(
            "cannot use these images",
            got=f"values of type {array.dtype}",
            expected="real numbers in [0, 1]",
            remedy="convert the images to float32",
        )
    return array


def _pixel_error(given: NDArray[np.generic], checked: NDArray[np.float32]) -> InputError:
    """Name the first bad image and its first bad pixel, with the value as the caller gave it."""
    with np.errstate(invalid="ignore"):
        bad = ~((checked >= 0) & (checked <= 1))
    bad_images = np.flatnonzero(bad.any(axis=(1, 2, 3)))
    index = int(bad_images[0])
    channel, row, column = (int(axis) for axis in np.unravel_index(int(bad[index].argmax()), bad.shape[1:]))
    value = given[index, channel, row, column]
    more = f", and {len(bad_images) - 1} more such images" if len(bad_images) > 1 else ""
    if not np.isfinite(checked[index]).all():
        remedy = "remove or repair the images that hold NaN or infinity"
    elif given.dtype.kind in "iu" or 2 < checked.max() <= _BRIGHTEST_BYTE:
        remedy = f"divide 8-bit pixels by {_BRIGHTEST_BYTE}"
    else:
        remedy = "undo any normalisation (the model does its own) or clip the images to [0, 1]"
    return InputError(
        f"cannot use image {index}",
        got=f"pixel {value} at channel {channel}, row {row}, column {column}{more}",
        expected="finite pixels in [0, 1]",
        remedy=remedy,
    )
