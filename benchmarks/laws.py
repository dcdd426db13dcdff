"""Cost laws: seconds as a sum of counted operations with measured constants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

#: Counted operations of a point by term, and its seconds.
Measured = tuple[Mapping[str, float], float]


@dataclass(frozen=True)
class Law:
    """A fit.

    Attributes:
        constants: seconds an operation of every term.
        mean_error: root mean square of the relative errors on the points.
        largest_error: the largest of them.
    """

    constants: dict[str, float]
    mean_error: float
    largest_error: float

    def seconds(self, counts: Mapping[str, float]) -> float:
        """What a size takes by this law."""
        return sum(self.constants[term] * count for term, count in counts.items())


def fit(points: Sequence[Measured]) -> Law:
    """Least squares of the relative errors, with constants that are not negative.

    Every point counts alike, whether it took a millisecond or ten seconds.
    """
    terms = list(points[0][0])
    matrix = np.array([[counts[term] / seconds for term in terms] for counts, seconds in points])
    # Counts differ by many powers of ten, which the solver would take for noise.
    scale = matrix.max(0)
    found, _ = nnls(matrix / np.where(scale > 0, scale, 1), np.ones(len(points)))
    constants = found / np.where(scale > 0, scale, 1)
    errors = matrix @ constants - 1
    return Law(
        dict(zip(terms, constants.tolist(), strict=True)),
        float(np.sqrt(np.mean(errors**2))),
        float(np.abs(errors).max()),
    )
