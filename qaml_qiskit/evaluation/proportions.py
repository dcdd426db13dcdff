"""Accuracy with the interval that its sample size allows."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.errors import InputError
from qaml_qiskit.labels import check_labels

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

    def __post_init__(self) -> None:
        """Refuse what is no frequency."""
        if not 0 <= self.successes <= self.trials or not self.trials:
            raise InputError(
                "this is no proportion",
                got=f"{self.successes} successes in {self.trials} trials",
                expected="at least one trial, and no more successes than trials",
                remedy="count at least one image",
            )

    @property
    def value(self) -> float:
        """Successes / trials."""
        return self.successes / self.trials

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end, 95 %."""
        return wilson_interval(self.value, self.trials)


def wilson_interval(share: float, trials: float, z: float = Z_95) -> tuple[float, float]:
    """Lower and upper end of Wilson's score interval, 95 % where nothing else is said.

    Args:
        share: of successes, from 0 to 1; may be a mean of shares, for which the interval is cautious.
        trials: N ≥ 1; so many independent ones as tell as much, where they are not independent.
        z: quantile of the level.
    """
    n, p, z2 = trials, share, z**2
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    # Rounding must not make something of nothing, nor less of all.
    low = 0.0 if p == 0 else max(0.0, centre - half)
    high = 1.0 if p == 1 else min(1.0, centre + half)
    return low, high


def success_rate(right: NDArray[np.bool_], wrong_now: NDArray[np.bool_]) -> float | None:
    """Share of the images that were right before an attack which are wrong now; None where none was right.

    Args:
        right: shape (N,).
        wrong_now: shape (N,).
    """
    return float((right & wrong_now).sum() / right.sum()) if right.any() else None


