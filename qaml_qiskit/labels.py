"""True classes, checked in one way for every function that takes them."""

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.errors import InputError


def check_labels(
    labels: object, count: int, num_classes: int | None = None, *, source: str | None = None
) -> NDArray[np.int64]:
    """The labels as 64-bit integers.

    Args:
        labels: an array, a tensor on the CPU or a list; integers of any width, or booleans for classes 0 and 1.
        count: of the examples that they belong to.
        num_classes: m, where it is known.
        source: the file that they come from, for the message.

    Returns:
        Shape (count,).

    Raises:
        InputError: not one integer an example, or one that is no class from 0 to m − 1.
    """
    array, place = np.asarray(labels), "" if source is None else f" in {source}"
    if array.shape != (count,) or (count and array.dtype.kind not in "biu"):
        raise InputError(
            f"the labels{place} do not fit the images",
            got=f"labels of shape {array.shape} and type {array.dtype} for {count} images",
            expected=f"one integer class an image, shape ({count},)",
            remedy="pass the true classes of the images, as integers along one axis",
        )
    wrong = (array < 0) | (array >= (num_classes if num_classes is not None else np.iinfo(np.int64).max))
    if wrong.any():
        first = int(wrong.argmax())
        raise InputError(
            f"the label of image {first}{place} is no class",
            got=str(array[first]),
            expected="a number from 0" + (f" to {num_classes - 1}" if num_classes is not None else ""),
            remedy="number the classes from 0 in the order in which the model was trained on them",
        )
    return array.astype(np.int64)
