"""Randomised smoothing: radii of the label that wins most of the votes of noisy copies of an image.

The smoothed classifier is another one than the classifier that it asks, its base: a radius here says nothing about the
base, and the exact radius of the base nothing about it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import beta, binomtest

from qaml_qiskit.certificates.forms import DecisionForms, Floats, Integers, Spectrum, check_images
from qaml_qiskit.errors import InputError

#: A tail of the weighted sum of squares below e⁻ˣ is left out, and a characteristic function below the last number.
_TAIL, _NOTHING = 30.0, 1e-13
#: Points of the characteristic function at a time, and at most.
_POINTS, _MOST_POINTS = 256, 2**16


@dataclass(frozen=True, eq=False)
class SmoothedCertificates:
    """What sampled votes say of N images.

    Attributes:
        predicted: the smoothed classifier's labels, shape (N,); −1 where it abstains.
        share: lower bound of the share of that label among all draws, shape (N,); 0 where it abstains.
        radius: in l2, shape (N,): closer than this the smoothed classifier has the same label; 0 where it abstains.
    """

    predicted: Integers
    share: Floats
    radius: Floats


def certify_smoothed(
    selection: Integers, estimation: Integers, sigma: float, failure: float = 0.001
) -> SmoothedCertificates:
    """CERTIFY of Cohen, Rosenfeld & Kolter, 1902.02918, for the votes of N images.

    The label is the one with most votes in the first draws. The second ones, which chose nothing, bound its share p
    from below (Clopper & Pearson, one-sided); where the bound is above ½ the radius is σ·Φ⁻¹(p), else it abstains. (The
    other classes have at most 1 − p, so σ/2·(Φ⁻¹(p_A) − Φ⁻¹(p_B)) with p_B = 1 − p_A is the same.) Each statement is
    wrong with a probability of at most ``failure``. With n draws the bound is at most failure^(1/n), and so the radius
    at most σ·Φ⁻¹ of that, however sure the base is.

    Args:
        selection: votes a class of the first draws, shape (N, m).
        estimation: of the second ones, shape (N, m).
        sigma: σ, standard deviation of the noise, in pixel units.
        failure: α.

    Raises:
        InputError: votes that do not fit each other, σ or α.
    """
    first, second = np.asarray(selection), np.asarray(estimation)
    if first.shape != second.shape or first.ndim != 2 or not (second.sum(1) > 0).all() or not sigma > 0:
        raise InputError(
            "the votes cannot be certified",
            got=f"votes of shape {first.shape} and {second.shape}, sigma {sigma:g}",
            expected="two tables of shape (N, m), with votes in each row, and a sigma above 0",
            remedy="count the labels of noisy copies of the same images twice",
        )
    predicted = first.argmax(1)
    share = share_at_least(second[np.arange(len(second)), predicted], second.sum(1), failure)
    sure = share > 0.5
    radius = sigma * ndtri(np.where(sure, share, 0.5))
    return SmoothedCertificates(np.where(sure, predicted, -1), np.where(sure, share, 0.0), radius)


def vote(votes: Integers, failure: float = 0.001) -> Integers:
    """PREDICT of Cohen et al.: the label with most votes, −1 where the second could have as many, shape (N,).

    Args:
        votes: a class, shape (N, m).
        failure: the probability of a label that is not the smoothed classifier's.
    """
    ranked = np.sort(votes, axis=1)
    pairs = zip(ranked[:, -1].tolist(), ranked[:, -2].tolist(), strict=True)
    sure = np.array([most > 0 and binomtest(most, most + next_).pvalue <= failure for most, next_ in pairs], dtype=bool)
    return np.where(sure, votes.argmax(1), -1)


def share_at_least(successes: Integers, trials: Integers, failure: float = 0.001) -> Floats:
    """Clopper & Pearson's one-sided lower bound of a share, shape (N,): exact, it errs with at most ``failure``."""
    if not 0 < failure < 1:
        raise InputError(
            "this is no probability of failure",
            got=f"{failure:g}",
            expected="a number above 0 and below 1",
            remedy="take 0.001",
        )
    bound = beta.ppf(failure, np.maximum(successes, 1), trials - successes + 1)
    return np.where(np.asarray(successes) > 0, bound, 0.0)