def accuracy(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> Proportion:
    """How often the highest logit is the label's.

    Args:
        logits: shape (N, m); ⟨Z_k⟩ serve as well, since scaling does not change the order.
        labels: classes from 0 to m − 1, shape (N,), N ≥ 1.

    Raises:
        InputError: no image, another shape, a label that is no class, or a logit that is NaN.
    """
    right = named_right(logits, labels)
    return Proportion(int(right.sum()), len(right))


def named_right(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Whether the highest logit of each image is the label's, shape (N,); as :func:`accuracy`, with its errors."""
    values = _numbers(logits, "the logits")
    if values.ndim != 2 or not values.size:
        raise InputError(
            "there is no accuracy of these logits",
            got=f"shape {values.shape}",
            expected="shape (N, m): at least one image and one class",
            remedy="pass one row an image, one column a class",
        )
    unreadable = np.isnan(values).any(axis=1)
    if unreadable.any():
        raise InputError(
            f"the logits of image {int(unreadable.argmax())} name no class",
            got="NaN",
            expected="numbers",
            remedy="leave the image out, or measure it again",
        )
    right: NDArray[np.bool_] = values.argmax(axis=1) == check_labels(labels, *values.shape)
    return right


def rms_difference(values: NDArray[np.floating], reference: NDArray[np.floating]) -> float:
    """Root mean square of ``values − reference``: how far measured ⟨Z_k⟩ are from the exact ones.

    Raises:
        InputError: different shapes, no number, or one that is not finite.
    """
    measured, exact = _pair(values, reference)
    return float(np.sqrt(np.mean((measured - exact) ** 2)))


def slope(values: NDArray[np.floating], reference: NDArray[np.floating]) -> float | None:
    """Slope of the straight line through ``values`` against ``reference``: how much of the exact ⟨Z_k⟩ is left.

    1 is unbiased, less is damped by noise, more is overcorrected. Shots do not bias it. None when all reference values
    are equal.

    Raises:
        InputError: different shapes, no number, or one that is not finite.
    """
    measured, exact = _pair(values, reference)
    x, y = exact.ravel() - exact.mean(), measured.ravel() - measured.mean()
    spread = float(x @ x)
    return float(x @ y) / spread if spread else None


#: Whether each image is named correctly; or, of a way that is random, how often.
Rightness = NDArray[np.bool_] | NDArray[np.floating]


def paired_test(first: Rightness, second: Rightness) -> tuple[int, int, float]:
    """Whether two ways to name the same images differ, by McNemar's exact test.

    Only images that one names correctly and the other does not say anything about it; if there is no difference, each
    of them falls on either side with probability ½. Of ways that are random, the expected numbers of such images are
    rounded, for which the test is cautious: frequencies vary less than single draws.

    Args:
        first: whether the one way is correct, or how often, from 0 to 1; shape (N,).
        second: whether, or how often, the other is.

    Returns:
        Images that only the first names correctly, those that only the second does, and the two-sided p-value.

    Raises:
        InputError: anything but two arrays of the same length, of booleans or of numbers from 0 to 1.
    """
    one, other = _shares(first, second)
    gained, lost = round(float((one * (1 - other)).sum())), round(float((other * (1 - one)).sum()))
    n = gained + lost
    tail = sum(math.comb(n, k) for k in range(min(gained, lost) + 1))
    return gained, lost, min(1.0, 2 * tail / 2**n)


def paired_difference(first: Rightness, second: Rightness, z: float = Z_95) -> tuple[float, tuple[float, float]]:
    """How much more often the first of two ways is correct on the same images, with its 95 % interval.

    Newcombe's tenth method (Statistics in Medicine 17, 2635, 1998): Wilson's intervals of the two shares, put together
    with their correlation φ. It is honest for few images and for shares near 1, and 0 is inside where both ways are
    correct on the same images. Of ways that are random it is cautious, as :func:`wilson_interval` is.

    Args:
        first: whether the one way is correct, or how often, from 0 to 1; shape (N,).
        second: whether, or how often, the other is.
        z: quantile of the level, 95 % where nothing else is said.

    Returns:
        The difference of the shares, and the interval's lower and upper end.

    Raises:
        InputError: as :func:`paired_test`, or no image.
    """
    right, right_too = _shares(first, second)
    n = len(right)
    if not n:
        raise InputError(
            "the two ways cannot be compared", got="no image", expected="at least one", remedy="count at least one"
        )
    both, gained, lost = (
        float(each.sum()) for each in (right * right_too, right * (1 - right_too), right_too * (1 - right))
    )
    one, other = (both + gained) / n, (both + lost) / n
    neither = n - both - gained - lost
    product = math.sqrt(max(0.0, math.prod((both + gained, neither + lost, both + lost, neither + gained))))
    excess = both * neither - gained * lost
    # With a correction for continuity where the ways agree more often than by chance.
    correlation = (max(excess - n / 2, 0) if excess > 0 else excess) / product if product else 0.0
    (low, high), (low_other, high_other) = wilson_interval(one, n, z), wilson_interval(other, n, z)

    def width(here: float, there: float) -> float:
        return math.sqrt(max(0.0, here**2 - 2 * correlation * here * there + there**2))

    difference = one - other
    down = width(one - low, high_other - other)
    up = width(high - one, other - low_other)
    return difference, (max(-1.0, difference - down), min(1.0, difference + up))


def mean_interval(values: NDArray[np.floating], grain: float = 1.0) -> tuple[float, tuple[float, float]]:
    """The mean of a number an image, with its 95 % interval for other images, by the central limit theorem.

    Args:
        values: shape (N,), N ≥ 2.
        grain: the smallest step of a value; half of one image's is added, as a correction for continuity.

    Raises:
        InputError: fewer than two values.
    """
    numbers = _numbers(values, "the values")
    if numbers.ndim != 1 or len(numbers) < 2:
        raise InputError(
            "there is no interval of this mean",
            got=f"shape {numbers.shape}",
            expected="one value for each of at least two images",
            remedy="take more images",
        )
    mean, error = float(numbers.mean()), float(numbers.std(ddof=1)) / math.sqrt(len(numbers))
    half = Z_95 * error + grain / (2 * len(numbers))
    return mean, (mean - half, mean + half)


def _shares(first: object, second: object) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How often each of two ways is right, by image."""
    arrays = np.asarray(first), np.asarray(second)
    one, other = arrays
    fits = one.ndim == 1 and one.shape == other.shape and all(each.dtype.kind in "bf" for each in arrays)
    if not fits or any(((each < 0) | (each > 1)).any() for each in arrays if each.dtype.kind == "f"):
        raise InputError(
            "the two ways cannot be compared",
            got=f"arrays of {one.dtype} and {other.dtype}, shapes {one.shape} and {other.shape}",
            expected="for every image whether each is correct, bool, or how often, from 0 to 1: shape (N,) both",
            remedy="compare the labels that are named with the true ones, and pass the results",
        )
    return one.astype(np.float64), other.astype(np.float64)


def _pair(values: object, reference: object) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two arrays of the same shape: a missing axis would be filled up without a word."""
    measured, exact = _numbers(values, "the values"), _numbers(reference, "the reference")
    if measured.shape != exact.shape or not measured.size or not np.isfinite((measured, exact)).all():
        raise InputError(
            "the values cannot be compared",
            got=f"shapes {measured.shape} and {exact.shape}"
            + ("" if np.isfinite(measured).all() and np.isfinite(exact).all() else " with numbers that are not finite"),
            expected="the same shape, at least one number, and finite ones only",
            remedy="pass one value for every reference value",
        )
    return measured, exact


def _numbers(values: object, what: str) -> NDArray[np.float64]:
    # A tensor that still has its graph gives its numbers only without it.
    array = np.asarray(values.detach() if hasattr(values, "detach") else values)
    if array.dtype.kind not in "biuf":
        raise InputError(
            f"{what} cannot be used",
            got=f"an array of {array.dtype}",
            expected="real numbers",
            remedy="pass real numbers",
        )
    return array.astype(np.float64, copy=False)
