"""Which other class can be the nearest, by bounds that cost two products: most need not be looked at."""

from collections.abc import Iterator

import numpy as np

from qaml_qiskit.certificates.forms import FEW_CLASSES, DecisionForms, Floats, Integers

#: Relative: a class is passed over only where it is farther by more than what rounding can do to either radius.
_ROUNDING = 1e-9


def radius_bounds(forms: DecisionForms, images: Floats, labels: Integers, limits: Floats | float = 0.0) -> Floats:
    """Lower bounds of how far the nearest image is that another class takes, shape (N, m).

    With A = M_j − M_k − t, g = xᵀAx > 0 and a ≤ a_min, every x' = x + e with ‖e‖ < r has

        x'ᵀAx' ≥ g − 2‖Ax‖r + ar²,   so   r = g/(‖Ax‖ + √(‖Ax‖² − ag))   is safe.

    No pair of classes is diagonalised for it: a is from :meth:`DecisionForms.least_bounds`. Of up to three classes that
    would take longer than the pairs themselves: there is no bound, all of them are to be looked at.

    Args:
        forms: the classifier.
        images: shape (N, d).
        labels: j, shape (N,).
        limits: t_jk, shape (m, m), or one for all.

    Returns:
        For class k in column k; infinite for j itself, −∞ where x is on the other side already, or nothing is known.
    """
    rows, shape = np.arange(len(images)), (forms.num_classes, forms.num_classes)
    if forms.num_classes <= FEW_CLASSES:
        unknown = np.full((len(images), forms.num_classes), -np.inf)
        unknown[rows, labels] = np.inf
        return unknown
    limit = np.broadcast_to(np.asarray(limits, dtype=np.float64), shape)[labels]
    least = np.minimum(forms.least_bounds()[labels] - limit, 0.0)
    products = forms.products(images)
    products = products[labels, rows] - products - limit.T[:, :, None] * images
    value, length = np.einsum("knd,nd->nk", products, images), np.linalg.norm(products, axis=2).T
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        bounds = value / (length + np.sqrt(length**2 - least * value)) * (1 - _ROUNDING)
    bounds = np.where(value > 0, np.nan_to_num(bounds, nan=0.0, posinf=0.0), -np.inf)
    bounds[rows, labels] = np.inf
    return bounds


def most_promising(labels: Integers, bounds: Floats, best: Floats) -> Iterator[tuple[int, int, Integers]]:
    """Labels, other classes and the images for which these still may be the nearest, the least bound first.

    Args:
        labels: shape (N,).
        bounds: shape (N, m), from :func:`radius_bounds`.
        best: the least distance that is known, shape (N,): the caller lowers it between two steps.
    """
    pending, every = bounds.copy(), np.arange(len(labels))
    while True:
        opponents = pending.argmin(1) if len(every) else every
        rows = np.flatnonzero(pending[every, opponents] < best)
        if not len(rows):
            return
        pending[rows, opponents[rows]] = np.inf
        pairs = np.stack([labels[rows], opponents[rows]], 1)
        for label, opponent in np.unique(pairs, axis=0).tolist():
            yield label, opponent, rows[(pairs == (label, opponent)).all(1)]
