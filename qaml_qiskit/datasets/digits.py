"""scikit-learn's 8×8 handwritten digits: real handwriting that needs no download.

1,797 images with 64 pixels of 17 grey levels, the test part of Alpaydin and Kaynak, "Optical Recognition of
Handwritten Digits", UCI Machine Learning Repository (1998).
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.datasets.spec import DatasetSpec, RawPart, RawSplit

_CLASS_NAMES = tuple(str(digit) for digit in range(10))
_BRIGHTEST = 16
_TEST_PERCENT = 30


def read_digits() -> RawSplit:
    """Return the digits, 1×8×8 in steps of 1/16, in a training and a test part of 70 and 30 per cent of each class.

    The parts belong to the data set like the published parts of MNIST: they do not depend on a run's seed, nor on
    the version of any random generator. Within a class, the images are ranked by the SHA-256 of ``digits-<index>``
    and the first 30 per cent are the test part; each part keeps scikit-learn's order.
    """
    # scikit-learn takes a second to import: only those who ask for the digits wait for it.
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    images = (pixels.reshape(-1, 1, 8, 8) / _BRIGHTEST).astype(np.float32)
    labels = labels.astype(np.int64)
    in_test = _test_mask(labels)
    return RawSplit(_CLASS_NAMES, _part(images, labels, ~in_test), _part(images, labels, in_test))


def _test_mask(labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    mask = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        members = sorted(np.flatnonzero(labels == label), key=lambda index: _rank(int(index)))
        mask[members[: round(len(members) * _TEST_PERCENT / 100)]] = True
    return mask


def _rank(index: int) -> str:
    return hashlib.sha256(f"digits-{index}".encode()).hexdigest()


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
