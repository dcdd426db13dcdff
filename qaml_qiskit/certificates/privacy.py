"""Radii from the differential privacy of depolarising noise, for comparison: what the noise itself seems to buy."""

import numpy as np

from qaml_qiskit.certificates.forms import DecisionForms, Floats, Integers, check_images
from qaml_qiskit.errors import InputError


def privacy_radii(forms: DecisionForms, images: Floats, labels: Integers, strength: float) -> Floats:
    """Radii by Du et al., 2003.09416, of a QVC with a qubit a class under global depolarising noise, shape (N,).

    The state before the readout is (1 − p)ρ + p·1/D. A qubit reads 0 with the probability P_k = (1 + (1 − p)⟨Z_k⟩)/2,
    and this outcome has the share ½ of 1/D. So for states at a trace distance of at most τ

        P_k(σ) ≤ P_k(ρ) + (1 − p)τ ≤ e^ε·P_k(ρ),   e^ε = 1 + 2τ(1 − p)/p,

    because P_k(ρ) ≥ p/2: the noise is ε-differentially private (Zhou & Ying, 2017; their D is 2 here, the outcomes of
    the measurement that decides). The label stays while P_j > e^{2ε}·P_k, for τ < (√(P_j/P_k) − 1)·p/(2(1 − p)), and a
    trace distance τ of pure states is ‖x‖·τ in pixels.

    Assumptions: one global channel, wherever it acts before the readout; exact probabilities; pure encoded states.
    Where it is vacuous: τ → 0 as p → 0. And it is never above γ/4 with γ = ⟨Z_j⟩ − ⟨Z_k⟩, which is
    :func:`lipschitz_radii` of the model *without* noise and below its exact radius: √(1 + t) ≤ 1 + t/2 gives
    τ ≤ γp/(4(1 + (1 − p)⟨Z_k⟩)), and the bracket is at least p. It reaches that for p → 1. The growth is one of the
    bound, not of what it bounds: a global channel multiplies all ⟨Z_k⟩ by 1 − p, so labels and exact radii are the same
    for every p < 1.

    Args:
        forms: those of the model without noise, xᵀM_k x/xᵀx = ⟨Z_k⟩ in [−1, 1].
        images: shape (N, d).
        labels: the true classes, shape (N,).
        strength: p, above 0 and below 1.

    Raises:
        InputError: images or labels that do not fit, forms beyond [−1, 1], or another strength.
    """
    images, labels = check_images(forms, images, labels)
    if not 0 < strength < 1:
        raise InputError(
            "cannot bound by differential privacy",
            got=f"a strength of {strength:g}",
            expected="above 0 and below 1: without noise there is no such bound",
            remedy="take the exact radius",
        )
    norm = np.linalg.norm(images, axis=1)
    values = forms.values(images) / np.where(norm > 0, norm, 1)[:, None] ** 2
    if (np.abs(values) > 1 + 1e-6).any():
        raise InputError(
            "cannot bound by differential privacy",
            got=f"a form of size {np.abs(values).max():.3g}",
            expected="averages of Z, between −1 and 1",
            remedy="take a QVC that reads a qubit a class",
        )
    shares = (1 + (1 - strength) * np.clip(values, -1, 1)) / 2
    rows = np.arange(len(images))
    own = shares[rows, labels]
    shares[rows, labels] = 0
    ratio = np.sqrt(own / shares.max(1))
    return norm * np.clip((ratio - 1) * strength / (2 * (1 - strength)), 0, 1)
