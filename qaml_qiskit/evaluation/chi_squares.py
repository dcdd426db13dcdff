"""Sums of squares of what was measured against what was expected, and how likely they are on a device as calibrated."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.floating]

#: A direction of the averages whose variance of one shot is below this, divided by the shots, is left out of the joint
#: tests: it turns in two or three shots of an image, which is no normal error.
_LEAST_TURNS = 10.0
#: A variance below this is none: the average is certain.
_CERTAIN = 1e-12
#: How far an average that is certain may be off by rounding.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class ChiSquare:
    """A sum of squares.

    Attributes:
        statistic: its value; its mean is ``degrees`` on a device as calibrated.
        degrees: of freedom.
        above: probability of at least this value then.
        below: probability of at most this value then.
    """

    statistic: float
    degrees: float
    above: float
    below: float

    @property
    def p(self) -> float:
        """Of a value at least as far out, on whichever side: errors smaller than shots allow are odd, too."""
        return min(1.0, 2 * min(self.above, self.below))

    @classmethod
    def of(cls, statistic: float, mean: float, variance: float, degrees: float | None = None) -> "ChiSquare":
        """By a χ² that is stretched to this mean and this variance (Satterthwaite 1946).

        Args:
            statistic: what was found.
            mean: of it; 0 where nothing can be told.
            variance: of it.
            degrees: told in place of the mean; the statistic is scaled to them.
        """
        if mean <= 0:
            return cls(0.0, 0.0, 1.0, 1.0)
        stretch, own = variance / (2 * mean), 2 * mean**2 / variance
        above, below = (float(side(statistic / stretch, own)) for side in (stats.chi2.sf, stats.chi2.cdf))
        told = mean if degrees is None else degrees
        return cls(statistic * told / mean, told, above, below)


@dataclass(frozen=True)
class ExpectedAverages:
    """S averages of products of Z of N images as a device's calibration promises them, and how their shots scatter.

    Attributes:
        values: with the noise of gates and readout, endless shots; shape (N, S).
        covariance: of one shot, exact, shape (N, S, S).
        fourth: mean fourth power of the length of one shot in the units of :attr:`whitener`, shape (N,).
        shots: of an image.
    """

    values: Floats
    covariance: Floats
    fourth: Floats
    shots: int

    @classmethod
    def of_frequencies(cls, frequencies: Floats, signs: Floats, shots: int) -> "ExpectedAverages":
        """From how often every bitstring is read.

        Args:
            frequencies: shape (N, 2^k).
            signs: of the products of every bitstring, shape (2^k, S).
            shots: of an image.
        """
        values = frequencies @ signs
        second = np.einsum("nb,bs,bt->nst", frequencies, signs, signs, optimize=True)
        covariance = second - values[:, :, None] * values[:, None, :]
        whitener = _whitener(covariance, shots)
        fourth = np.zeros(len(values))
        for row, (value, white) in enumerate(zip(values, whitener, strict=True)):
            squares = (((signs - value) @ white.T) ** 2).sum(axis=1)
            fourth[row] = frequencies[row] @ squares**2
        return cls(values, covariance, fourth, shots)

    @classmethod
    def joined(cls, parts: Sequence["ExpectedAverages"]) -> "ExpectedAverages":
        """Of several sets of images with as many shots, one behind the other."""
        return cls(
            np.concatenate([part.values for part in parts]),
            np.concatenate([part.covariance for part in parts]),
            np.concatenate([part.fourth for part in parts]),
            parts[0].shots,
        )

    @cached_property
    def whitener(self) -> Floats:
        """Makes independent errors of variance 1 a shot of what is read, shape (N, S, S); rows of 0 for no error."""
        return _whitener(self.covariance, self.shots)

    def images(self, rows: NDArray[np.integer] | slice) -> "ExpectedAverages":
        """Those of some images."""
        return ExpectedAverages(self.values[rows], self.covariance[rows], self.fourth[rows], self.shots)

    def whitened(self, what: Floats) -> Floats:
        """In units of the error of all shots: of residuals (N, S) or of derivatives (N, S, C), the same shape."""
        columns = what.reshape(*what.shape[:2], -1)
        found: Floats = np.sqrt(self.shots) * np.einsum("nst,ntc->nsc", self.whitener, columns)
        return found.reshape(what.shape)


def joint_test(measured: Floats, expected: ExpectedAverages) -> ChiSquare:
    """All averages of all images at once: Σ rᵀ(Σ/shots)⁻¹r with the exact covariance of averages of the same shots.

    The square of an image has as its mean the number of its directions, and its variance follows from the fourth moment
    of a shot; squares with wide tails weigh less.

    Args:
        measured: shape (N, S).
        expected: of the same images.
    """
    squares = (expected.whitened(measured - expected.values) ** 2).sum(axis=1)
    degrees = (np.abs(expected.whitener).sum(axis=2) > 0).sum(axis=1).astype(np.float64)
    variance = 2 * degrees + (expected.fourth - degrees**2 - 2 * degrees) / expected.shots
    return _weighted(squares, degrees, variance)


def product_tests(measured: Floats, expected: ExpectedAverages) -> list[ChiSquare]:
    """Every product by itself, over all images: Σ (z_measured − z_promised)²·shots/(1 − z²).

    A count of 1,000 shots is no normal number where nearly all say the same: variance and weight of a square follow
    from the binomial's fourth moment, 2 + (1 − 6pq)/(shots·pq) with p = (1 + z)/2.

    Args:
        measured: shape (N, S).
        expected: of the same images.
    """
    found = []
    for column in range(measured.shape[1]):
        residual = measured[:, column] - expected.values[:, column]
        spread = expected.covariance[:, column, column]
        sure = spread < _CERTAIN
        if (np.abs(residual[sure]) > _ROUNDING).any():
            found.append(ChiSquare(np.inf, float(len(residual)), 0.0, 1.0))
            continue
        spread, residual = spread[~sure], residual[~sure]
        # pq is a quarter of the variance of ±1.
        variance = 2 + (1 - 1.5 * spread) / (expected.shots * spread / 4)
        found.append(_weighted(expected.shots * residual**2 / spread, np.ones(len(spread)), variance))
    return found


def _weighted(squares: Floats, means: Floats, variances: Floats) -> ChiSquare:
    """A sum of independent squares, each with less weight the wider its tail is than that of a χ²."""
    weights = np.divide(2 * means, variances, out=np.zeros_like(means), where=variances > 0)
    weights = np.minimum(weights, 1.0)
    mean, variance = float(weights @ means), float(weights**2 @ variances)
    return ChiSquare.of(float(weights @ squares), mean, variance, float(means.sum()))


def _whitener(covariance: Floats, shots: int) -> Floats:
    values, vectors = np.linalg.eigh(covariance)
    scale = np.where(values * shots >= _LEAST_TURNS, np.maximum(values, _CERTAIN), np.inf) ** -0.5
    found: Floats = scale[:, :, None] * np.swapaxes(vectors, 1, 2)
    return found
