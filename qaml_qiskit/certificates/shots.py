"""The margin that makes a label right with a promised probability when logits are averages over shots."""

import numpy as np
from scipy.optimize import brentq
from scipy.special import rel_entr

from qaml_qiskit.certificates.forms import DecisionForms, Floats, Integers
from qaml_qiskit.certificates.signed import label_distances
from qaml_qiskit.errors import InputError


def shot_margins(highest: Floats, shots: int, confidence: float) -> Floats:
    """t_jk: a class j with ⟨g_j − g_k⟩ ≥ t_jk for all k is measured as the winner with at least this probability.

    The measured logits are averages over S independent shots of g, the head's logits of one shot's outcome. All come
    from the same shots, so what decides between two classes is the average of one random number a shot, g_j − g_k,
    which lies between a = −highest[k, j] and b = highest[j, k]. With μ for its expectation, Hoeffding (J. Am. Stat.
    Assoc. 58, 13 (1963), theorem 1) bounds

        P(average ≤ 0) ≤ exp(−S·KL(p₀ ‖ p)),   p = (μ − a)/(b − a),   p₀ = −a/(b − a),   μ ≥ 0,

    with KL for the divergence of two coins. That holds at any number of shots, and nothing is taken as normal. Of
    numbers of which only a, b and μ are known there is no better exponent: those that are a or b have the largest
    variance, (b − μ)(μ − a), which is 4 − μ² for ⟨Z_j⟩ − ⟨Z_k⟩. It is below exp(−2Sμ²/(b − a)²), the better known form.
    The union bound over the m − 1 other classes makes t the μ at which it is (1 − confidence)/(m − 1). A tie is lost.

    Args:
        highest: of the difference of two logits for any outcome, shape (m, m): row j and column k of g_j − g_k.
        shots: S ≥ 1.
        confidence: 1 − δ, above 0 and below 1.

    Returns:
        Shape (m, m), 0 on the diagonal; infinite where class j wins against k in no outcome.

    Raises:
        InputError: shots or a confidence out of range.
    """
    if shots < 1 or not 0 < confidence < 1:
        raise InputError(
            "there is no margin for these shots",
            got=f"{shots} shots and a confidence of {confidence:g}",
            expected="at least one shot, and a confidence above 0 and below 1",
            remedy="take 1000 shots and 0.99",
        )
    bounds = np.asarray(highest, dtype=np.float64)
    count = len(bounds)
    allowed = np.log((count - 1) / (1 - confidence)) / shots
    margins = np.zeros((count, count))
    for j in range(count):
        for k in (k for k in range(count) if k != j):
            margins[j, k] = _margin(-bounds[k, j], bounds[j, k], allowed)
    return margins


def shot_radii(forms: DecisionForms, images: Floats, labels: Integers, margins: Floats) -> Floats:
    """Exact l2 radii within which the label is measured as the winner with the promised probability, shape (N,).

    The largest radius around x in which class y keeps the margins t_yk: that of the forms M_y − M_k − t_yk. 0 where it
    does not have them at x, and always up to :func:`certify_l2`'s.

    Args:
        forms: of the expectation values, with the scale that ``margins`` have.
        images: shape (N, d).
        labels: the true classes, shape (N,).
        margins: from :func:`shot_margins`.

    Raises:
        InputError: images, labels or margins that do not fit.
    """
    return np.maximum(label_distances(forms, images, labels, margins).distance, 0.0)


def _margin(low: float, high: float, allowed: float) -> float:
    """The μ in [0, high] at which the divergence of the two coins is ``allowed``; infinite where j wins no shot."""
    if high <= 0:
        return np.inf
    if low >= 0:
        # No shot speaks for the other class; but one may speak for neither.
        return 0.0 if low > 0 else high * -np.expm1(-allowed)
    width, nothing = high - low, -low / (high - low)

    def excess(mean: float) -> float:
        coin = (mean - low) / width
        return float(rel_entr(nothing, coin) + rel_entr(1 - nothing, 1 - coin)) - allowed

    # At high the second coin never shows what the first one may.
    return float(brentq(excess, 0.0, np.nextafter(high, 0), xtol=1e-15)) if excess(np.nextafter(high, 0)) > 0 else high
