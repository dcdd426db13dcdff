"""Arrays of any usual layout as images and classes: for files, and for arrays that a user has at hand."""

import re
import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qaml_qiskit.datasets.images import check_images, from_bytes
from qaml_qiskit.errors import DataWarning, InputError
from qaml_qiskit.formats import short

#: Whole numbers from here on do not fit 64 bits.
_ENDLESS = 2.0**63
#: A name that counts, and that Python turns into a number.
_NUMBER = re.compile(r"-?\d{1,1000}")


def pixels_of(images: ArrayLike, source: str) -> NDArray[np.float32]:
    """Bring images of any usual layout into this package's.

    Args:
        images: N×H×W; N×C×H×W or N×H×W×C, told apart by the channels being fewer than rows and columns; or N×D, which
            is N rows of D features. ``uint8``, or numbers in [0, 1].
        source: what they come from, for messages.

    Returns:
        ``float32`` in [0, 1], N×C×H×W; a row of D features is an image of 1×1×D.

    Raises:
        InputError: another number of axes, no images, or pixels outside [0, 1].
    """
    array = as_array(images, source)
    if array.ndim not in (2, 3, 4) or array.dtype.kind not in "fiub" or array.size == 0:
        raise InputError(
            f"cannot use {source}",
            got=f"values of type {array.dtype} and shape {array.shape}",
            expected="images N×H×W, N×H×W×C or N×C×H×W, or features N×D, as uint8 or as numbers in [0, 1]",
            remedy="stack the images into one array of equal shapes",
        )
    if array.ndim == 2:
        array = array[:, None, None, :]
    elif array.ndim == 3:
        array = array[:, None]
    elif array.shape[3] < array.shape[1]:
        array = array.transpose(0, 3, 1, 2)
    if array.dtype == np.uint8:
        if array.max() == 1:
            warnings.warn(
                f"The values of {source} are bytes, none above 1 of 255: they become 0 and .004. If 1 is white, give "
                "truth values: images.astype(bool).",
                DataWarning,
                stacklevel=2,
            )
        return np.ascontiguousarray(from_bytes(array.astype(np.uint8, copy=False)))
    try:
        return check_images(array)
    except InputError as error:
        raise InputError(
            f"cannot use {source}: {error.what}", got=error.got, expected=error.expected, remedy=error.remedy
        ) from error


def as_array(values: ArrayLike, source: str) -> NDArray[np.generic]:
    """An array of whatever numpy makes one of, and of a tensor, wherever it is and whether or not it has a gradient.

    Args:
        values: rows or labels.
        source: what they are, for messages.

    Raises:
        InputError: rows of different lengths, or what is no array at all.
    """
    try:
        return np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
    except (ValueError, TypeError, RuntimeError, NotImplementedError) as error:
        raise InputError(
            f"cannot use {source}",
            got=f"a {type(values).__name__} that is no array: {error}",
            expected="an array, or a list of lists of the same length",
            remedy="stack them into one array of equal shapes",
        ) from error


def class_labels(labels: ArrayLike, count: int, source: str) -> NDArray[np.str_]:
    """The class of every image as text.

    Args:
        labels: N or N×1; integers, texts or truth values; floats that are whole numbers.
        count: N, of the images.
        source: what they come from, for messages.

    Raises:
        InputError: not one label an image, or labels of another kind, such as numbers with a fraction.
    """
    array = as_array(labels, source)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.shape != (count,):
        raise InputError(
            f"cannot use {source}",
            got=f"labels of shape {array.shape} for {count} images",
            expected="one label an image, N or N×1",
            remedy="pair every image with one label",
        )
    if array.dtype.kind == "f":
        check_whole(array.astype(np.float64), source)
        array = array.astype(np.int64)
    if array.dtype.kind == "O" and all(isinstance(each, str) for each in array.tolist()):
        array = array.astype(np.str_)
    if array.dtype.kind not in "biuU":
        strange = [
            f"{short(each)} in row {row}" for row, each in enumerate(array.tolist()) if not isinstance(each, str)
        ]
        raise InputError(
            f"cannot use {source}",
            got=f"the label {strange[0]}" if array.dtype.kind == "O" else f"labels of type {array.dtype}",
            expected="whole numbers or texts",
            remedy="give every class a number or a name",
        )
    return array.astype(np.str_)


def check_whole(labels: NDArray[np.float64], source: str) -> None:
    """Refuse the first label that is a number and no whole one: a measured value is no class.

    Args:
        labels: shape (N,).
        source: what they come from, for messages.

    Raises:
        InputError: there is one, or one that is not finite.
    """
    bad = np.flatnonzero((labels != np.floor(labels)) | ~(np.abs(labels) < _ENDLESS))
    if bad.size:
        raise InputError(
            f"cannot use {source}",
            got=f"the label {labels[bad[0]]:g} in row {bad[0]}",
            expected="a class in every row: a whole number or a text",
            remedy="give every class a number or a name, a range of measured values too",
        )


def in_order(names: NDArray[np.str_]) -> tuple[str, ...]:
    """Different names of classes in the order of their labels: numbers by their value, texts by the alphabet.

    Raises:
        InputError: a name that no file can hold, such as that of a folder whose name is not UTF-8.
    """
    found = np.unique(names).tolist()
    for name in found:
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise InputError(
                f"cannot use the class {name!r}",
                got="a name with bytes that are not UTF-8",
                expected="a text",
                remedy="rename the class",
            ) from error
    if all(_NUMBER.fullmatch(name) for name in found):
        return tuple(sorted(found, key=int))
    return tuple(found)
