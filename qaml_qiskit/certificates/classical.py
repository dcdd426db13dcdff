"""Radii from bounds that are known for quantum classifiers in general, for comparison with the exact ones.

Both see of an image only its margin γ = x̂ᵀ(M_j − M_k)x̂ with x̂ = x/‖x‖, and of the classifier only that the margin of
any state lies in [−2, 2], as it does for ⟨Z_j⟩ − ⟨Z_k⟩. Images within ‖x‖·sin θ of x have states within the angle θ of
x̂ (the nearest image of a state is the foot of the perpendicular on its ray), so a safe angle is a radius.
"""

import numpy as np

from qaml_qiskit.certificates.forms import DecisionForms, Floats, Integers, check_images
from qaml_qiskit.errors import InputError

#: ⟨Z_j⟩ − ⟨Z_k⟩ of any state lies between plus and minus this.
_LARGEST_MARGIN = 2.0


def lipschitz_radii(forms: DecisionForms, images: Floats, labels: Integers) -> Floats:
    """Radii from Hölder's inequality, shape (N,).

    ⟨A⟩ is linear in the state: |tr A(ρ − σ)| ≤ (a_max − a_min)·T(ρ, σ) with the trace distance T, because ρ − σ has
    trace zero. T = sin θ for pure states, and a_max − a_min ≤ 4. So the label stays while sin θ < γ/4.

    Args:
        forms: the classifier; its forms lie in [−1, 1] on normalised images, as those of a QVC do.
        images: shape (N, d).
        labels: shape (N,).

    Raises:
        InputError: images or labels that do not fit.
    """
    margin, norm = _margins(forms, images, labels)
    return norm * np.clip(margin / (2 * _LARGEST_MARGIN), 0, 1)


def hypothesis_testing_radii(forms: DecisionForms, images: Floats, labels: Integers) -> Floats:
    """Radii from the best test between two pure states, shape (N,): the most that the margin alone can give.

    E = ½(1 + A/2) is an effect, 0 ≤ E ≤ 1, and the label is j while ⟨E⟩ > ½. Given p = ⟨E⟩ = cos²α at a state, the
    least ⟨E⟩ at an angle θ from it is cos²(α + θ), which a test attains (Neyman and Pearson, Helstrom; the reasoning of
    Weber et al., npj Quantum Information 7, 76 (2021), for two classes and pure states, derived here anew). So the
    label stays while α + θ < π/4. With p = ½ + γ/4 that is θ < ½·arcsin(γ/2).

    Args:
        forms: as for :func:`lipschitz_radii`.
        images: shape (N, d).
        labels: shape (N,).

    Raises:
        InputError: images or labels that do not fit.
    """
    margin, norm = _margins(forms, images, labels)
    return norm * np.sin(np.arcsin(np.clip(margin / _LARGEST_MARGIN, 0, 1)) / 2)


def _margins(forms: DecisionForms, images: Floats, labels: Integers) -> tuple[Floats, Floats]:
    """The least margin over the other classes, of the normalised images, and the images' norms."""
    images, labels = check_images(forms, images, labels)
    norm = np.linalg.norm(images, axis=1)
    if not norm.all():
        raise InputError(
            f"image {int(norm.argmin())} has no direction",
            got="a vector of norm 0",
            expected="a norm above zero, because the state is the image divided by its norm",
            remedy="remove the image",
        )
    values = forms.values(images / norm[:, None])
    rows = np.arange(len(images))
    own = values[rows, labels]
    values[rows, labels] = -np.inf
    return own - values.max(1), norm
