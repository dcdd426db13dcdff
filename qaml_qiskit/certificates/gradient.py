"""Attacks that know nothing but values and gradients of the forms: upper bounds, independent of the certificates."""

from collections.abc import Iterator

import numpy as np

from qaml_qiskit.certificates.forms import DecisionForms, Floats, Integers, check_bounds, check_images
from qaml_qiskit.seeds import check_seed

#: How many of the other classes are attacked, the nearest first as far as the gradient tells.
_OPPONENTS = 3
_SETTLED = 1e-10
#: The accepted l2 attack goes this much beyond the boundary, relative to its size, so that rounding does not decide.
_OVERSHOOT = 1e-9
#: Relative precision of the bisection on ε, and the factor by which ε grows until the attack succeeds.
_RESOLUTION = 5e-4
_WIDENING = 1.2


def l2_attack(
    forms: DecisionForms, images: Floats, labels: Integers, *, steps: int = 100, starts: int = 2, seed: int = 0
) -> Floats:
    """Sizes of the smallest l2 perturbations that a gradient attack finds, shape (N,); infinite where it finds none.

    Every step replaces a decision's form g by its tangent at the current point and goes to the point of that tangent
    plane which is nearest to the *image*. (DeepFool, Moosavi-Dezfooli et al. 2016, goes to the one nearest to the
    current point, and so ends on the boundary, but not at its nearest point; with the projection the iteration rests
    only where the perturbation is normal to the boundary, as in Hasofer and Lind's search for the nearest failure,
    1974.) From every point the boundary on the ray from the image is found, and the nearest is kept. Only perturbations
    that change the label when the forms are evaluated count. Pixels may leave [0, 1], as in the certificate.

    Args:
        forms: the classifier.
        images: shape (N, d).
        labels: the true classes, shape (N,). A misclassified image needs no perturbation: 0.
        steps: at most so many, for each start and class.
        starts: the first is the image, the others lie at random places about as far from it as the boundary.
        seed: of these.

    Raises:
        InputError: images or labels that do not fit.
    """
    images, labels = check_images(forms, images, labels)
    generator = np.random.default_rng(check_seed(seed))
    best = np.where(forms.labels(images) == labels, np.inf, 0.0)
    rows = np.flatnonzero(best > 0)
    x, own = images[rows], labels[rows]
    for opponents, linear in _nearest_opponents(forms, x, own):
        for start in range(starts):
            noise = generator.standard_normal(x.shape) if start else np.zeros_like(x)
            z = x + noise * (linear / np.sqrt(x.shape[1]))[:, None]
            best[rows] = np.minimum(best[rows], _descend(forms, x, own, opponents, z, steps))
    return best


def _nearest_opponents(forms: DecisionForms, x: Floats, labels: Integers) -> Iterator[tuple[Integers, Floats]]:
    """The other classes, for every image by the distance of the tangent's boundary, and that distance."""
    rows = np.arange(len(x))
    products = forms.products(x)
    products = products[labels, rows] - products
    distance = np.full((len(x), forms.num_classes), np.inf)
    for k in range(forms.num_classes):
        slope = 2 * np.linalg.norm(products[k], axis=1)
        distance[:, k] = (products[k] * x).sum(1) / np.maximum(slope, np.finfo(np.float64).tiny)
    distance[rows, labels] = np.inf
    order = distance.argsort(1)
    for rank in range(min(_OPPONENTS, forms.num_classes - 1)):
        yield order[:, rank], distance[rows, order[:, rank]]


def _descend(forms: DecisionForms, x: Floats, labels: Integers, opponents: Integers, z: Floats, steps: int) -> Floats:
    """The least distance found from the starting points z, shape (N,)."""
    at_x = forms.differences(x, labels, opponents)
    value = (x * at_x).sum(1)
    best, nearest = np.full(len(x), np.inf), x.copy()
    active, z = np.arange(len(x)), z.copy()
    for _ in range(steps):
        here, start = z[active], x[active]
        product = forms.differences(here, labels[active], opponents[active])
        size = _along_ray(value[active], start, here, at_x[active], product)
        closer = size < best[active]
        moved = size < best[active] * (1 - _SETTLED)
        chosen = active[closer]
        best[chosen] = size[closer]
        nearest[chosen] = _scaled(start[closer], here[closer], size[closer])
        tangent = (here * product).sum(1) + 2 * (product * (start - here)).sum(1)
        squares = np.maximum((product**2).sum(1), np.finfo(np.float64).tiny)
        z[active] = start - (tangent / (2 * squares))[:, None] * product
        active = active[moved | ~np.isfinite(best[active])]
        if not len(active):
            break
    beyond = x + (1 + _OVERSHOOT) * (nearest - x)
    fooled = np.isfinite(best) & (forms.labels(beyond) != labels)
    return np.where(fooled, np.linalg.norm(beyond - x, axis=1), np.inf)


