"""scikit-learn's 8×8 handwritten digits: real handwriting that needs no download.

1,797 images with 64 pixels of 17 grey levels, the test part of Alpaydin and Kaynak, "Optical Recognition of
Handwritten Digits", UCI Machine Learning Repository (1998).
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.datasets.parts import hashed_test_part
from qaml_qiskit.datasets.spec import DatasetSpec, RawPart, RawSplit

_CLASS_NAMES = tuple(str(digit) for digit in range(10))
_BRIGHTEST = 16


def read_digits() -> RawSplit:
    """Return the digits, 1×8×8 in steps of 1/16, in a training and a test part of 70 and 30 per cent of each class.

    The parts belong to the data set like the published parts of MNIST: they do not depend on a run's seed, nor on
    the version of any random generator; see :func:`hashed_test_part`. Each part keeps scikit-learn's order.
    """
    images, labels = _all_digits()
    in_test = hashed_test_part(labels, "digits")
    return RawSplit(_CLASS_NAMES, _part(images, labels, ~in_test), _part(images, labels, in_test))


@cache
def _all_digits() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Kept, not to be changed: it is a long text that scikit-learn parses."""
    # It takes a second to import: only those who ask for the digits wait for it.
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return (pixels.reshape(-1, 1, 8, 8) / _BRIGHTEST).astype(np.float32), labels.astype(np.int64)


def _part(images: NDArray[np.float32], labels: NDArray[np.int64], mask: NDArray[np.bool_]) -> RawPart:
    chosen = images[mask]
    return RawPart(labels[mask], lambda positions: chosen[positions])


DIGITS = DatasetSpec(
    name="digits",
    description="handwritten digits, 8×8 grey, ten classes, 1,258 + 539 images (embedded)",
    homepage="https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits",
    class_names=_CLASS_NAMES,
    read=read_digits,
)