def certify_smoothed_forms(forms: DecisionForms, images: Floats, labels: Integers, sigma: float) -> Floats:
    """Radii of the smoothed classifier whose base has quadratic forms, without a draw, shape (N,).

    Noise is added to the image, and dividing by the norm changes no label. So the share of draws in which class j is
    above class k is that of a weighted sum of squares of normal numbers above 0, :func:`positive_shares`, and

        p_j ≥ 1 − Σ_k P((x + δ)ᵀ(M_j − M_k)(x + δ) ≤ 0),

    with equality for two classes. The radius is σ·Φ⁻¹(p_j) with the bound for p_j: nothing is sampled, no statement
    fails, and no number of draws caps it. Zero where the bound is not above ½; then another class may win the vote, or
    the union bound be too weak. Below 1e-9 of 1 shares are not told apart from 1, so a radius is at most 6σ.

    Args:
        forms: the base.
        images: shape (N, d).
        labels: the classes that are certified, shape (N,).
        sigma: σ, in pixel units.

    Raises:
        InputError: images or labels that do not fit, or a sigma that is not above 0.
    """
    images, labels = check_images(forms, images, labels)
    lost = np.zeros(len(images))
    for label in np.unique(labels):
        mine = np.flatnonzero(labels == label)
        for opponent in (k for k in range(forms.num_classes) if k != label):
            spectrum = forms.spectrum(int(label), opponent)
            lost[mine] += 1 - positive_shares(spectrum, images[mine] @ spectrum.vectors, sigma)
    share = np.clip(1 - lost - 1e-9, 0.5, None)
    return sigma * np.asarray(ndtri(share))


def positive_shares(spectrum: Spectrum, coordinates: Floats, sigma: float) -> Floats:
    """P(Q > 0) of Q = Σ_i a_i (y_i + σz_i)² with independent standard normal z_i, shape (N,).

    The characteristic function is known,

        ln φ(u) = Σ_i −½ ln(1 − 2iσ²a_i u) + i a_i y_i² u/(1 − 2iσ²a_i u),

    and P(Q > 0) = ½ + Σ_k Im φ((k + ½)Δ)/(π(k + ½)) up to P(|Q| > 2π/Δ) (Davies, Biometrika 60, 415 (1973)); Δ makes
    that e⁻³⁰ by the bound of Laurent & Massart, and the sum ends where |φ|, which falls, is below 10⁻¹³.

    Args:
        spectrum: a, shape (d,).
        coordinates: y, shape (N, d), in the eigenbasis.
        sigma: σ > 0.

    Raises:
        InputError: a sigma that is not above 0.
    """
    if not sigma > 0 or not np.isfinite(sigma):
        raise InputError(
            "cannot smooth", got=f"sigma {sigma:g}", expected="a finite number above 0", remedy="take 0.25"
        )
    if not len(coordinates):
        return np.zeros(0)
    largest = np.abs(spectrum.values).max()
    if largest == 0:
        return np.zeros(len(coordinates))
    weights, squares = spectrum.values / largest, (coordinates / sigma) ** 2
    mean = weights.sum() + squares @ weights
    deviation = np.sqrt(2 * (weights**2).sum() + 4 * squares @ weights**2)
    step = 2 * np.pi / (np.abs(mean) + np.sqrt(2 * _TAIL) * deviation + 2 * _TAIL).max()
    total = np.zeros(len(coordinates))
    for first in range(0, _MOST_POINTS, _POINTS):
        places = np.arange(first, first + _POINTS) + 0.5
        factor = 1 - 2j * np.outer(weights, places * step)
        logarithm = squares @ (1j * np.outer(weights, places * step) / factor) - np.log(factor).sum(0) / 2
        total += (np.exp(logarithm).imag / places).sum(1)
        if logarithm[:, -1].real.max() < np.log(_NOTHING):
            break
    return np.clip(0.5 + total / np.pi, 0, 1)


def votes_of(labels: Integers, num_classes: int) -> NDArray[np.int64]:
    """How often every class is among the labels of an image's draws, shape (N, m), for labels of shape (N, draws)."""
    return (labels[:, :, None] == np.arange(num_classes)).sum(1)
