"""Intervals of measured accuracies, against repeated experiments."""

import numpy as np
import pytest

from qaml_qiskit.evaluation import ReadoutSpread, accuracy, accuracy_interval, standard_errors, uncertain_labels

SHOTS = 200


def world(seed: int, images: int = 150) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True ⟨Z⟩ of two classes, drawn anew: shape (images, 2), labels, and the variance of one shot."""
    generator = np.random.default_rng(seed)
    z = np.clip(generator.normal(0, 0.15, (images, 2)), -0.9, 0.9)
    noisy = z + generator.normal(0, 0.1, z.shape)
    return z, noisy.argmax(axis=1), 1 - z**2


def measure(z: np.ndarray, generator: np.random.Generator, readout: ReadoutSpread | None) -> np.ndarray:
    read = z if readout is None else z * readout.contrast + readout.p01 - readout.p10
    return 1 - 2 * generator.binomial(SHOTS, (1 - read) / 2) / SHOTS


def covariance(z: np.ndarray) -> np.ndarray:
    return (1 - z**2)[:, :, None] * np.eye(2) / SHOTS


def test_the_interval_covers_the_expected_accuracy() -> None:
    """What the same experiment gives on average over many images and shots lies inside in 95 % of repetitions."""
    truth = np.mean(
        [accuracy(measure(z, np.random.default_rng(s), None), y).value for s in range(400) for z, y, _ in [world(s)]]
    )
    inside, repetitions = 0, 120
    for seed in range(1000, 1000 + repetitions):
        z, labels, _ = world(seed)
        seen = measure(z, np.random.default_rng(seed), None)
        low, high = accuracy_interval(seen, covariance(seen), labels, seed=seed)
        inside += low <= truth <= high
    # 95 % of 120 is 114; five standard deviations of a binomial below it.
    assert inside >= 114 - 5 * np.sqrt(120 * 0.95 * 0.05)


def test_a_shared_calibration_error_widens_the_interval() -> None:
    """With ten shots of calibration all images shift together; images alone cannot show that."""
    z, labels, _ = world(1, images=2000)
    spreads = [ReadoutSpread(np.array([0.1, 0.1]), np.array([0.2, 0.2]), shots) for shots in (10, 10**6)]
    seen = measure(z, np.random.default_rng(2), spreads[0])
    mitigated = (seen - 0.1) / spreads[0].contrast
    rough, fine = (accuracy_interval(mitigated, covariance(seen), labels, seed=0, readout=spread) for spread in spreads)
    assert rough[1] - rough[0] > 2 * (fine[1] - fine[0])


def test_never_narrower_than_wilson() -> None:
    z = np.array([[0.9, -0.9]] * 20)
    labels = np.zeros(20, dtype=np.int64)
    assert accuracy_interval(z, np.zeros((20, 2, 2)), labels, seed=0) == pytest.approx(accuracy(z, labels).interval)


def test_standard_errors_and_mitigation() -> None:
    z = np.array([[0.0, 0.6]])
    errors = standard_errors(covariance(z))
    assert errors == pytest.approx(np.sqrt(1 - z**2) / np.sqrt(SHOTS))
    readout = ReadoutSpread(np.array([0.1, 0.0]), np.array([0.3, 0.0]), 100)
    assert standard_errors(covariance(z), readout) == pytest.approx(errors / [0.6, 1.0])


def test_uncertain_labels_use_the_covariance() -> None:
    """Two classes that fluctuate together are told apart although each alone is uncertain."""
    z = np.array([[0.1, 0.0]])
    independent = np.array([[[0.01, 0.0], [0.0, 0.01]]])
    together = np.array([[[0.01, 0.0099], [0.0099, 0.01]]])
    assert uncertain_labels(z, independent) == 1
    assert uncertain_labels(z, together) == 0
