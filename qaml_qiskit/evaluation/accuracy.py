"""Accuracy with the interval that its sample size allows."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Two-sided 95 % quantile of the standard normal distribution.
Z_95 = 1.959963984540054


@dataclass(frozen=True)
class Proportion:
    """A frequency with its 95 % Wilson score interval.

    Wilson's interval stays inside [0, 1] and is honest for proportions near 1 and samples of a few dozen, where the
    textbook ± 1.96·√(p(1−p)/n) is not (Wilson 1927; Brown, Cai & DasGupta 2001).
    """

    successes: int
    trials: int

    @property
    def value(self) -> float:
        """Successes / trials."""
        return self.successes / self.trials

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end, 95 %."""
        n, p, z2 = self.trials, self.value, Z_95**2
        centre = (p + z2 / (2 * n)) / (1 + z2 / n)
        half = Z_95 * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
        # Rounding must not make something of nothing, nor less of all.
        low = 0.0 if self.successes == 0 else max(0.0, centre - half)
        high = 1.0 if self.successes == n else min(1.0, centre + half)
        return low, high


def accuracy(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> Proportion:
    """How often the highest logit is the label's.

    Args:
        logits: shape (N, m); ⟨Z_k⟩ serve as well, since scaling does not change the order.
        labels: shape (N,), N ≥ 1.
    """
    return Proportion(int((logits.argmax(axis=1) == labels).sum()), len(labels))


def rms_difference(values: NDArray[np.floating], reference: NDArray[np.floating]) -> float:
    """Root mean square of ``values − reference``: how far measured ⟨Z_k⟩ are from the exact ones."""
    return float(np.sqrt(np.mean((values - reference) ** 2)))


def slope(values: NDArray[np.floating], reference: NDArray[np.floating]) -> float | None:
    """Slope of the straight line through ``values`` against ``reference``: how much of the exact ⟨Z_k⟩ is left.

    1 is unbiased, less is damped by noise, more is overcorrected. Shots do not bias it. None when all reference values
    are equal.
    """
    x, y = reference.ravel() - reference.mean(), values.ravel() - values.mean()
    spread = float(x @ x)
    return float(x @ y) / spread if spread else None


def paired_test(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> tuple[int, int, float]:
    """Whether two ways to name the same images differ, by McNemar's exact test.

    Only images that one names correctly and the other does not say anything about it; if there is no difference, each
    of them falls on either side with probability ½.

    Args:
        first: whether the one way is correct, shape (N,).
        second: whether the other is.

    Returns:
        Images that only the first names correctly, those that only the second does, and the two-sided p-value.
    """
    gained, lost = int((first & ~second).sum()), int((second & ~first).sum())
    n = gained + lost
    tail = sum(math.comb(n, k) for k in range(min(gained, lost) + 1))
    return gained, lost, min(1.0, 2 * tail / 2**n)
