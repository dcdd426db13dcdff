"""The nearest point at which one quadratic form changes its sign: a one-dimensional root, for many points at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.certificates.forms import Floats

#: Newton steps, each kept within a bracket; six are usual.
_MOST_STEPS = 200
#: Relative change of δ at which a root is settled. The dual value is flat there: its error is the square of this.
_PRECISION = 1e-12
_TINY = float(np.finfo(np.float64).tiny)
#: A coordinate below this share of the norm is taken as zero: its square could not be told from zero.
_NOTHING = 1e-100


@dataclass(frozen=True, eq=False)
class NearestFlips:
    """The nearest points of {x' : x'ᵀAx' ≤ 0}, in the eigenbasis of A.

    Attributes:
        lower: shape (N,), the square root of the dual value: no nearer point has the other sign. Infinite where A has
            no negative eigenvalue, and zero where xᵀAx ≤ 0 already.
        points: shape (N, d), the coordinates Vᵀx' of the nearest points; x itself where ``lower`` is infinite or zero.
    """

    lower: Floats
    points: Floats


def nearest_flips(values: Floats, coordinates: Floats) -> NearestFlips:
    """Solve min ‖x' − x‖² subject to x'ᵀAx' ≤ 0 for every x.

    The Lagrangian ‖x' − x‖² + λx'ᵀAx' has for 0 ≤ λ < −1/a_min the one minimiser x'(λ) = (1 + λA)⁻¹x, so with y = Vᵀx

        D(λ) = Σ_i y_i²·λa_i / (1 + λa_i)

    is at most the squared distance whatever λ (weak duality), and equal to it for the λ at which x'(λ) lies on the
    boundary, φ(λ) = Σ_i a_i y_i² / (1 + λa_i)² = 0 (strong duality of one quadratic constraint: Boyd & Vandenberghe,
    Convex Optimization, appendix B.1). φ falls, from xᵀAx > 0 to −∞ at the pole −1/a_min, so there is one root. Only
    where y has no part in the eigenspace of a_min may φ stay positive up to the pole (the hard case): then λ = −1/a_min
    and x' gets the missing length t along that eigenspace, t²·|a_min| = φ.

    The root is sought in the distance δ = 1 + λa_min from the pole, so that no digits are lost beside it.

    Args:
        values: a, shape (d,), in any order.
        coordinates: y, shape (N, d).
    """
    lower, points = np.full(len(coordinates), np.inf), coordinates.copy()
    inside = coordinates**2 @ values > 0
    lower[~inside] = 0.0
    least = int(values.argmin())
    if not values[least] < 0 or not inside.any():
        return NearestFlips(lower, points)
    ratios = values / -values[least]
    norm = np.linalg.norm(coordinates[inside], axis=1)
    y = coordinates[inside] / norm[:, None]
    y[np.abs(y) < _NOTHING] = 0.0
    delta = _roots(ratios, y, least)
    stretch = (1 + ratios) - delta[:, None] * ratios
    scaled = np.divide(y, stretch, out=np.zeros_like(y), where=stretch != 0)
    dual = (1 - delta) * ((y * scaled) @ ratios)
    hard = delta == 0
    missing = scaled[hard] ** 2 @ ratios
    scaled[hard, least] = np.sqrt(missing.clip(min=0))
    lower[inside] = norm * np.sqrt(dual.clip(min=0))
    points[inside] = norm[:, None] * scaled
    return NearestFlips(lower, points)


def _roots(ratios: Floats, y: Floats, least: int) -> Floats:
    """The δ in [0, 1] with φ = 0, shape (N,); 0 in the hard case. ``ratios`` are a/|a_min|, so ``least`` has −1.

    With P and N for the sums of φ over positive and negative a, h = N^(−1/2) − P^(−1/2) grows with δ and is nearly
    straight up to the pole, which makes Newton steps on h good from anywhere. The bracket comes from the first term
    alone: N ≥ y_min²/δ² and P ≤ P(1), so δ ≥ |y_min|/√P(1).
    """
    parts = [(ratios[sign], np.abs(ratios[sign]) * y[:, sign] ** 2) for sign in (ratios < 0, ratios > 0)]
    low = np.abs(y[:, least]) / np.sqrt(parts[1][1].sum(1))
    low, high = low.clip(_TINY, 1), np.ones(len(y))
    hard = _is_hard(ratios, y)
    delta = np.where(hard, 0.0, np.sqrt(low))
    active = np.flatnonzero(~hard)
    for _ in range(_MOST_STEPS):
        if not len(active):
            break
        at = delta[active]
        h, slope = _secular([(part, weights[active]) for part, weights in parts], at)
        high[active] = np.where(h > 0, at, high[active])
        low[active] = np.where(h > 0, low[active], at)
        step = h / slope
        settled = np.abs(step) <= _PRECISION * at
        new = at - step
        outside = ~(settled | ((new > low[active]) & (new < high[active])))
        delta[active] = np.where(outside, np.sqrt(low[active]) * np.sqrt(high[active]), new)
        active = active[~settled]
    return delta


def _secular(parts: list[tuple[Floats, Floats]], delta: Floats) -> tuple[Floats, Floats]:
    """The function h and its derivative by δ."""
    (first, first_slope), (second, second_slope) = [_inverse_root(ratios, weights, delta) for ratios, weights in parts]
    return first - second, first_slope - second_slope


def _inverse_root(ratios: Floats, weights: Floats, delta: Floats) -> tuple[Floats, Floats]:
    """S^(−1/2) and its derivative, for S = Σ w / (1 + r − δr)²."""
    inverse = 1 / ((1 + ratios) - delta[:, None] * ratios)
    terms = weights * inverse**2
    total = np.maximum(terms.sum(1), _TINY)
    # The derivative of (1 + r − δr)⁻² is 2r(1 + r − δr)⁻³.
    return total**-0.5, -((terms * inverse) @ ratios) * total**-1.5


def _is_hard(ratios: Floats, y: Floats) -> NDArray[np.bool_]:
    """Where y has no part in the eigenspace of a_min and φ is still not negative at the pole."""
    pole = 1 + ratios == 0
    factors = np.divide(ratios, (1 + ratios) ** 2, out=np.zeros_like(ratios), where=~pole)
    return (y[:, pole] == 0).all(1) & (y**2 @ factors >= 0)
