"""Radii from bounds that are known for quantum classifiers in general, for comparison with the exact ones.

Both see of an image only its margins γ = x̂ᵀ(M_j − M_k)x̂ with x̂ = x/‖x‖, and of the classifier only the bounds
a ≤ γ ≤ b of such a margin for any state: −2 and 2 for ⟨Z_j⟩ − ⟨Z_k⟩. Images within ‖x‖·sin θ of x have states within
the angle θ of x̂ (the nearest image of a state is the foot of the perpendicular on its ray): a safe angle is a radius.
"""

import numpy as np

from qaml_qiskit.certificates.forms import DecisionForms, Floats, Integers, check_images
from qaml_qiskit.errors import InputError

#: ⟨Z_j⟩ − ⟨Z_k⟩ of any state lies between plus and minus this.
_LARGEST_MARGIN = 2.0
#: Bounds of a margin that is the same for all states are put so far apart.
_NARROWEST = 1e-9


def widest_margins(forms: DecisionForms) -> Floats:
    """The largest eigenvalue of M_j − M_k in row j and column k, shape (m, m): what a margin can be for any image."""
    count = forms.num_classes
    highest = np.zeros((count, count))
    for (j, k), spectrum in forms.all_spectra().items():
        highest[j, k], highest[k, j] = spectrum.values.max(), -spectrum.values.min()
    return highest


def lipschitz_radii(forms: DecisionForms, images: Floats, labels: Integers, highest: Floats | None = None) -> Floats:
    """Radii from Hölder's inequality, shape (N,).

    ⟨A⟩ is linear in the state: |tr A(ρ − σ)| ≤ (a_max − a_min)·T(ρ, σ) with the trace distance T, because ρ − σ has
    trace zero. T = sin θ for pure states, and a_max − a_min ≤ b − a. So the label stays while sin θ < γ/(b − a).

    Args:
        forms: the classifier.
        images: shape (N, d).
        labels: shape (N,).
        highest: b for class j against class k in row j and column k, shape (m, m), and so −a in row k and column j.
            None for 2 everywhere, as forms in [−1, 1] have it, those of a QVC that reads a qubit a class.

    Raises:
        InputError: images, labels or bounds that do not fit.
    """
    margins, low, high, norm = _margins(forms, images, labels, highest)
    return norm * np.clip(margins / (high - low), 0, 1).min(1)


def hypothesis_testing_radii(
    forms: DecisionForms, images: Floats, labels: Integers, highest: Floats | None = None
) -> Floats:
    """Radii from the best test between two pure states, shape (N,): the most that the margins alone can give.

    E = (A − a)/(b − a) is an effect, 0 ≤ E ≤ 1, and class j is above class k while ⟨E⟩ > t = −a/(b − a). Given
    p = ⟨E⟩ = cos²α at a state, the least ⟨E⟩ at an angle θ from it is cos²(α + θ), which a test attains (Neyman and
    Pearson, Helstrom; the reasoning of Weber et al., npj Quantum Information 7, 76 (2021), for two classes and pure
    states, derived here anew). So the label stays while cos²(α + θ) > t, for
    θ < ½·arcsin(2p − 1) − ½·arcsin(2t − 1); for margins in [−2, 2] that is ½·arcsin(γ/2).

    Args:
        forms: the classifier.
        images: as for :func:`lipschitz_radii`.
        labels: shape (N,).
        highest: as for :func:`lipschitz_radii`.

    Raises:
        InputError: as :func:`lipschitz_radii`.
    """
    margins, low, high, norm = _margins(forms, images, labels, highest)
    reached, needed = ((2 * value - (high + low)) / (high - low) for value in (margins, 0.0))
    angles = (np.arcsin(np.clip(reached, -1, 1)) - np.arcsin(np.clip(needed, -1, 1))) / 2
    return norm * np.sin(np.where(margins > 0, angles, 0).min(1))


def _margins(
    forms: DecisionForms, images: Floats, labels: Integers, highest: Floats | None
) -> tuple[Floats, Floats, Floats, Floats]:
    """Margins of the normalised images over every other class, and bounds of them, shape (N, m − 1); norms, (N,)."""
    images, labels = check_images(forms, images, labels)
    norm = np.linalg.norm(images, axis=1)
    if not norm.all():
        raise InputError(
            f"image {int(norm.argmin())} has no direction",
            got="a vector of norm 0",
            expected="a norm above zero, because the state is the image divided by its norm",
            remedy="remove the image",
        )
    count = forms.num_classes
    bounds = np.full((count, count), _LARGEST_MARGIN) if highest is None else np.asarray(highest, dtype=np.float64)
    if bounds.shape != (count, count) or not np.isfinite(bounds).all():
        raise InputError(
            "the bounds of the margins do not fit the classifier",
            got=f"shape {bounds.shape}" + ("" if np.isfinite(bounds).all() else " with entries that are not finite"),
            expected=f"shape ({count}, {count}), finite",
            remedy="give one for every two classes",
        )
    values = forms.values(images / norm[:, None])
    bounds = np.maximum(bounds, _NARROWEST - bounds.T)
    others = np.array([[k for k in range(count) if k != label] for label in range(count)])[labels].reshape(
        -1, count - 1
    )
    own, rows = labels[:, None], np.arange(len(images))[:, None]
    return values[rows, own] - values[rows, others], -bounds[others, own], bounds[own, others], norm
