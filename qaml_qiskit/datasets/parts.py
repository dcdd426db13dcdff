"""Setting a test part aside where a data set was published without one."""

import hashlib

import numpy as np
from numpy.typing import ArrayLike, NDArray

_TEST_PERCENT = 30


def hashed_test_part(labels: ArrayLike, salt: str, percent: int = _TEST_PERCENT) -> NDArray[np.bool_]:
    """Choose a share of every class for testing, whatever the version of any random generator.

    Within a class, the positions are ranked by the SHA-256 of ``<salt>-<position>`` and the first of them, the share
    rounded, are the test part: at least one and never all of them. A class with a single row has none in it.

    Args:
        labels: the class of every row, shape (N,).
        salt: another salt gives another choice.
        percent: the share.

    Returns:
        Which rows are the test part, shape (N,).
    """
    labels = np.asarray(labels)
    mask = np.zeros(len(labels), dtype=bool)
    _, starts = np.unique(np.sort(labels), return_index=True)
    for rows in np.split(np.argsort(labels, kind="stable"), starts[1:]):
        members = sorted(rows, key=lambda index: _rank(salt, int(index)))
        count = min(max(round(len(members) * percent / 100), 1), len(members) - 1)
        mask[members[:count]] = True
    return mask


def _rank(salt: str, index: int) -> str:
    return hashlib.sha256(f"{salt}-{index}".encode()).hexdigest()
