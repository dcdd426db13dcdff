"""Means over several trainings on the same test images, with intervals for other trainings and other images.

Trainings are independent, and images are shared by all of them: hit s, i = mean + training s + image i + rest. The
variance of the mean is estimated by that of the S means over images, divided by S, and that of the N means over
trainings, divided by N; the rest is counted in both, which is cautious. The quantile is Student's, with the degrees of
freedom of Satterthwaite (1946). A bootstrap of five trainings would give a third less: it takes four fifths of their
variance, and a normal quantile in place of 2.78.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.errors import InputError
from qaml_qiskit.evaluation.effects import EXACT_SEEDS, signed_ranks
from qaml_qiskit.evaluation.estimated import Estimated, critical
from qaml_qiskit.evaluation.proportions import paired_difference, paired_test, wilson_interval

Floats = NDArray[np.floating]

#: Images that Bonett & Price add to a paired difference, one in favour of either way.
_ADDED = 2


def seeded_share(hits: Floats) -> Estimated:
    """How often something is so, over trainings and images.

    Wilson's interval. Of one training it is for other images alone. Of several it is that of so many independent images
    as have the variance that was found, never of more than there are.

    Args:
        hits: whether it is so, or how often, from 0 to 1; shape (S, N).

    Raises:
        InputError: no training or no image.
    """
    table = _table(hits)
    trainings, images = table.shape
    share = float(np.clip(table.mean(), 0, 1))
    seeds, pictures = _variances(table)
    degrees = _degrees((seeds, trainings - 1), (pictures, images - 1)) if trainings > 1 else np.inf
    variance = seeds + pictures
    alone = trainings == 1 or variance <= 0
    trials = images if alone else max(1.0, min(images, share * (1 - share) / variance))
    return Estimated(share, lambda alpha: wilson_interval(share, trials, critical(alpha, degrees)))


def seeded_difference(first: Floats, second: Floats) -> Estimated:
    """How much more often the first of two ways is right, seed by seed and image by image.

    Of one training each it has Newcombe's interval (:func:`paired_difference`) and McNemar's exact test; of several,
    :func:`seeded_contrast`.

    Args:
        first: whether the one way is right, or how often, from 0 to 1; shape (S, N).
        second: the other way.

    Raises:
        InputError: shapes that differ, no training or no image.
    """
    one, other = _table(first), _table(second)
    if one.shape != other.shape:
        raise InputError(
            "the two ways cannot be compared image by image",
            got=f"shapes {one.shape} and {other.shape}",
            expected="the same trainings and the same images",
            remedy="compare them as independent, with `seeded_share(…).minus(…)`",
        )
    if len(one) > 1:
        return _bounded(seeded_contrast(one - other))
    return Estimated(
        float(one.mean() - other.mean()),
        lambda alpha: paired_difference(one[0], other[0], critical(alpha))[1],
        lambda edge: paired_test(one[0], other[0])[2] if edge == 0 else None,
    )


def seeded_contrast(changes: Floats, grain: float = 1.0) -> Estimated:
    """The mean of a number an image and training that may have either sign, such as a difference of hits.

    Two images are added, one with ``grain`` and one with −``grain`` (Bonett & Price, J. Educ. Behav. Stat. 37, 479,
    2012), so that the interval of what never changed in N images is no point. Of one training it covers images alone.

    Args:
        changes: shape (S, N).
        grain: what one image can change.

    Raises:
        InputError: no training or no image.
    """
    table = _table(changes)
    trainings, images = table.shape
    by_image = table.mean(axis=0)
    count = images + _ADDED
    centre = float(by_image.sum()) / count
    pictures = (float((by_image**2).sum() + _ADDED * grain**2) / count - centre**2) / count
    seeds, _ = _variances(table)
    degrees = _degrees((seeds, trainings - 1), (pictures, count - 1)) if trainings > 1 else np.inf
    error = float(np.sqrt(seeds + pictures))

    def ends(alpha: float) -> tuple[float, float]:
        half = critical(alpha, degrees) * error
        return centre - half, centre + half

    return Estimated(float(table.mean()), ends)


def seeded_mean(values: Floats) -> Estimated:
    """The mean of one number a training, with Student's interval: for other trainings, not for other images.

    From six trainings on, Wilcoxon's exact test stands for the p-value; with fewer it can never reach .05.

    Args:
        values: shape (S,), S ≥ 2.

    Raises:
        InputError: fewer than two.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1 or len(numbers) < 2:
        raise InputError(
            "the spread of trainings is not known",
            got=f"{numbers.size} of them" if numbers.ndim == 1 else f"shape {numbers.shape}",
            expected="one number for each of at least two trainings",
            remedy="train with more seeds",
        )
    mean, error, degrees = float(numbers.mean()), float(numbers.std(ddof=1) / np.sqrt(len(numbers))), len(numbers) - 1

    def ends(alpha: float) -> tuple[float, float]:
        half = critical(alpha, degrees) * error
        return mean - half, mean + half

    ranked = len(numbers) >= EXACT_SEEDS
    return Estimated(mean, ends, (lambda edge: signed_ranks(numbers - edge).p) if ranked else None)


def trend_weights(count: int) -> NDArray[np.float64]:
    """Weights of ``count`` ordered figures whose sum is the rise of the straight line through them, first to last."""
    places = np.arange(count) - (count - 1) / 2
    return places * (count - 1) / (places**2).sum()


def _bounded(found: Estimated) -> Estimated:
    """A difference of two shares, which is from −1 to 1."""

    def ends(alpha: float) -> tuple[float, float]:
        low, high = found.ends(alpha)
        return max(-1.0, low), min(1.0, high)

    return Estimated(found.value, ends)


def _variances(table: Floats) -> tuple[float, float]:
    """Of the mean: what the spread of trainings gives, and what that of images gives; 0 where there is one alone."""
    parts = [table.mean(axis=1), table.mean(axis=0)]
    seeds, images = (float(part.var(ddof=1)) / len(part) if len(part) > 1 else 0.0 for part in parts)
    return seeds, images


def _degrees(*parts: tuple[float, int]) -> float:
    """Satterthwaite's degrees of freedom of a sum of variances, each with its own."""
    counted = [(variance, degrees) for variance, degrees in parts if variance > 0 and degrees > 0]
    if not counted:
        return float("inf")
    return sum(variance for variance, _ in counted) ** 2 / sum(variance**2 / own for variance, own in counted)


def _table(hits: Floats | Sequence[Floats]) -> NDArray[np.float64]:
    table = np.asarray(hits, dtype=np.float64)
    if table.ndim != 2 or not table.size or not np.isfinite(table).all():
        raise InputError(
            "there is no mean over trainings and images",
            got=f"shape {table.shape}" + ("" if np.isfinite(table).all() else " with numbers that are not finite"),
            expected="shape (S, N): a number for every training and image, at least one of each",
            remedy="count at least one image of at least one training",
        )
    return table
