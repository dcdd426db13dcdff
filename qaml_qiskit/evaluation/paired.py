"""Differences of figures of two ways on the same images, with intervals by a bootstrap that draws the images alike."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.errors import InputError

Floats = NDArray[np.floating]
#: A figure of N images, each counted so often: of weights (R, N) its R values; NaN where it does not exist.
Figure = Callable[[NDArray[np.float64]], NDArray[np.float64]]

#: So many replicates, of which so many at a time: the weights of 10,000 images take 8 MB.
_REPLICATES, _BLOCK = 1000, 100


def bootstrap_difference(
    first: Figure, second: Figure, count: int, *, seed: int = 0
) -> tuple[float | None, tuple[float, float] | None]:
    """How much larger a figure of the first way is, with its 95 % interval for other images of the kind.

    A percentile bootstrap over the images, the same for both ways. Replicates in which a figure does not exist, as an
    AUROC of no error, are left out.

    Args:
        first: of the one way.
        second: of the other.
        count: N ≥ 1.
        seed: of the replicates.

    Returns:
        The difference and its interval; None for either that does not exist.

    Raises:
        InputError: no image.
    """
    if count < 1:
        raise InputError(
            "the two ways cannot be compared", got="no image", expected="at least one", remedy="count at least one"
        )
    all_once = np.ones((1, count))
    value = float((first(all_once) - second(all_once))[0])
    generator = np.random.default_rng(seed)
    drawn = []
    for _ in range(0, _REPLICATES, _BLOCK):
        weights = generator.multinomial(count, np.full(count, 1 / count), size=_BLOCK).astype(np.float64)
        drawn.append(first(weights) - second(weights))
    differences = np.concatenate(drawn)
    differences = differences[np.isfinite(differences)]
    if not np.isfinite(value) or count < 2 or not len(differences):
        return (value if np.isfinite(value) else None), None
    low, high = np.quantile(differences, (0.025, 0.975))
    return value, (float(low), float(high))


def mean_figure(values: Floats) -> Figure:
    """The mean of a number an image, shape (N,)."""
    numbers = np.asarray(values, dtype=np.float64)
    return lambda weights: weights @ numbers / weights.sum(axis=1)


def bin_error_figure(confidence: Floats, right: NDArray[np.bool_], places: NDArray[np.integer]) -> Figure:
    """An expected calibration error, Σ_b n_b/N·|confidence_b − accuracy_b|.

    Args:
        confidence: shape (N,).
        right: whether the label is, shape (N,).
        places: numbers of bins, shape (N,).
    """
    gaps = np.zeros((len(confidence), int(places.max()) + 1))
    gaps[np.arange(len(confidence)), places] = np.asarray(confidence, dtype=np.float64) - right
    return lambda weights: np.abs(weights @ gaps).sum(axis=1) / weights.sum(axis=1)


def ranking_figure(scores: Floats, suspicious: NDArray[np.bool_]) -> Figure:
    """AUROC: how often a suspicious image scores above another, ties counted half.

    Args:
        scores: shape (N,), the higher the more suspicious.
        suspicious: which they are, shape (N,).
    """
    order = np.argsort(scores, kind="stable")
    ranked, positive = np.asarray(scores)[order], np.asarray(suspicious)[order]
    starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))

    def figure(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        mine = weights[:, order]
        above, below = (np.add.reduceat(mine * chosen, starts, axis=1) for chosen in (positive, ~positive))
        under = np.cumsum(below, axis=1) - below / 2
        pairs = above.sum(axis=1) * below.sum(axis=1)
        return np.where(pairs > 0, (above * under).sum(axis=1) / np.maximum(pairs, 1), np.nan)

    return figure