def _along_ray(value: Floats, x: Floats, z: Floats, at_x: Floats, at_z: Floats) -> Floats:
    """The distance from x to the first zero of the form on the ray through z: g + 2bs + cs² = 0."""
    ray = z - x
    b, c = (at_x * ray).sum(1), ((at_z - at_x) * ray).sum(1)
    discriminant = b**2 - value * c
    divisor = np.sqrt(discriminant.clip(min=0)) - b
    crosses = (discriminant >= 0) & (divisor > 0)
    s = np.divide(value, divisor, out=np.full(len(x), np.inf), where=crosses)
    return np.where(crosses, s, 1.0) * np.where(crosses, np.linalg.norm(ray, axis=1), np.inf)


def _scaled(x: Floats, z: Floats, size: Floats) -> Floats:
    ray = z - x
    return x + ray * (size / np.linalg.norm(ray, axis=1))[:, None]


def linf_attack(forms: DecisionForms, images: Floats, labels: Integers, lower: Floats, *, steps: int = 8) -> Floats:
    """Strengths ε at which a sign-gradient attack changes the label, shape (N,); infinite where none does.

    PGD (Madry et al. 2018) on the forms for the few nearest classes, with pixels kept in [0, 1], and bisection on ε: an
    upper bound of the l∞ radius.

    Args:
        forms: the classifier.
        images: shape (N, d), in [0, 1].
        labels: the true classes, shape (N,). A misclassified image needs no perturbation: 0.
        lower: strengths known to be safe, shape (N,), where the search starts.
        steps: of PGD, with step sizes that fall from 2ε to 2ε/steps.

    Raises:
        InputError: images, labels or bounds that do not fit.
    """
    images, labels = check_images(forms, images, labels)
    lower = check_bounds(lower, len(images), "bounds")
    best = np.where(forms.labels(images) == labels, np.inf, 0.0)
    rows = np.flatnonzero((best > 0) & np.isfinite(lower))
    for opponents, _ in _nearest_opponents(forms, images[rows], labels[rows]):
        low, high = lower[rows], best[rows]
        # A further class matters only where it is fooled by less than the best so far.
        eps = np.where(np.isfinite(high), high * (1 - _RESOLUTION), low * _WIDENING)
        active = np.arange(len(rows))
        while len(active):
            tried = np.minimum(eps[active], 1.0)
            some = rows[active]
            fooled = _pgd(forms, images[some], labels[some], opponents[active], tried, steps)
            high[active] = np.where(fooled, tried, high[active])
            low[active] = np.where(fooled, low[active], tried)
            eps = np.where(np.isfinite(high), np.sqrt(low * high), low * _WIDENING)
            active = active[(high[active] > (1 + 2 * _RESOLUTION) * low[active]) & (low[active] < 1)]
        best[rows] = high
    return best


def _pgd(forms: DecisionForms, x: Floats, labels: Integers, opponents: Integers, eps: Floats, steps: int) -> Floats:
    """Whether an image within eps was found that the forms give to the opponent, shape (N,)."""
    lowest, highest = np.maximum(x - eps[:, None], 0), np.minimum(x + eps[:, None], 1)
    fooled, z = np.zeros(len(x), dtype=bool), x.copy()
    active = np.arange(len(x))
    for step in range(steps + 1):
        product = forms.differences(z[active], labels[active], opponents[active])
        fooled[active] = (z[active] * product).sum(1) < 0
        # The gradient of the form is twice the product.
        change = 2 * eps[active] * (1 - step / (steps + 1))
        moved = z[active] - change[:, None] * np.sign(product)
        z[active] = moved.clip(lowest[active], highest[active])
        active = active[~fooled[active]]
    return fooled


def l2_descent(forms: DecisionForms, images: Floats, labels: Integers, radius: float, *, steps: int = 20) -> Floats:
    """Images within ``radius`` in l2, and pixels in [0, 1], on which PGD makes the label's least margin small, (N, d).

    Each step goes down the gradient of xᵀ(M_y − M_k)x/xᵀx for the class k that is nearest to winning, by a length that
    falls from radius/2; what leaves the ball or the box is projected back. Of all steps the image with the least margin
    is kept.

    Args:
        forms: the classifier.
        images: shape (N, d), in [0, 1].
        labels: shape (N,).
        radius: in l2, from 0.
        steps: of PGD.

    Raises:
        InputError: images or labels that do not fit.
    """
    x, labels = check_images(forms, images, labels)
    rows, z, least = np.arange(len(x)), x.copy(), x.copy()
    lowest = np.full(len(x), np.inf)
    for step in range(steps + 1):
        products, squares = forms.products(z), np.maximum((z**2).sum(1), np.finfo(np.float64).tiny)
        values = (products * z).sum(2) / squares
        values[labels, rows] = -np.inf
        rival = values.argmax(0)
        difference = products[labels, rows] - products[rival, rows]
        margin = (difference * z).sum(1) / squares
        better = margin < lowest
        least[better], lowest[better] = z[better], margin[better]
        # The gradient of the quotient, but for a positive factor.
        slope = difference - margin[:, None] * z
        length = np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), np.finfo(np.float64).tiny)
        z = z - radius / 2 * (1 - step / (steps + 1)) * slope / length
        change = z - x
        size = np.maximum(np.linalg.norm(change, axis=1, keepdims=True), np.finfo(np.float64).tiny)
        # The box is convex and holds x: cutting off towards it does not leave the ball.
        z = (x + change * np.minimum(1, radius / size)).clip(0, 1)
    return least
