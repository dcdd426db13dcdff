"""How much better a classifier is where it may keep silent: risk against coverage (El-Yaniv & Wiener 2010).

An image has a confidence, higher = surer, and whether its label is right. At a coverage c the c·N surest images are
answered, and the risk is the share of wrong answers among them. Images of equal confidence come in a random order, so
what is given is the mean over their orders, and no figure depends on how a file is sorted.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.errors import InputError

Floats = NDArray[np.float64]
Interval = tuple[float, float]
#: Repetitions of a bootstrap.
REPLICATES = 1000


@dataclass(frozen=True)
class RiskCoverage:
    """The risk at every coverage.

    Attributes:
        risk: among the k surest of N images, for k = 1 … N; shape (N,).
        thresholds: the confidence of the k-th surest, falling, shape (N,).
    """

    risk: Floats
    thresholds: Floats

    @property
    def coverage(self) -> Floats:
        """1/N … 1, shape (N,)."""
        size = len(self.risk)
        return np.arange(1, size + 1) / size

    @property
    def area(self) -> float:
        """AURC: the mean risk over all coverages (Geifman & El-Yaniv, NIPS 2017)."""
        return float(self.risk.mean())

    @property
    def least_area(self) -> float:
        """The AURC of an order with all wrong answers behind all right ones: none with as many can have less."""
        size = len(self.risk)
        wrong = round(float(self.risk[-1]) * size)
        answered = np.arange(1, size + 1)
        return float((np.maximum(0, answered - (size - wrong)) / answered).mean())

    @property
    def excess(self) -> float:
        """AURC less that of the best order (Geifman, Uziel & El-Yaniv, ICLR 2019): what the confidence is to blame for.

        The AURC of a random order is the risk itself.
        """
        return self.area - self.least_area

    def risk_at(self, coverage: float) -> float:
        """The risk where this share of the images, rounded up to a whole image, is answered."""
        return float(self.risk[_count(coverage, len(self.risk)) - 1])

    def coverage_at(self, risk: float) -> float:
        """The largest coverage whose risk is no higher; 0 where even the surest images are wrong more often."""
        fits = np.flatnonzero(self.risk <= risk)
        return float(self.coverage[fits[-1]]) if len(fits) else 0.0


def risk_coverage(confidence: NDArray[np.floating], right: NDArray[np.bool_] | NDArray[np.floating]) -> RiskCoverage:
    """The curve of some images.

    Args:
        confidence: shape (N,).
        right: whether each label is right, or how often, from 0 to 1; shape (N,).

    Raises:
        InputError: no image, other shapes, or a confidence that is NaN.
    """
    sure, correct = _checked(confidence, right)
    return _curve(sure, 1 - correct)


@dataclass(frozen=True)
class SelectiveFigures:
    """Figures of one risk–coverage curve, each with its 95 % interval for other images of the kind.

    Attributes:
        aurc: area below the curve.
        excess: AURC less that of the best order.
        risk: at ``coverage``.
        coverage: of which ``risk`` is.
        intervals: by the names of the figures: the percentiles of a bootstrap over the images.
    """

    aurc: float
    excess: float
    risk: float
    coverage: float
    intervals: dict[str, Interval]

    def row(self) -> dict[str, Any]:
        """Columns of a table."""
        named = {"aurc": self.aurc, "excess_aurc": self.excess, "risk_at_coverage": self.risk}
        whole: dict[str, Any] = {}
        for name, value in named.items():
            whole |= {name: value, f"{name}_interval": list(self.intervals[name])}
        return {**whole, "at_coverage": self.coverage}


def selective_figures(
    confidence: NDArray[np.floating],
    right: NDArray[np.bool_] | NDArray[np.floating],
    *,
    coverage: float = 0.9,
    seed: int = 0,
) -> SelectiveFigures:
    """AURC, its excess, and the risk at a coverage.

    Args:
        confidence: shape (N,).
        right: whether each label is right, or how often; shape (N,).
        coverage: of the risk, above 0 and at most 1.
        seed: of the bootstrap.

    Raises:
        InputError: as :func:`risk_coverage`, or a coverage that is none.
    """
    sure, correct = _checked(confidence, right)
    _count(coverage, len(sure))
    of: dict[str, Callable[[RiskCoverage], float]] = {
        "aurc": lambda curve: curve.area,
        "excess_aurc": lambda curve: curve.excess,
        "risk_at_coverage": lambda curve: curve.risk_at(coverage),
    }
    generator = np.random.default_rng(seed)
    rows = generator.integers(len(sure), size=(REPLICATES, len(sure)))
    curves = [_curve(sure[drawn], 1 - correct[drawn]) for drawn in rows]
    ends = {name: np.quantile([figure(each) for each in curves], (0.025, 0.975)) for name, figure in of.items()}
    whole = _curve(sure, 1 - correct)
    values = {name: figure(whole) for name, figure in of.items()}
    intervals = {name: (float(low), float(high)) for name, (low, high) in ends.items()}
    return SelectiveFigures(values["aurc"], values["excess_aurc"], values["risk_at_coverage"], coverage, intervals)


def _curve(confidence: Floats, wrong: Floats) -> RiskCoverage:
    order = np.argsort(-confidence, kind="stable")
    thresholds = confidence[order]
    # Where some are equal, each of them is wrong as often as they are on average.
    _, group, sizes = np.unique(-thresholds, return_inverse=True, return_counts=True)
    level = np.bincount(group, weights=wrong[order]) / sizes
    return RiskCoverage(np.cumsum(level[group]) / np.arange(1, len(order) + 1), thresholds)


def _count(coverage: float, size: int) -> int:
    if not 0 < coverage <= 1:
        raise InputError(
            "this is no coverage",
            got=f"{coverage:g}",
            expected="a share of the images, above 0 and at most 1",
            remedy="give the share that is to be answered, such as 0.9",
        )
    return max(1, int(np.ceil(coverage * size - 1e-9)))


def _checked(confidence: object, right: object) -> tuple[Floats, Floats]:
    sure, correct = (np.asarray(each, dtype=np.float64) for each in (confidence, right))
    fits = sure.ndim == 1 and sure.shape == correct.shape and len(sure) and not np.isnan(sure).any()
    if not fits or not ((correct >= 0) & (correct <= 1)).all():
        raise InputError(
            "there is no risk of these answers",
            got=f"confidences of shape {sure.shape} and right answers of shape {correct.shape}",
            expected="for each of at least one image a confidence, and whether its label is right",
            remedy="pass two arrays of shape (N,), without NaN",
        )
    return sure, correct
