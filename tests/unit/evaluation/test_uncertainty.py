"""Intervals of measured accuracies, against repeated experiments."""

import math

import numpy as np
import pytest

from qaml_qiskit.errors import InputError
from qaml_qiskit.evaluation import (
    Correction,
    Estimates,
    LinearHead,
    ReadoutMap,
    accuracy,
    accuracy_interval,
    endless_interval,
    paired_difference,
    paired_test,
    sampled_accuracy,
    uncertain_labels,
)
from tests.tolerances import SIGMAS

SHOTS = 200
#: Class k is read from qubit k.
HEAD = LinearHead(np.eye(2), np.zeros(2))
READOUT = ReadoutMap(np.array([0.05, 0.05]), np.array([0.15, 0.15]), shots=1)


def world(seed: int, images: int = 150) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True ⟨Z⟩ of two classes, drawn anew: shape (images, 2), labels, and the variance of one shot."""
    generator = np.random.default_rng(seed)
    z = np.clip(generator.normal(0, 0.15, (images, 2)), -0.9, 0.9)
    noisy = z + generator.normal(0, 0.1, z.shape)
    return z, noisy.argmax(axis=1), 1 - z**2


def measure(z: np.ndarray, generator: np.random.Generator, readout: ReadoutMap | None) -> np.ndarray:
    read = z if readout is None else z * (1 - readout.p10 - readout.p01) + readout.p01 - readout.p10
    return 1 - 2 * generator.binomial(SHOTS, (1 - read) / 2) / SHOTS


def covariance(z: np.ndarray) -> np.ndarray:
    return (1 - z**2)[:, :, None] * np.eye(2) / SHOTS


def estimates(values: np.ndarray, of: np.ndarray, readout: ReadoutMap | None = None) -> Estimates:
    """Of two qubits, with the covariance of what was read."""
    return Estimates(values, of, None if readout is None else Correction.of_bits(readout))


def calibrated(shots: int, generator: np.random.Generator) -> ReadoutMap:
    """What so many shots of each calibration circuit make of :data:`READOUT`."""
    p10, p01 = (generator.binomial(shots, p) / shots for p in (READOUT.p10, READOUT.p01))
    return ReadoutMap(p10, p01, shots=shots)


def expected_accuracy(readout: ReadoutMap | None) -> float:
    """What the same experiment gives on average over many images, shots and calibrations."""
    found = []
    for seed in range(400):
        z, labels, _ = world(seed)
        generator = np.random.default_rng(seed)
        seen = measure(z, generator, readout)
        record = None if readout is None else calibrated(SHOTS, generator)
        found.append(accuracy(seen if record is None else record.inverted(seen), labels).value)
    return float(np.mean(found))


def least(repetitions: int, level: float = 0.95) -> float:
    """So often a right interval contains the truth at least, five standard deviations of a binomial below its level."""
    return repetitions * level - SIGMAS * np.sqrt(repetitions * level * (1 - level))


@pytest.mark.parametrize("readout", [None, READOUT], ids=["raw", "mitigated"])
def test_each_interval_covers_what_it_says(readout: ReadoutMap | None) -> None:
    """One is about the accuracy at this number of shots, which is lower, the other about that of endless ones."""
    many = [world(seed) for seed in range(400)]
    endless = float(np.mean([accuracy(z, y).value for z, y, _ in many]))
    here = expected_accuracy(readout)
    inside, followed, confused, repetitions = 0, 0, 0, 60
    for seed in range(1000, 1000 + repetitions):
        z, labels, _ = world(seed)
        generator = np.random.default_rng(seed)
        seen = measure(z, generator, readout)
        record = None if readout is None else calibrated(SHOTS, generator)
        values = seen if record is None else record.inverted(seen)
        found = estimates(values, covariance(seen), record)
        low, high = accuracy_interval(found, HEAD, labels, seed=seed)
        inside += low <= here <= high
        confused += low <= endless <= high
        low, high = endless_interval(found, HEAD, labels, seed=seed)
        followed += low <= endless <= high
    assert inside >= least(repetitions)
    assert followed >= least(repetitions, 0.93)
    assert confused < least(repetitions)


def test_nothing_is_followed_back_where_shots_do_not_matter() -> None:
    z = np.array([[0.9, -0.9]] * 30 + [[-0.9, 0.9]] * 10)
    labels = np.zeros(40, dtype=np.int64)
    found = endless_interval(estimates(z, np.zeros((40, 2, 2))), HEAD, labels, seed=0)
    low, high = accuracy(z, labels).interval
    assert found[0] <= low < high <= found[1]
    assert found[1] - found[0] < 1.2 * (high - low)
    assert endless_interval(estimates(z[:30], np.zeros((30, 2, 2))), HEAD, labels[:30], seed=0)[1] == 1


def test_a_shared_calibration_error_widens_the_interval() -> None:
    """With ten shots of calibration all images shift together; images alone cannot show that."""
    z, labels, _ = world(1, images=2000)
    spreads = [ReadoutMap(np.array([0.1, 0.1]), np.array([0.2, 0.2]), shots=shots) for shots in (10, 10**6)]
    seen = measure(z, np.random.default_rng(2), spreads[0])
    mitigated = (seen - 0.1) / spreads[0].contrast
    rough, fine = (
        accuracy_interval(estimates(mitigated, covariance(seen), spread), HEAD, labels, seed=0) for spread in spreads
    )
    assert rough[1] - rough[0] > 2 * (fine[1] - fine[0])


def test_never_narrower_than_wilson() -> None:
    z = np.array([[0.9, -0.9]] * 20)
    labels = np.zeros(20, dtype=np.int64)
    found = accuracy_interval(estimates(z, np.zeros((20, 2, 2))), HEAD, labels, seed=0)
    assert found == pytest.approx(accuracy(z, labels).interval)


def test_standard_errors_and_mitigation() -> None:
    z = np.array([[0.0, 0.6]])
    errors = estimates(z, covariance(z)).standard_errors()
    assert errors == pytest.approx(np.sqrt(1 - z**2) / np.sqrt(SHOTS))
    endless = ReadoutMap(np.array([0.1, 0.0]), np.array([0.3, 0.0]), shots=10**12)
    assert estimates(z, covariance(z), endless).standard_errors() == pytest.approx(errors / [0.6, 1.0])


def test_standard_errors_have_the_calibrations_shots() -> None:
    """As many as the images' own: |z − ⟨Z⟩| < 1.96 standard errors in 95 % of repetitions, not in 92 %."""
    generator, inside = np.random.default_rng(0), []
    z = np.linspace(-0.9, 0.9, 20).reshape(10, 2)
    for _ in range(300):
        seen, record = measure(z, generator, READOUT), calibrated(SHOTS, generator)
        values = record.inverted(seen)
        errors = estimates(values, covariance(seen), record).standard_errors()
        inside.append((np.abs(values - z) < 1.96 * errors).mean())
    # The images of a repetition share its calibration, so the repetitions are what is independent.
    margin = SIGMAS * np.std(inside) / np.sqrt(len(inside))
    assert 0.95 - 0.92 > margin > abs(np.mean(inside) - 0.95)


