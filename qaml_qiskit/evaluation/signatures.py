"""What of a difference between measured and expected averages stronger or weaker errors explain, and whose errors.

To first order a device whose errors are (1 + δ) times as strong as calibrated reads what was expected plus δ times the
derivative by their scale. Everything here is weighted least squares in units of the exact errors of the shots.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from qaml_qiskit.evaluation.chi_squares import ChiSquare, ExpectedAverages
from qaml_qiskit.evaluation.proportions import Z_95

Floats = NDArray[np.floating]

#: A signature that is shorter, in standard errors of all the shots, shows nothing: not even 30 times the errors.
_LEAST_LENGTH = 0.03
#: 95 % quantile of χ² with one degree of freedom: explanations that are worse by less cannot be told apart.
_ALIKE = float(stats.chi2.ppf(0.95, 1))
#: And those that are worse by less than this share.
_ROUGH = 0.01
#: Exact forecasts of one part's scale at most, the largest scale, and the relative step at which it is settled.
_STEPS, _STRONGEST, _SETTLED = 4, 300.0, 0.02


@dataclass(frozen=True)
class NoiseScale:
    """How strong errors are: 1 is as calibrated, 0 none.

    Attributes:
        value: by weighted least squares, to first order about 1.
        error: its standard error; where what is left is more than shots explain, as much larger.
        p: of a value at least as far from 1, if the calibration is right.
    """

    value: float
    error: float
    p: float

    @property
    def interval(self) -> tuple[float, float]:
        """95 %."""
        return self.value - Z_95 * self.error, self.value + Z_95 * self.error


@dataclass(frozen=True)
class SourceFit:
    """How well the errors of one part alone explain a difference.

    Attributes:
        gain: by how much the sum of squares becomes smaller, in units of the shots' errors; 0 for a part that shows
            nothing.
        scale: of the part's errors, at least 0.
        error: its standard error by the shots alone; inf for a part that shows nothing.
    """

    gain: float
    scale: float
    error: float


@dataclass(frozen=True)
class SourceFits:
    """How well the errors of each of G parts alone explain a difference.

    Attributes:
        fits: of each part.
        rivals: the gains by what is no part: each overall scale.
        total: the sum of squares without any explanation.
        degrees: of freedom of it.
    """

    fits: tuple[SourceFit, ...]
    rivals: tuple[float, ...]
    total: float
    degrees: int

    @cached_property
    def _inflation(self) -> float:
        left = self.total - max((*(each.gain for each in self.fits), *self.rivals), default=0.0)
        return _inflation(left, self.degrees - 1)

    @cached_property
    def improvement(self) -> Floats:
        """The gain of each part in units of what the best explanation leaves, shape (G,)."""
        return np.array([each.gain for each in self.fits]) / self._inflation

    @property
    def scale(self) -> Floats:
        """Of each part's errors, shape (G,)."""
        return np.array([each.scale for each in self.fits])

    @property
    def error(self) -> Floats:
        """Standard errors of the scales, widened by what is left, shape (G,)."""
        found: Floats = np.array([each.error for each in self.fits]) * np.sqrt(self._inflation)
        return found

    @property
    def rival(self) -> float:
        """The improvement by the best overall scale, or nothing at all."""
        return max(self.rivals, default=0.0) / self._inflation

    @property
    def worst(self) -> int:
        """The part that explains most."""
        return int(np.argmax(self.improvement))

    @property
    def p(self) -> Floats:
        """Of each part, at most: that any part explains as much more than the rival, if the rival is the reason.

        A likelihood ratio of k has a probability of at most 1/k under the rival; times the parts that could be named.
        Shape (G,).
        """
        seen = max(1, int(np.isfinite(self.error).sum()))
        found: Floats = np.minimum(1.0, seen * np.exp(-np.maximum(self.improvement - self.rival, 0) / 2))
        return found

    @property
    def alike(self) -> NDArray[np.int64]:
        """The parts that explain it as well as the worst one, within what shots can tell; the best first.

        And within one in a hundred of what it explains: errors need not have grown as one factor has them grow.
        """
        order = np.argsort(-self.improvement, kind="stable")
        best = self.improvement[self.worst]
        near = max(_ALIKE, _ROUGH * best)
        return np.array([place for place in order if best - self.improvement[place] < near and best > 0])

    def refined(self, parts: Mapping[int, SourceFit], rivals: Mapping[int, float]) -> "SourceFits":
        """The same with other fits of some parts and gains of some rivals, by their places."""
        fits = tuple(parts.get(place, each) for place, each in enumerate(self.fits))
        gains = tuple(rivals.get(place, each) for place, each in enumerate(self.rivals))
        return replace(self, fits=fits, rivals=gains)


