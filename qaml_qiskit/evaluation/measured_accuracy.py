"""How sure an accuracy is when ⟨P_s⟩ were measured: few images, few shots, and a calibration that was measured too."""

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.evaluation.estimates import Estimates, factors
from qaml_qiskit.evaluation.head import LinearHead
from qaml_qiskit.evaluation.proportions import Z_95, accuracy, named_right

REPLICATES = 500


def uncertain_labels(estimates: Estimates, head: LinearHead) -> int:
    """How many labels are within noise of flipping: the lead over another class is below 1.96 of its standard error."""
    logits, whole = estimates.logits(head), head.covariance(estimates.whole_covariance())
    winner = logits.argmax(axis=1)
    rows = np.arange(len(logits))
    variance = np.diagonal(whole, axis1=1, axis2=2)
    of_lead = variance + variance[rows, winner][:, None] - 2 * whole[rows, winner]
    lead = logits[rows, winner][:, None] - logits
    lead[rows, winner] = np.inf
    return int((lead < Z_95 * np.sqrt(np.maximum(of_lead, 0))).any(axis=1).sum())


def accuracy_interval(
    estimates: Estimates, head: LinearHead, labels: NDArray[np.integer], *, seed: int
) -> tuple[float, float]:
    """95 % interval of the accuracy expected at this number of shots, by a bootstrap over images and all shots.

    Few shots lower the accuracy, and this interval is about the lowered one: what the same experiment gives on average
    over other images of the kind, other shots and other calibrations. For endless shots see :func:`endless_interval`.
    Every replicate draws images with replacement, new shot errors for each (normal, with the covariance that the shots
    showed) and a new calibration (binomial). The replicates are centred on the measured accuracy: the estimates already
    hold one draw of the shot noise, and a second one on top lowers every replicate. A bootstrap cannot see errors that
    did not occur, so the interval is never narrower than Wilson's over the images.

    Args:
        estimates: of N images.
        head: makes logits of them.
        labels: shape (N,).
        seed: of the replicates.

    Returns:
        Lower and upper end.
    """
    measured = accuracy(estimates.logits(head), labels)
    low, high = measured.interval
    generator = np.random.default_rng(seed)
    offset, scale = estimates.calibrations(generator, REPLICATES)
    read, spread = estimates.read, factors(estimates.covariance)
    replicates = np.empty(REPLICATES)
    for number in range(REPLICATES):
        drawn = generator.integers(len(read), size=len(read))
        errors = np.einsum("nij,nj->ni", spread[drawn], generator.standard_normal(read.shape))
        again = estimates.images(drawn).corrected(read[drawn] + errors, offset[number], scale[number])
        replicates[number] = (head.logits(again).argmax(axis=1) == labels[drawn]).mean()
    ends = measured.value + np.quantile(replicates, (0.025, 0.975)) - replicates.mean()
    return max(0.0, min(low, float(ends[0]))), min(1.0, max(high, float(ends[1])))


def sampled_accuracy(
    estimates: Estimates, head: LinearHead, labels: NDArray[np.integer], seed: int, *, draws: int = 50
) -> float:
    """Mean accuracy when ⟨P_s⟩ are measured anew, with errors that are normal.

    Args:
        estimates: with values of endless shots, and the covariance that the wanted number of shots gives. The readout
            errors are inverted with a calibration that is measured anew in every draw, by its own number of shots.
        head: makes logits of them.
        labels: shape (N,).
        seed: of the errors.
        draws: how often all images are drawn.
    """
    return float(np.mean(sampled_hits(estimates, head, labels, seed, draws=draws)))


def sampled_hits(
    estimates: Estimates, head: LinearHead, labels: NDArray[np.integer], seed: int, *, draws: int = 50
) -> NDArray[np.float64]:
    """How often every image is named right, shape (N,), as :func:`sampled_accuracy`, which is its mean."""
    generator, calibrations = np.random.default_rng(seed), np.random.default_rng([seed, 1])
    offset, scale = estimates.calibrations(calibrations, draws)
    read, roots = estimates.read, _roots(estimates.covariance)
    hits = np.zeros(len(read))
    for number in range(draws):
        errors = np.einsum("nij,nj->ni", roots, generator.standard_normal(read.shape))
        values = estimates.corrected(read + errors, offset[number], scale[number])
        hits += named_right(head.logits(values), labels)
    return hits / draws


def _roots(covariance: NDArray[np.floating]) -> NDArray[np.floating]:
    """Symmetric square roots: of independent errors, the standard error of each."""
    values, vectors = np.linalg.eigh(covariance)
    roots: NDArray[np.floating] = (vectors * np.sqrt(np.maximum(values, 0))[:, None, :]) @ np.swapaxes(vectors, 1, 2)
    return roots
