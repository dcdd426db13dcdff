"""How sure an accuracy is when ⟨Z_k⟩ were measured: few images, few shots, and a calibration that was measured too."""

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.evaluation.proportions import Z_95, accuracy
from qaml_qiskit.evaluation.readout import ReadoutMap

REPLICATES = 500
#: Contrast of a calibration that is drawn, at least: its inverse stays finite.
_LEAST_DRAWN = 1e-3


def mitigated_covariance(
    z: NDArray[np.float64], covariance: NDArray[np.float64], readout: ReadoutMap
) -> NDArray[np.float64]:
    """Covariance of ⟨Z_k⟩ after the readout errors were inverted, shape (N, m, m).

    Z = (r − p01 + p10)/(1 − p10 − p01), with errors of r by the image's shots, of p10 and p01 by the calibration's: to
    first order σ_Z² = (σ_r² + (1 + Z)²σ_10² + (1 − Z)²σ_01²)/(1 − p10 − p01)². The errors of a calibration are
    independent between qubits; that all images share them is not in here.

    Args:
        z: the inverted values, shape (N, m).
        covariance: of the measured (unmitigated) values by shots, shape (N, m, m).
        readout: the errors that were inverted.
    """
    of_p10, of_p01 = readout.variances()
    of_calibration = (1 + z) ** 2 * of_p10 + (1 - z) ** 2 * of_p01
    whole = covariance + of_calibration[:, :, None] * np.eye(z.shape[1])
    return whole / np.outer(readout.contrast, readout.contrast)


def standard_errors(
    z: NDArray[np.float64], covariance: NDArray[np.float64], readout: ReadoutMap | None = None
) -> NDArray[np.float64]:
    """Standard error of every ⟨Z_k⟩ by its shots, and by the calibration's where it was mitigated; shape (N, m).

    Args:
        z: ⟨Z_k⟩, shape (N, m).
        covariance: of the measured (unmitigated) values by shots, shape (N, m, m).
        readout: when ``z`` was mitigated.
    """
    whole = covariance if readout is None else mitigated_covariance(z, covariance, readout)
    errors: NDArray[np.float64] = np.sqrt(np.diagonal(whole, axis1=1, axis2=2))
    return errors


def uncertain_labels(z: NDArray[np.float64], covariance: NDArray[np.float64], readout: ReadoutMap | None = None) -> int:
    """How many labels are within noise of flipping: the lead over another class is below 1.96 of its standard error.

    Args:
        z: ⟨Z_k⟩, shape (N, m).
        covariance: of the measured (unmitigated) values by shots, shape (N, m, m).
        readout: when ``z`` was mitigated.
    """
    whole = covariance if readout is None else mitigated_covariance(z, covariance, readout)
    winner = z.argmax(axis=1)
    rows = np.arange(len(z))
    variance = np.diagonal(whole, axis1=1, axis2=2)
    of_lead = variance + variance[rows, winner][:, None] - 2 * whole[rows, winner]
    lead = z[rows, winner][:, None] - z
    lead[rows, winner] = np.inf
    return int((lead < Z_95 * np.sqrt(np.maximum(of_lead, 0))).any(axis=1).sum())


def accuracy_interval(
    z: NDArray[np.float64],
    covariance: NDArray[np.float64],
    labels: NDArray[np.integer],
    *,
    seed: int,
    readout: ReadoutMap | None = None,
) -> tuple[float, float]:
    """95 % interval of the accuracy expected at this number of shots, by a bootstrap over images and all shots.

    Few shots lower the accuracy, and this interval is about the lowered one: what the same experiment gives on average
    over other images of the kind, other shots and other calibrations. For endless shots see :func:`endless_interval`.
    Every replicate draws images with replacement, new shot errors for each (normal, with the covariance that the shots
    showed) and a new calibration (binomial). The replicates are centred on the measured accuracy: z already holds one
    draw of the shot noise, and a second one on top lowers every replicate. A bootstrap cannot see errors that did not
    occur, so the interval is never narrower than Wilson's over the images.

    Args:
        z: ⟨Z_k⟩, shape (N, m).
        covariance: of the measured (unmitigated) values by shots, shape (N, m, m).
        labels: shape (N,).
        seed: of the replicates.
        readout: when ``z`` was mitigated.

    Returns:
        Lower and upper end.
    """
    measured = accuracy(z, labels)
    low, high = measured.interval
    generator = np.random.default_rng(seed)
    shift, scale = calibration_draws(generator, readout, z.shape[1])
    # Mitigation is affine in each ⟨Z_k⟩ up to M3's cut to the bitstrings that occurred, which the replicates keep.
    unmitigated = z if readout is None else readout.read(z)
    values, vectors = np.linalg.eigh(covariance)
    factors = vectors * np.sqrt(np.maximum(values, 0))[:, None, :]
    replicates = np.empty(REPLICATES)
    for number in range(REPLICATES):
        drawn = generator.integers(len(z), size=len(z))
        errors = np.einsum("nij,nj->ni", factors[drawn], generator.standard_normal(z.shape))
        again = (unmitigated[drawn] + errors - shift[number]) * scale[number]
        replicates[number] = (again.argmax(axis=1) == labels[drawn]).mean()
    ends = measured.value + np.quantile(replicates, (0.025, 0.975)) - replicates.mean()
    return max(0.0, min(low, float(ends[0]))), min(1.0, max(high, float(ends[1])))


def calibration_draws(
    generator: np.random.Generator, readout: ReadoutMap | None, num_classes: int, replicates: int = REPLICATES
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Z = (measured − shift)·scale for every replicate, shape (replicates, m) each."""
    shape = (replicates, num_classes)
    if readout is None:
        return np.zeros(shape), np.ones(shape)
    if readout.shots is None:
        return np.broadcast_to(readout.offset, shape), np.broadcast_to(1 / readout.contrast, shape)
    drawn = ReadoutMap(
        *(generator.binomial(readout.shots, p, size=shape) / readout.shots for p in (readout.p10, readout.p01))
    )
    return drawn.offset, 1 / np.maximum(drawn.contrast, _LEAST_DRAWN)


def sampled_accuracy(
    z: NDArray[np.floating],
    shots: int,
    labels: NDArray[np.integer],
    seed: int,
    *,
    readout: ReadoutMap | None = None,
    draws: int = 50,
) -> float:
    """Mean accuracy when every ⟨Z_k⟩ is measured with so many shots, its error normal and independent of the others.

    Args:
        z: what is read on average, shape (N, m).
        shots: an image; the standard errors are √((1 − z²)/shots).
        labels: shape (N,).
        seed: of the errors.
        readout: errors in ``z`` that are inverted, qubit by qubit, with a calibration that is measured anew in every
            draw by its own number of shots.
        draws: how often all images are drawn.
    """
    generator, calibrations = np.random.default_rng(seed), np.random.default_rng([seed, 1])
    errors = np.sqrt(np.maximum(1 - z**2, 0) / shots)
    shift, scale = calibration_draws(calibrations, readout, z.shape[1], draws)
    noisy = ((z + errors * generator.standard_normal(z.shape) - shift[k]) * scale[k] for k in range(draws))
    return float(np.mean([accuracy(draw, labels).value for draw in noisy]))