@dataclass(frozen=True)
class Drift:
    """The scale of the noise in groups of images, in time order.

    Attributes:
        scales: of each group; None where it shows nothing.
        homogeneous: whether all are the same.
        trend: the change from the first group to the last along a straight line, in units of the scale, as a scale of 1
            plus that; None with fewer than two groups.
    """

    scales: tuple[NoiseScale | None, ...]
    homogeneous: ChiSquare
    trend: NoiseScale | None


def fit_scales(residuals: Floats, expected: ExpectedAverages, columns: Floats) -> list[NoiseScale | None]:
    """The scales of C kinds of errors at once; None for one that shows nothing.

    Args:
        residuals: measured minus expected, shape (N, S).
        expected: of the same images.
        columns: derivatives of the averages by the scales, at 1; shape (N, S, C).
    """
    y, x = _flat(residuals, columns, expected)
    kept = np.sqrt((x**2).sum(axis=0)) > _LEAST_LENGTH
    found: list[NoiseScale | None] = [None] * x.shape[1]
    if not kept.any():
        return found
    x = x[:, kept]
    inverse = np.linalg.pinv(x.T @ x)
    change = inverse @ (x.T @ y)
    wide = _inflation(float(((y - x @ change) ** 2).sum()), _degrees(expected) - x.shape[1])
    for place, delta, variance in zip(np.flatnonzero(kept), change, np.diag(inverse), strict=True):
        found[place] = _scale(float(delta), float(np.sqrt(variance * wide)))
    return found


def fit_sources(residuals: Floats, expected: ExpectedAverages, overall: Floats, signatures: Floats) -> SourceFits:
    """Which part's errors alone explain best what was measured, and whether better than overall scales do.

    The part whose errors changed has the largest improvement on average, and shares it with those whose signatures are
    nearly multiples of its own. Parts and overall scales are compared one by one, not fitted together: errors that are
    many times as strong leave the straight line, and what is fitted beside them can take up the difference.

    Args:
        residuals: measured minus expected, shape (N, S).
        expected: of the same images.
        overall: derivatives by the scales of the errors of many parts at once, shape (N, S, C).
        signatures: derivatives by the scale of each part's errors, shape (N, S, G).
    """
    y, x = _flat(residuals, np.concatenate([overall, signatures], axis=2), expected)
    length, along = (x**2).sum(axis=0), x.T @ y
    shows = length > _LEAST_LENGTH**2
    safe = np.where(shows, length, 1.0)
    # No errors are weaker than none.
    change = np.where(shows, np.maximum(along / safe, -1.0), 0.0)
    gain = 2 * change * along - change**2 * length
    error = np.where(shows, safe**-0.5, np.inf)
    fits = [SourceFit(float(g), float(1 + c), float(e)) for g, c, e in zip(gain, change, error, strict=True)]
    rivals = tuple(each.gain for each in fits[: overall.shape[2]])
    return SourceFits(tuple(fits[overall.shape[2] :]), rivals, float(y @ y), _degrees(expected))


