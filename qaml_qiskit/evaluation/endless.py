"""What an accuracy would be with endless shots, from one that was measured with few."""

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.evaluation.estimates import Estimates, factors
from qaml_qiskit.evaluation.head import LinearHead
from qaml_qiskit.evaluation.proportions import Z_95, Proportion
from qaml_qiskit.labels import check_labels

#: Variances of the errors that are added, in units of those that are there.
_ADDED = (0.5, 1.0, 1.5, 2.0, 3.0)
#: Repetitions of the added errors, and of the calibration.
_DRAWS, _CALIBRATIONS = 40, 100


def endless_interval(
    estimates: Estimates, head: LinearHead, labels: NDArray[np.integer], *, seed: int
) -> tuple[float, float]:
    """95 % interval of the accuracy with endless shots, by simulation and extrapolation (Cook & Stefanski 1994).

    More errors of the same kind are added to the ⟨P_s⟩, up to twice the standard error, and the accuracy is followed
    back to where there are none: a parabola in the size of the errors, which suits both labels that change exactly
    where two logits are equal (the loss is linear in the errors) and labels that change gradually (it is quadratic).
    The parabola is linear in the accuracies, so every image has a share of the result, and the spread of these shares
    over the images is that of the result.

    Repeated experiments find the true accuracy inside as often as they should as long as errors are no larger than the
    spread of the ⟨P_s⟩ themselves; beyond that nothing can be followed back, and the interval is too low.

    Args:
        estimates: of N ≥ 1 images.
        head: makes logits of them.
        labels: shape (N,).
        seed: of the added errors.

    Returns:
        Lower and upper end; never narrower than Wilson's interval over the images.

    Raises:
        InputError: labels that are no classes, or not one an image.
    """
    values, logits = estimates.values, estimates.logits(head)
    labels = check_labels(labels, *logits.shape)
    generator, images = np.random.default_rng(seed), len(values)
    spread = factors(estimates.shot_covariance())
    hits = [logits.argmax(axis=1) == labels, *(np.zeros(images) for _ in _ADDED)]
    for _ in range(_DRAWS):
        for place, added in enumerate(_ADDED, 1):
            errors = np.einsum("nij,nj->ni", spread, generator.standard_normal(values.shape))
            said = head.logits(values + np.sqrt(added) * errors).argmax(axis=1)
            hits[place] += (said == labels) / _DRAWS
    shares = _at_none() @ np.array(hits, dtype=np.float64)
    variance = shares.var() / max(1, images - 1) + _by_calibration(estimates, head, labels, generator)
    middle, half = min(1.0, max(0.0, float(shares.mean()))), Z_95 * float(np.sqrt(variance))
    low, high = Proportion(round(middle * images), images).interval
    return max(0.0, min(low, middle - half)), min(1.0, max(high, middle + half))


def _at_none() -> NDArray[np.float64]:
    """Weights of the accuracies in what the parabola through them says of no errors."""
    size = np.sqrt(1 + np.array((0.0, *_ADDED)))
    return np.asarray(np.linalg.pinv(np.stack([size**0, size, size**2], axis=1))[0])


def _by_calibration(
    estimates: Estimates, head: LinearHead, labels: NDArray[np.integer], generator: np.random.Generator
) -> float:
    """Variance of the accuracy by the calibration's shots, which shift all images together."""
    if not estimates.is_corrected:
        return 0.0
    read, found = estimates.read, []
    for offset, scale in zip(*estimates.calibrations(generator, _CALIBRATIONS), strict=True):
        logits = head.logits(estimates.corrected(read, offset, scale))
        found.append((logits.argmax(axis=1) == labels).mean())
    return float(np.var(found))
