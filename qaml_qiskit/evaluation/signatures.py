"""What of a difference between measured and promised averages stronger or weaker errors explain, and whose errors.

To first order a device whose errors are (1 + δ) times as strong as calibrated reads what was promised plus δ times the
derivative by their scale. Everything here is weighted least squares in units of the exact errors of the shots.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from qaml_qiskit.evaluation.chi_squares import ChiSquare, Promised
from qaml_qiskit.evaluation.proportions import Z_95

Floats = NDArray[np.floating]

#: A signature of which less than this part is left beside the overall scales cannot be told from them.
_LEAST_OWN = 1e-3
#: A signature that is shorter, in standard errors of all the shots, shows nothing: not even 30 times the errors.
_LEAST_LENGTH = 0.03
#: 95 % quantile of χ² with one degree of freedom: explanations that are worse by less cannot be told apart.
_ALIKE = float(stats.chi2.ppf(0.95, 1))


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
class Suspicion:
    """How well the errors of each of G parts explain a difference, beside overall scales.

    Attributes:
        improvement: of the sum of squares, in units of what is left; shape (G,), 0 for a part that shows nothing.
        scale: of the part's errors, shape (G,).
        error: standard error of the scale, shape (G,); inf for a part that shows nothing.
        p: of such an improvement by chance, for each part by itself, shape (G,).
    """

    improvement: Floats
    scale: Floats
    error: Floats
    p: Floats

    @property
    def worst(self) -> int:
        """The part that explains most."""
        return int(np.argmax(self.improvement))

    @property
    def p_of_worst(self) -> float:
        """Of any improvement as large by chance, whichever part it were of (Bonferroni)."""
        seen = int(np.isfinite(self.error).sum())
        return float(min(1.0, seen * self.p[self.worst])) if seen else 1.0

    @property
    def alike(self) -> NDArray[np.int64]:
        """The parts that explain it as well as the worst one, within what shots can tell; the best first."""
        order = np.argsort(-self.improvement, kind="stable")
        best = self.improvement[self.worst]
        return np.array([place for place in order if best - self.improvement[place] < _ALIKE and best > 0])


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


def fit_scales(residuals: Floats, promised: Promised, columns: Floats) -> list[NoiseScale | None]:
    """The scales of C kinds of errors at once; None for one that shows nothing.

    Args:
        residuals: measured minus promised, shape (N, S).
        promised: of the same images.
        columns: derivatives of the averages by the scales, at 1; shape (N, S, C).
    """
    y, x = _flat(residuals, columns, promised)
    kept = np.sqrt((x**2).sum(axis=0)) > _LEAST_LENGTH
    found: list[NoiseScale | None] = [None] * x.shape[1]
    if not kept.any():
        return found
    x = x[:, kept]
    inverse = np.linalg.pinv(x.T @ x)
    change = inverse @ (x.T @ y)
    wide = _inflation(float(((y - x @ change) ** 2).sum()), promised, x.shape[1])
    for place, delta, variance in zip(np.flatnonzero(kept), change, np.diag(inverse), strict=True):
        found[place] = _scale(float(delta), float(np.sqrt(variance * wide)))
    return found


def suspect(residuals: Floats, promised: Promised, overall: Floats, signatures: Floats) -> Suspicion:
    """Which part's errors explain best what overall scales do not.

    The part whose errors changed has the largest improvement on average, and shares it with those whose signatures are
    nearly multiples of its own.

    Args:
        residuals: measured minus promised, shape (N, S).
        promised: of the same images.
        overall: derivatives by scales that may be anything, shape (N, S, C).
        signatures: derivatives by the scale of each part's errors, shape (N, S, G).
    """
    y, x = _flat(residuals, np.concatenate([overall, signatures], axis=2), promised)
    nuisance, own = np.split(x, [overall.shape[2]], axis=1)
    length = (own**2).sum(axis=0)
    basis = _basis(nuisance)
    y, own = y - basis @ (basis.T @ y), own - basis @ (basis.T @ own)
    left = (own**2).sum(axis=0)
    shows = (left > _LEAST_OWN * length) & (left > _LEAST_LENGTH**2)
    along, safe = own.T @ y, np.where(shows, left, 1.0)
    improvement = np.where(shows, along**2 / safe, 0.0)
    wide = np.array([_inflation(float(y @ y) - each, promised, basis.shape[1] + 1) for each in improvement])
    improvement = improvement / wide
    scale = 1 + np.where(shows, along / safe, 0.0)
    error = np.where(shows, np.sqrt(wide / safe), np.inf)
    return Suspicion(improvement, scale, error, np.where(shows, stats.chi2.sf(improvement, 1), 1.0))


def drift_of(residuals: Floats, promised: Promised, column: Floats, groups: Sequence[NDArray[np.integer]]) -> Drift:
    """Whether the scale of the noise is the same in all groups of images, and whether it goes one way.

    Args:
        residuals: measured minus promised, shape (N, S).
        promised: of the same images.
        column: derivative by the scale of the noise, shape (N, S).
        groups: the places of the images of each group, in time order.
    """
    scales = tuple(
        fit_scales(residuals[rows], promised.images(rows), column[rows][:, :, None])[0] if len(rows) else None
        for rows in groups
    )
    there = [(place, scale) for place, scale in enumerate(scales) if scale is not None]
    if len(there) < 2:
        return Drift(scales, ChiSquare(0.0, 0.0, 1.0, 1.0), None)
    places, found = np.array([place for place, _ in there], dtype=float), [scale for _, scale in there]
    values, errors = np.array([each.value for each in found]), np.array([each.error for each in found])
    weights = errors**-2
    mean, centre = np.average(values, weights=weights), np.average(places, weights=weights)
    degrees = float(len(values) - 1)
    homogeneous = ChiSquare.of(float(weights @ (values - mean) ** 2), degrees, 2 * degrees)
    way = places - centre
    spread, length = float(weights @ way**2), float(places[-1] - places[0])
    return Drift(scales, homogeneous, _scale(float(weights @ (way * values)) / spread * length, length / spread**0.5))


def _scale(change: float, error: float) -> NoiseScale:
    return NoiseScale(1 + change, error, float(2 * stats.norm.sf(abs(change) / error)) if error else 1.0)


def _flat(residuals: Floats, columns: Floats, promised: Promised) -> tuple[Floats, Floats]:
    """Both in units of the shots' errors, shapes (N·S,) and (N·S, C)."""
    y, x = promised.whitened(residuals), promised.whitened(columns)
    return y.reshape(-1), x.reshape(y.size, -1)


def _inflation(left: float, promised: Promised, fitted: int) -> float:
    """How much larger than shots explain the squares are that are left, and 1 at least (Birge 1932)."""
    degrees = int((np.abs(promised.whitener).sum(axis=2) > 0).sum()) - fitted
    return max(1.0, left / degrees) if degrees > 0 else 1.0


def _basis(columns: Floats) -> Floats:
    """An orthonormal basis of what the columns span, shape (M, r)."""
    lengths = np.sqrt((columns**2).sum(axis=0))
    columns = columns[:, lengths > 0] / lengths[lengths > 0]
    if not columns.shape[1]:
        return columns
    vectors, sizes, _ = np.linalg.svd(columns, full_matrices=False)
    found: Floats = vectors[:, sizes > _LEAST_OWN]
    return found