def follow_source(difference: Floats, signature: Floats, forecast: Callable[[float], Floats]) -> SourceFit:
    """The scale of one part's errors where the straight line ends: a few Gauss–Newton steps along secants.

    Args:
        difference: measured minus expected, in units of the shots' errors; shape (D,).
        signature: derivative by the part's scale at 1, in the same units.
        forecast: what a scale changes of the expected averages, exactly, in the same units.

    Returns:
        The best of the scales that were forecast.
    """
    scale, there, slope = 1.0, np.zeros_like(difference), signature
    best = SourceFit(0.0, 1.0, np.inf)
    for step in range(_STEPS):
        length = float(slope @ slope)
        if length < _LEAST_LENGTH**2:
            break
        new = float(np.clip(scale + slope @ (difference - there) / length, 0.0, _STRONGEST))
        if new == scale or (step and abs(new - scale) < _SETTLED * max(scale, 1.0)):
            break
        moved = forecast(new)
        slope = (moved - there) / (new - scale)
        scale, there = new, moved
        gain = float(2 * moved @ difference - moved @ moved)
        if gain > best.gain:
            best = SourceFit(gain, scale, float(slope @ slope) ** -0.5 if slope.any() else np.inf)
    return best


def drift_of(
    residuals: Floats, expected: ExpectedAverages, column: Floats, groups: Sequence[NDArray[np.integer]]
) -> Drift:
    """Whether the scale of the noise is the same in all groups of images, and whether it goes one way.

    Args:
        residuals: measured minus expected, shape (N, S).
        expected: of the same images.
        column: derivative by the scale of the noise, shape (N, S).
        groups: the places of the images of each group, in time order.
    """
    found = [_fit_one(residuals[rows], expected.images(rows), column[rows]) for rows in groups]
    # One width for all: weights that follow what a group happens to leave are random, and the sum is no χ² then.
    wide = _inflation(sum(left for _, left, _ in found), sum(degrees for *_, degrees in found))
    scales = tuple(None if fit is None else _scale(fit[0], fit[1] * wide**0.5) for fit, *_ in found)
    there = [(place, scale) for place, scale in enumerate(scales) if scale is not None]
    if len(there) < 2:
        return Drift(scales, ChiSquare(0.0, 0.0, 1.0, 1.0), None)
    places = np.array([place for place, _ in there], dtype=float)
    values, errors = (np.array([getattr(scale, name) for _, scale in there]) for name in ("value", "error"))
    weights = errors**-2
    mean, centre = np.average(values, weights=weights), np.average(places, weights=weights)
    degrees = float(len(values) - 1)
    homogeneous = ChiSquare.of(float(weights @ (values - mean) ** 2), degrees, 2 * degrees)
    way = places - centre
    spread, length = float(weights @ way**2), float(places[-1] - places[0])
    return Drift(scales, homogeneous, _scale(float(weights @ (way * values)) / spread * length, length / spread**0.5))


def _fit_one(
    residuals: Floats, expected: ExpectedAverages, column: Floats
) -> tuple[tuple[float, float] | None, float, int]:
    """The change of one scale and its error by the shots alone, None for a column that shows nothing.

    Then the sum of squares that is left, and its degrees of freedom.
    """
    y, x = _flat(residuals, column[:, :, None], expected)
    length, along, degrees = float((x**2).sum()), float(x[:, 0] @ y), _degrees(expected)
    if length <= _LEAST_LENGTH**2:
        return None, float(y @ y), degrees
    return (along / length, length**-0.5), float(y @ y) - along**2 / length, degrees - 1


def _scale(change: float, error: float) -> NoiseScale:
    return NoiseScale(1 + change, error, float(2 * stats.norm.sf(abs(change) / error)) if error else 1.0)


def _flat(residuals: Floats, columns: Floats, expected: ExpectedAverages) -> tuple[Floats, Floats]:
    """Both in units of the shots' errors, shapes (N·S,) and (N·S, C)."""
    y, x = expected.whitened(residuals), expected.whitened(columns)
    return y.reshape(-1), x.reshape(y.size, -1)


def _degrees(expected: ExpectedAverages) -> int:
    """How many directions of the averages have an error."""
    return int((np.abs(expected.whitener).sum(axis=2) > 0).sum())


def _inflation(left: float, degrees: int) -> float:
    """How much larger than shots explain the squares are that are left, and 1 at least (Birge 1932)."""
    return max(1.0, left / degrees) if degrees > 0 else 1.0
