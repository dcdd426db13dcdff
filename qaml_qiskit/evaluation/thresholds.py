"""Where an alarm is set so that a promise holds, whatever the distribution; higher scores = more suspicious.

An alarm is a score above the threshold, so scores that are equal to it, as the few values of a count are, stay silent:
a threshold keeps its promise then, and may have fewer alarms.
"""

import math

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.errors import ConfigurationError, InputError

Floats = NDArray[np.float64]
#: α is a decimal number that has no exact binary one; rounding must neither ask for an image more nor give one away.
_ROUNDING = 1e-9


def least_images(alpha: float) -> int:
    """How many clean images a threshold with this promise needs: ⌈1/α⌉ − 1.

    Args:
        alpha: α, the share of clean images that may lie above it.

    Raises:
        ConfigurationError: α is not between 0 and 1.
    """
    if not 0 < alpha < 1:
        raise ConfigurationError(
            "nothing can be promised at this rate",
            got=f"{alpha:g}",
            expected="a share between 0 and 1",
            remedy="give a share of clean images, such as 0.05",
        )
    return max(1, math.ceil(1 / alpha - _ROUNDING) - 1)


def allowed_above(images: int, alpha: float) -> int:
    """How many of n scores may lie at or above the threshold, which is the k-th highest: k = ⌊α(n + 1)⌋."""
    return math.floor(alpha * (images + 1) + _ROUNDING)


def threshold_for(validation_scores: NDArray[np.floating], alpha: float) -> float:
    """The threshold above which a further clean image scores with probability α at most.

    The k-th highest of n scores, k = ⌊α(n + 1)⌋: a further image that comes from where these came from is among the k
    highest of n + 1 with probability k/(n + 1), whatever the distribution (Vovk, Gammerman & Shafer, Algorithmic
    Learning in a Random World, 2005). The probability is over the validation images, too: some sets are unlucky.

    Args:
        validation_scores: of clean images that nothing was learned from, shape (n,).
        alpha: α, between 0 and 1.

    Raises:
        ConfigurationError: α is not between 0 and 1.
        InputError: fewer than ⌈1/α⌉ − 1 scores, or one that is NaN.
    """
    scores = checked_scores(validation_scores, "validation")
    check_enough(len(scores), alpha, f"a promise of {alpha:.4g} false alarms", "allow more false alarms")
    return score_at(scores, allowed_above(len(scores), alpha))


def check_enough(images: int, alpha: float, promise: str, remedy: str, *, whole: int | None = None) -> None:
    """Refuse validation images that are too few for a promise, and say how many it needs.

    Args:
        images: that set the threshold.
        alpha: α, at which the promise may fail.
        promise: in words.
        remedy: what else to do than to give more images.
        whole: validation images in all, where these are the second of two halves and something is learned from the
            first; None where they are all of them.

    Raises:
        ConfigurationError: α is not between 0 and 1.
        InputError: fewer than ⌈1/α⌉ − 1, or none to learn from.
    """
    least, half = least_images(alpha), whole is not None
    if images >= least and whole != images:
        return
    raise InputError(
        f"there are too few validation images for {promise}",
        got=f"{whole}, of which {images} set the threshold" if half else f"{images} to set the threshold by",
        expected=f"at least {max(2, 2 * least - 1)}: ⌈1/α⌉ − 1 = {least} set the threshold, as many teach"
        if half
        else f"at least {least}: ⌈1/α⌉ − 1",
        remedy=f"give more validation images, or {remedy}",
    )


def score_at(scores: Floats, place: int) -> float:
    """The score at a place from the top, counted from 1; ∞ before the first and −∞ behind the last."""
    if place < 1:
        return math.inf
    return -math.inf if place > len(scores) else float(np.sort(scores)[-place])


def checked_scores(values: object, what: str) -> Floats:
    """Scores in double precision, shape (N,).

    Args:
        values: of at least one image.
        what: whose they are, in a word.

    Raises:
        InputError: no score, or one that is NaN.
    """
    scores = np.asarray(values, dtype=np.float64)
    if scores.ndim != 1 or not len(scores) or np.isnan(scores).any():
        raise InputError(
            f"the {what} scores cannot be used",
            got=f"shape {scores.shape}" + (" with NaN" if np.isnan(scores).any() else ""),
            expected="one number for each of at least one image",
            remedy="pass the scores of a detector",
        )
    return scores