def test_an_expected_accuracy_has_the_calibrations_shots() -> None:
    """Equal readout errors shift nothing; what a calibration of ten shots makes of them does."""
    z, labels, _ = world(3, images=500)
    read = z * READOUT.contrast + READOUT.offset
    fine, rough = (
        sampled_accuracy(estimates(z, covariance(read), READOUT.calibrated(shots)), HEAD, labels, 0)
        for shots in (10**9, 10)
    )
    assert fine == pytest.approx(sampled_accuracy(estimates(read, covariance(read)), HEAD, labels, 0), abs=1 / 500)
    assert rough < fine - 0.05


def test_a_paired_interval_covers_the_difference_as_often_as_it_says() -> None:
    generator = np.random.default_rng(3)
    shares, covered = (0.85, 0.08, 0.03, 0.04), 0
    for _ in range(2000):
        both, gained, lost, _ = generator.multinomial(60, shares)
        first = np.arange(60) < both + gained
        second = (np.arange(60) < both) | ((np.arange(60) >= both + gained) & (np.arange(60) < both + gained + lost))
        low, high = paired_difference(first, second)[1]
        covered += low <= shares[1] - shares[2] <= high
    error = math.sqrt(0.95 * 0.05 / 2000)
    assert covered / 2000 == pytest.approx(0.95, abs=SIGMAS * error + 0.01)


@pytest.mark.parametrize(
    ("both", "gained", "lost", "neither"), [(5, 0, 0, 3), (0, 4, 0, 0), (10, 3, 1, 0), (0, 0, 0, 2)]
)
def test_a_paired_interval_turns_with_the_order(both: int, gained: int, lost: int, neither: int) -> None:
    counts = (both, gained, lost, neither)
    first, second = (np.repeat(right, counts) for right in ([True, True, False, False], [True, False, True, False]))
    difference, (low, high) = paired_difference(first, second)
    assert difference == pytest.approx((gained - lost) / sum(counts))
    assert -1 <= low <= difference <= high <= 1
    turned, ends = paired_difference(second, first)
    assert (turned, *ends) == pytest.approx((-difference, -high, -low))


@pytest.mark.parametrize(
    ("gained", "lost", "p"), [(0, 0, 1.0), (1, 0, 1.0), (0, 1, 1.0), (3, 3, 1.0), (6, 0, 2 / 64), (1, 9, 22 / 1024)]
)
def test_a_paired_test_looks_at_what_differs_alone(gained: int, lost: int, p: float) -> None:
    first = np.array([True] * (20 + gained) + [False] * lost)
    second = np.array([True] * 20 + [False] * gained + [True] * lost)
    assert paired_test(first, second) == (gained, lost, pytest.approx(p))


def test_uncertain_labels_use_the_covariance() -> None:
    """Two classes that fluctuate together are told apart although each alone is uncertain."""
    z = np.array([[0.1, 0.0]])
    independent = np.array([[[0.01, 0.0], [0.0, 0.01]]])
    together = np.array([[[0.01, 0.0099], [0.0099, 0.01]]])
    assert uncertain_labels(estimates(z, independent), HEAD) == 1
    assert uncertain_labels(estimates(z, together), HEAD) == 0


def test_arrays_that_do_not_belong_together_are_refused() -> None:
    right = np.array([True, False])
    for second in (right[:1], right.astype(int), right[None]):
        with pytest.raises(InputError, match="cannot be compared"):
            paired_test(right, second)
    with pytest.raises(InputError):
        endless_interval(estimates(np.zeros((2, 2)), np.zeros((2, 2, 2))), HEAD, np.array([0, 2]), seed=0)
