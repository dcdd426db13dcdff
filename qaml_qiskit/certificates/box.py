"""Lower bounds of l∞ radii: how much every pixel may change, within [0, 1], before the label can."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.certificates.forms import DecisionForms, Floats, Integers, check_bounds, check_images

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
    """Decisions of one class against another over boxes of images."""

    labels: Integers
    opponents: Integers
    centres: Floats
    halves: Floats

    def part(self, chosen: Integers) -> "_Boxes":
        return _Boxes(self.labels[chosen], self.opponents[chosen], self.centres[chosen], self.halves[chosen])


def _is_safe(forms: DecisionForms, images: Floats, labels: Integers, eps: Floats, steps: int) -> NDArray[np.bool_]:
    """Whether no image of the box has another label, as far as the bounds tell, shape (N,)."""
    lowest, highest = np.maximum(images - eps[:, None], 0), np.minimum(images + eps[:, None], 1)
    centre, half = (lowest + highest) / 2, (highest - lowest) / 2
    tangent = _tangent_bounds(forms, centre, half, labels)
    if not steps:
        return tangent.min(1) > 0
    rows, opponents = np.nonzero(tangent <= 0)
    boxes = _Boxes(labels[rows], opponents, centre[rows], half[rows])
    failed = rows[~_convex_is_positive(forms, boxes, steps)]
    return ~np.isin(np.arange(len(images)), failed)


def _tangent_bounds(forms: DecisionForms, centre: Floats, half: Floats, labels: Integers) -> Floats:
    """The second bound against every class, shape (N, m); infinite against the own one."""
    squares = (half**2).sum(1)
    products = forms.products(centre)
    own = products[labels, np.arange(len(labels))]
    bounds = np.full((len(labels), forms.num_classes), np.inf)
    for label, opponent in _decisions(forms, labels):
        mine = labels == label
        product = own[mine] - products[opponent, mine]
        form = (centre[mine] * product).sum(1) - 2 * (half[mine] * np.abs(product)).sum(1)
        bounds[mine, opponent] = form - _curvatures(forms, label, opponent)[0] * squares[mine]
    return bounds


def _convex_is_positive(forms: DecisionForms, boxes: _Boxes, steps: int) -> NDArray[np.bool_]:
    """Whether the third bound is positive, shape (P,): accelerated projected gradient steps on f until it is."""
    positive = np.zeros(len(boxes.labels), dtype=bool)
    pairs = zip(boxes.labels.tolist(), boxes.opponents.tolist(), strict=True)
    mu, stiffness = np.array([_curvatures(forms, j, k) for j, k in pairs]).reshape(-1, 2).T
    linear = forms.differences(boxes.centres, boxes.labels, boxes.opponents)
    constant = (boxes.centres * linear).sum(1) - mu * (boxes.halves**2).sum(1)
    point = previous = np.zeros_like(linear)
    active = np.arange(len(positive))
    for step in range(steps):
        if not len(active):
            break
        now = boxes.part(active)
        ahead = point + (point - previous) * (step / (step + 3))
        curved = forms.differences(ahead, now.labels, now.opponents) + mu[active, None] * ahead
        gradient = 2 * (linear[active] + curved)
        value = constant[active] + (ahead * (linear[active] + gradient / 2)).sum(1)
        bound = value - (gradient * ahead).sum(1) - (now.halves * np.abs(gradient)).sum(1)
        positive[active] = bound > 0
        # Where f itself is not positive at a point of the box, no v can help.
        hopeless = (value <= 0) & (np.abs(ahead) <= now.halves).all(1)
        previous, point = point, (ahead - gradient / stiffness[active, None]).clip(-now.halves, now.halves)
        going = (bound <= 0) & ~hopeless
        active, previous, point = active[going], previous[going], point[going]
    return positive


def _decisions(forms: DecisionForms, labels: Integers) -> list[tuple[int, int]]:
    return [(int(j), k) for j in np.unique(labels) for k in range(forms.num_classes) if k != j]


def _curvatures(forms: DecisionForms, label: int, opponent: int) -> tuple[float, float]:
    """μ, and the largest second derivative of f, 2(a_max + μ)."""
    values = forms.spectrum(label, opponent).values
    mu = max(-float(values.min()), 0.0)
    return mu, max(2 * (float(values.max()) + mu), float(np.finfo(np.float64).tiny))
