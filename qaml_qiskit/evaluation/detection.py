"""How well scores tell suspicious images from clean ones; higher = more suspicious, and above a threshold an alarm."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import binom, rankdata

from qaml_qiskit.errors import InputError
from qaml_qiskit.evaluation.proportions import Z_95, Proportion, wilson_interval
from qaml_qiskit.evaluation.thresholds import checked_scores, score_at, threshold_for

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Roc:
    """The rates at every threshold that makes a difference, from the one that no score is above to one that all are.

    Attributes:
        thresholds: falling, shape (K,); the last is −∞.
        false_positives: the share of clean scores above each, shape (K,).
        true_positives: the share of suspicious scores above each, shape (K,).
    """

    thresholds: Floats
    false_positives: Floats
    true_positives: Floats


@dataclass(frozen=True)
class Sensitivity:
    """The share of suspicious images that raise an alarm at a promised rate of false alarms.

    Attributes:
        value: the share.
        interval: 95 %, over the suspicious images, and over the clean ones that the threshold was chosen by.
        threshold: an alarm is a score above it.
    """

    value: float
    interval: tuple[float, float]
    threshold: float


def roc(clean: NDArray[np.floating], suspicious: NDArray[np.floating]) -> Roc:
    """The receiver operating characteristic.

    Args:
        clean: scores of clean images, shape (N,).
        suspicious: scores of the others, shape (M,).

    Raises:
        InputError: no score, or one that is NaN.
    """
    negative, positive = np.sort(checked_scores(clean, "clean")), np.sort(checked_scores(suspicious, "suspicious"))
    thresholds = np.append(np.unique(np.concatenate([negative, positive]))[::-1], -np.inf)
    above = [1 - np.searchsorted(each, thresholds, side="right") / len(each) for each in (negative, positive)]
    # Nothing lies below −∞: the curve's end is all images, those with that very score included.
    for rates in above:
        rates[-1] = 1.0
    return Roc(thresholds, *above)


def auroc(
    clean: NDArray[np.floating], suspicious: NDArray[np.floating], *, paired: bool = False
) -> tuple[float, tuple[float, float]]:
    """How often a suspicious image scores above a clean one, ties counted half, with its 95 % interval over the images.

    The interval is DeLong's (Biometrics 44, 837, 1988) on the scale of log-odds, where it stays within [0, 1]. Where
    suspicious images were made from the clean ones, the two scores of an image are one draw of both (Obuchowski,
    Biometrics 53, 567, 1997). Where no score varies against the other kind, as where all are told apart, Wilson's for
    the smaller number of images stands in for it.

    Args:
        clean: scores of clean images, shape (N,).
        suspicious: scores of the others, shape (M,).
        paired: whether the i-th suspicious image was made from the i-th clean one.

    Raises:
        InputError: no score, one that is NaN, or other numbers of them where they are paired.
    """
    negative, positive = checked_scores(clean, "clean"), checked_scores(suspicious, "suspicious")
    n, m = len(negative), len(positive)
    if paired and n != m:
        raise InputError(
            "the scores are no pairs",
            got=f"{n} clean and {m} suspicious ones",
            expected="as many of the one as of the other",
            remedy="compare images with those that they were made from",
        )
    ranks = rankdata(np.concatenate([negative, positive]))
    # Of every suspicious image the share of clean ones that it outranks, and of every clean one of those above it.
    over = (ranks[n:] - rankdata(positive)) / n
    under = 1 - (ranks[:n] - rankdata(negative)) / m
    value = float(over.mean())
    enough = min(n, m) > 1
    if paired:
        variance = float((over + under).var(ddof=1)) / n if enough else 0.0
    else:
        variance = float(over.var(ddof=1)) / m + float(under.var(ddof=1)) / n if enough else 0.0
    if not variance or not 0 < value < 1:
        return value, wilson_interval(value, min(n, m))
    half = Z_95 * math.sqrt(variance) / (value * (1 - value))
    return value, (float(expit(logit(value) - half)), float(expit(logit(value) + half)))


def rate_at(
    clean: NDArray[np.floating], suspicious: NDArray[np.floating], threshold: float
) -> tuple[Proportion, Proportion]:
    """False alarms among clean images and true ones among the others: scores above a threshold.

    The intervals of both are over the images; the threshold is taken as given.

    Raises:
        InputError: no score, or one that is NaN.
    """
    negative, positive = checked_scores(clean, "clean"), checked_scores(suspicious, "suspicious")
    return (
        Proportion(int((negative > threshold).sum()), len(negative)),
        Proportion(int((positive > threshold).sum()), len(positive)),
    )


def true_positives_at(
    clean: NDArray[np.floating], suspicious: NDArray[np.floating], false_alarms: float
) -> Sensitivity:
    """The share of suspicious images above the threshold that clean ones set, at a promised rate of false alarms.

    The interval is for other images of both kinds: Wilson's for the suspicious ones, and what the threshold would do at
    either end of its own interval, which is between order statistics and asks for no distribution; the two are put
    together as those of independent estimates are (Zou & Donner, Statistics in Medicine 27, 1693, 2008).

    Args:
        clean: scores that choose the threshold by :func:`threshold_for`: of validation images, shape (n,).
        suspicious: scores of the others, shape (M,).
        false_alarms: α, between 0 and 1.

    Raises:
        ConfigurationError, InputError: as :func:`threshold_for`.
    """
    threshold = threshold_for(clean, false_alarms)
    negative, positive = checked_scores(clean, "clean"), checked_scores(suspicious, "suspicious")
    caught = Proportion(int((positive > threshold).sum()), len(positive))
    # How many of n clean scores lie above the threshold that truly has this rate.
    fewest, most = (int(binom.ppf(tail, len(negative), false_alarms)) for tail in (0.025, 0.975))
    high, low = score_at(negative, fewest), score_at(negative, most + 1)
    least, greatest = (float((positive > each).mean()) for each in (high, low))
    down = math.hypot(caught.value - caught.interval[0], max(0.0, caught.value - least))
    up = math.hypot(caught.interval[1] - caught.value, max(0.0, greatest - caught.value))
    return Sensitivity(caught.value, (max(0.0, caught.value - down), min(1.0, caught.value + up)), threshold)
