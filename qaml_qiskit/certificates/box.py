"""Lower bounds of l∞ radii: how much every pixel may change, within [0, 1], before the label can."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.certificates.forms import DecisionForms, Floats, Integers, check_bounds, check_images
from qaml_qiskit.certificates.opponents import most_promising

#: Bisections of the logarithm of ε, and the range: for the tangent bound from r₂/√d up, then for the convex one from
#: there. Both end precise to 0.1 %.
_TANGENT_SEARCH = (11, 8.0)
_CONVEX_SEARCH = (8, 1.3)
#: Steps of the convex minimisation. Fewer steps give a weaker bound, not a wrong one.
_STEPS = 60


def linf_lower_bounds(
    forms: DecisionForms, images: Floats, labels: Integers, radii: Floats, *, refine: bool = True
) -> Floats:
    """Strengths ε that no l∞ perturbation up to ε, with pixels kept in [0, 1], changes the label at, shape (N,).

    The best of three bounds, each valid by itself:

    1. ‖x' − x‖₂ ≤ √d·‖x' − x‖∞, so ε = r₂/√d is safe. This one also holds for pixels outside [0, 1].
    2. The images in question form a box of centre z and half-widths h, the intersection of [x − ε, x + ε] with
       [0, 1]; a black pixel has only half of the room. For x' = z + e with |e_i| ≤ h_i and A = M_j − M_k

           x'ᵀAx' = zᵀAz + 2eᵀAz + eᵀAe ≥ zᵀAz − 2 Σ_i h_i |(Az)_i| − μ‖h‖²,   μ = max(−a_min, 0),

       because eᵀAe ≥ −μ‖e‖².
    3. Adding μ Σ_i (e_i² − h_i²) ≤ 0 makes the form convex:

           x'ᵀAx' ≥ f(e) = zᵀAz + 2eᵀAz + eᵀ(A + μ)e − μ‖h‖²,

       and a convex f is nowhere below its tangents, so for any v, with the gradient q of f at v,

           x'ᵀAx' ≥ f(v) − qᵀv − Σ_i h_i |q_i|.

       With v = 0 this is the second bound; better v come from minimising f over the box. (The relaxation is αBB's:
       Androulakis, Maranas & Floudas, J. Global Optim. 7, 337 (1995).)

    An ε is safe where the bound is positive for all k, and then every smaller one is. The largest such ε is sought by
    bisection; the ε that it ends with was checked itself.

    Args:
        forms: the classifier.
        images: shape (N, d), in [0, 1].
        labels: the true classes, shape (N,).
        radii: exact l2 radii, shape (N,), from :func:`certify_l2`; 0 gives 0, infinite gives infinite.
        refine: whether to use the third bound, which takes most of the time.

    Raises:
        InputError: images, labels or radii that do not fit.
    """
    images, labels = check_images(forms, images, labels)
    radii = check_bounds(radii, len(images), "radii")
    safe = radii / np.sqrt(images.shape[1])
    rows = np.flatnonzero((radii > 0) & np.isfinite(radii))
    searches = [(_TANGENT_SEARCH, 0), (_CONVEX_SEARCH, _STEPS)] if refine else [(_TANGENT_SEARCH, 0)]
    for (bisections, widest), steps in searches:
        low = safe[rows]
        high = np.minimum(low * widest, np.maximum(low, 1.0))
        for _ in range(bisections):
            eps = np.sqrt(low * high)
            positive = _is_safe(forms, images[rows], labels[rows], eps, steps)
            low, high = np.where(positive, eps, low), np.where(positive, high, eps)
        safe[rows] = low
    return safe


@dataclass(frozen=True, eq=False)
class _Boxes:
    """One decision over boxes of images: a form that is zᵀAz at the centre, with Az beside it."""

    centres: Floats
    halves: Floats
    values: Floats
    products: Floats

    @property
    def tangents(self) -> Floats:
        """The second bound without its last term, shape (N,)."""
        return self.values - 2 * (self.halves * np.abs(self.products)).sum(1)

    def part(self, chosen: NDArray[np.bool_]) -> "_Boxes":
        return _Boxes(self.centres[chosen], self.halves[chosen], self.values[chosen], self.products[chosen])


def _is_safe(forms: DecisionForms, images: Floats, labels: Integers, eps: Floats, steps: int) -> NDArray[np.bool_]:
    """Whether no image of the box has another label, as far as the bounds tell, shape (N,).

    With the μ of :meth:`DecisionForms.least_bounds`, which is too large, the second bound tells of most classes that
    they are not in the box. Only for the others the exact μ is asked for: the class that looks nearest first, and no
    further one of an image that is not safe.
    """
    lowest, highest = np.maximum(images - eps[:, None], 0), np.minimum(images + eps[:, None], 1)
    centre, half = (lowest + highest) / 2, (highest - lowest) / 2
    products = forms.products(centre)
    products = products[labels, np.arange(len(images))] - products
    values = np.einsum("knd,nd->nk", products, centre)
    curved = np.maximum(-forms.least_bounds()[labels], 0.0) * (half**2).sum(1)[:, None]
    bounds = values - 2 * np.einsum("knd,nd->nk", np.abs(products), half) - curved
    bounds[np.arange(len(images)), labels] = np.inf
    # What is looked at has a bound below this: not above zero, as long as the image may be safe.
    limits = np.full(len(images), np.finfo(np.float64).tiny)
    for label, opponent, mine in most_promising(labels, bounds, limits):
        boxes = _Boxes(centre[mine], half[mine], values[mine, opponent], products[opponent, mine])
        limits[mine[~_is_positive(forms, label, opponent, boxes, steps)]] = -np.inf
    return limits > 0


def _is_positive(forms: DecisionForms, label: int, opponent: int, boxes: _Boxes, steps: int) -> NDArray[np.bool_]:
    """Whether the second bound is positive, or the third within so many steps, shape (N,)."""
    tangents = boxes.tangents
    # No bound is above the form itself, and the second one falls with μ.
    open_ = boxes.values > 0 if steps else tangents > 0
    if not open_.any():
        return open_
    mu, stiffness = _curvatures(forms, label, opponent)
    positive: NDArray[np.bool_] = tangents - mu * (boxes.halves**2).sum(1) > 0
    rest = open_ & ~positive
    if steps and rest.any():
        matrix = forms.matrices[label] - forms.matrices[opponent]
        positive[rest] = _convex_is_positive(matrix, mu, stiffness, boxes.part(rest), steps)
    return positive


def _convex_is_positive(matrix: Floats, mu: float, stiffness: float, boxes: _Boxes, steps: int) -> NDArray[np.bool_]:
    """Whether the third bound is positive, shape (N,): accelerated projected gradient steps on f until it is."""
    positive = np.zeros(len(boxes.values), dtype=bool)
    halves, linear = boxes.halves, boxes.products
    constant = boxes.values - mu * (halves**2).sum(1)
    point = previous = np.zeros_like(linear)
    active = np.arange(len(positive))
    for step in range(steps):
        ahead = point + (point - previous) * (step / (step + 3))
        gradient = 2 * (linear + ahead @ matrix + mu * ahead)
        value = constant + (ahead * (linear + gradient / 2)).sum(1)
        bound = value - (gradient * ahead).sum(1) - (halves * np.abs(gradient)).sum(1)
        positive[active] = bound > 0
        # Where f itself is not positive at a point of the box, no v can help.
        hopeless = (value <= 0) & (np.abs(ahead) <= halves).all(1)
        going = (bound <= 0) & ~hopeless
        if not going.any():
            break
        previous, point = point, (ahead - gradient / stiffness).clip(-halves, halves)
        if not going.all():
            active, previous, point, halves = active[going], previous[going], point[going], halves[going]
            linear, constant = linear[going], constant[going]
    return positive


def _curvatures(forms: DecisionForms, label: int, opponent: int) -> tuple[float, float]:
    """μ, and the largest second derivative of f, 2(a_max + μ)."""
    least, greatest = forms.extremes(label, opponent)
    mu = max(-least, 0.0)
    return mu, max(2 * (greatest + mu), float(np.finfo(np.float64).tiny))
