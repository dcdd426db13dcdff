"""Margins between a label and the best other class, and what moves them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from qaml_qiskit.evaluation.head import LinearHead

Floats = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Margins:
    """The logit of the label less that of the best other class, as a linear function of what is read.

    Attributes:
        values: shape (N,); above 0 where the image is named correctly.
        weights: shape (N, S), of the averages ⟨P_s⟩ in it.
        others: shape (N,), the best other class.
    """

    values: Floats
    weights: Floats
    others: NDArray[np.int64]

    @classmethod
    def of(cls, read: Floats, head: LinearHead[Floats], labels: NDArray[np.integer]) -> Margins:
        """Of averages (N, S), by a head, with the labels (N,) of at least two classes."""
        logits, rows = np.asarray(head.logits(read), dtype=np.float64), np.arange(len(labels))
        rest = logits.copy()
        rest[rows, labels] = -np.inf
        others = rest.argmax(axis=1)
        values = logits[rows, labels] - logits[rows, others]
        matrix = np.asarray(head.matrix, dtype=np.float64)
        return cls(values, matrix[labels] - matrix[others], others)

    def variances(self, read: Floats, shots: int) -> Floats:
        """Of the margins by so many shots, shape (N, S): the part of each average, others taken as independent."""
        return self.weights**2 * (1 - np.minimum(np.abs(read), 1) ** 2) / shots

    def density(self, spread: Floats) -> Floats:
        """How fast the chance that an image is named correctly grows with its margin, shape (N,).

        Args:
            spread: standard errors of the margins, shape (N,), taken as normal.
        """
        safe = np.maximum(spread, np.finfo(np.float64).tiny)
        return np.asarray(norm.pdf(self.values / safe) / safe)
