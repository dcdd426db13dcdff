"""Averages of products of Z: what readout errors make of them, and how sure they are, against repeated experiments."""

from itertools import product as cartesian

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from qaml_qiskit.evaluation import (
    Correction,
    Estimates,
    LinearHead,
    Products,
    ReadoutMap,
    accuracy,
    sampled_accuracy,
    uncertain_labels,
)
from tests.tolerances import SIGMAS, VALUE

EXACT = VALUE[torch.float64]
#: Neighbouring pairs beside every qubit, as of three qubits.
LINEAR_ZZ = Products(((0,), (1,), (2,), (0, 1), (1, 2)), 3)
PARITY = Products(((0, 1, 2),), 3)
PROBABILITIES = st.lists(st.floats(0, 0.4), min_size=3, max_size=3).map(np.array)
#: |000⟩ … |111⟩, qubit k in the k-th column.
SIGNS = 1 - 2 * np.array([[number >> bit & 1 for bit in range(3)] for number in range(8)])


def distribution(seed: int) -> np.ndarray:
    """Of the bitstrings of three entangled qubits."""
    return np.random.default_rng(seed).dirichlet(np.full(8, 0.4))


def averages(frequencies: np.ndarray) -> dict[tuple[int, ...], np.ndarray]:
    """Of every product of Z, one image."""
    strings = [tuple(bit for bit in range(3) if number >> bit & 1) for number in range(1, 8)]
    return {string: np.array([frequencies @ SIGNS[:, list(string)].prod(axis=1)]) for string in strings}


def flipped(frequencies: np.ndarray, p10: np.ndarray, p01: np.ndarray) -> np.ndarray:
    """The frequencies that are read: every pair of a true and a read bitstring, one after the other."""
    read = np.zeros(8)
    for true, seen in cartesian(range(8), range(8)):
        weight = frequencies[true]
        for bit in range(3):
            was, is_now = true >> bit & 1, seen >> bit & 1
            flip = p01[bit] if was else p10[bit]
            weight *= flip if was != is_now else 1 - flip
        read[seen] += weight
    return read


@given(PROBABILITIES, PROBABILITIES, st.integers(0, 2**20))
@settings(deadline=None)
def test_what_is_read_of_a_product_follows_from_the_flips(p10: np.ndarray, p01: np.ndarray, seed: int) -> None:
    bare, read = averages(distribution(seed)), averages(flipped(distribution(seed), p10, p01))
    for string, value in read.items():
        assert Products((string,), 3).read(bare, ReadoutMap(p10, p01))[0] == pytest.approx(value, abs=EXACT)


def test_the_spread_of_a_shot_is_that_of_its_products() -> None:
    """Of products that share a qubit; those that share none are taken as independent."""
    frequencies = distribution(1)
    outcomes = np.stack([SIGNS[:, list(string)].prod(axis=1) for string in LINEAR_ZZ.strings], axis=1)
    true = np.cov(outcomes.T, aweights=frequencies, bias=True)
    found = LINEAR_ZZ.spread(averages(frequencies))[0]
    shared = (LINEAR_ZZ.members[:, None] & LINEAR_ZZ.members[None]).any(axis=2)
    assert found[shared] == pytest.approx(true[shared], abs=EXACT)
    assert not found[~shared].any()
    assert LINEAR_ZZ.overlaps == ((0, 2),)
    assert PARITY.overlaps == ()


def test_single_qubits_have_the_errors_that_they_always_had() -> None:
    """Z = (r − offset)/contrast; to first order in p10 and p01, (1 + Z)²σ² and (1 − Z)²σ² over the contrast squared."""
    readout = ReadoutMap(np.array([0.05, 0.1]), np.array([0.15, 0.3]), shots=100)
    z, covariance = np.array([[0.3, -0.6]]), np.array([[[0.02, 0.005], [0.005, 0.01]]])
    found = Estimates(z, covariance, Correction.of_bits(readout)).whole_covariance()
    of_p10, of_p01 = readout.variances()
    own = np.diag(((1 + z) ** 2 * of_p10 + (1 - z) ** 2 * of_p01)[0])
    assert found[0] == pytest.approx((covariance[0] + own) / np.outer(readout.contrast, readout.contrast), abs=EXACT)
    assert Correction.of_bits(readout).read(z) == pytest.approx(readout.read(z), abs=EXACT)


@pytest.mark.parametrize("products", [LINEAR_ZZ, PARITY], ids=["linear-zz", "parity"])
def test_errors_by_the_calibration_are_those_of_repeated_calibrations(products: Products) -> None:
    """Endless shots of the images, 400 of each calibration: all that scatters is the calibration."""
    true, shots, repetitions = ReadoutMap(np.array([0.03, 0.05, 0.1]), np.array([0.08, 0.1, 0.2])), 400, 4000
    bare = averages(distribution(3))
    read = averages(flipped(distribution(3), true.p10, true.p01))
    values = np.stack([bare[string] for string in products.strings], axis=1)
    correction = Correction(products, true.calibrated(shots), products.partials(bare, true))
    size = len(products.strings)
    estimates = Estimates(values, np.zeros((1, size, size)), correction)
    generator, found = np.random.default_rng(0), []
    for _ in range(repetitions):
        drawn = ReadoutMap(*(generator.binomial(shots, p) / shots for p in (true.p10, true.p01)))
        # ∏(r − o)/∏c is what is read of a product by errors whose contrast is 1/c and whose offset is −o/c.
        inverse = ReadoutMap.affine(1 / drawn.contrast, -drawn.offset / drawn.contrast)
        found.append(products.read(read, inverse)[0])
    scattered = np.cov(np.array(found).T).reshape(size, size)
    expected = estimates.whole_covariance()[0]
    # Second order in the calibration's errors is left out: some of their size.
    margin = SIGMAS * np.sqrt(2 / repetitions) + SIGMAS / np.sqrt(shots)
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    assert (np.abs(scattered - expected) / scale).max() < margin
    drawn_again = [
        estimates.corrected(estimates.read, offset, scale)[0]
        for offset, scale in zip(*estimates.calibrations(np.random.default_rng(1), repetitions), strict=True)
    ]
    assert (np.abs(np.cov(np.array(drawn_again).T).reshape(size, size) - scattered) / scale).max() < margin


def test_a_head_carries_the_errors_to_the_leads() -> None:
    """Of one average and two classes the lead is twice the average, with twice its error."""
    head = LinearHead(np.array([[1.0], [-1.0]]), np.zeros(2))
    for value, uncertain in ((0.1, 1), (0.3, 0)):
        assert uncertain_labels(Estimates(np.array([[value]]), np.array([[[0.01]]])), head) == uncertain
    # An offset decides where nothing is measured.
    assert (
        uncertain_labels(Estimates(np.zeros((1, 1)), np.full((1, 1, 1), 0.01)), LinearHead(head.matrix, np.eye(2)[0]))
        == 0
    )


def test_an_expected_accuracy_is_that_of_drawn_shots() -> None:
    """The head over three qubits and their neighbours, whose shots are shared, against shots that are drawn."""
    generator, shots, images = np.random.default_rng(5), 60, 200
    head = LinearHead(generator.normal(size=(4, 5)), generator.normal(size=4) / 10)
    # Independent qubits, as far as the expectation takes them so.
    z = generator.uniform(-0.6, 0.6, (images, 3))
    bare = {string: z[:, list(string)].prod(axis=1) for string in (*LINEAR_ZZ.strings, (0, 2), (0, 1, 2))}
    values = np.stack([bare[string] for string in LINEAR_ZZ.strings], axis=1)
    labels = head.logits(values).argmax(axis=1)
    found = sampled_accuracy(Estimates(values, LINEAR_ZZ.spread(bare) / shots), head, labels, 0, draws=40)
    drawn = []
    for _ in range(40):
        signs = np.where(generator.random((images, shots, 3)) < (1 + z[:, None]) / 2, 1, -1)
        means = np.stack([signs[..., list(string)].prod(axis=-1).mean(axis=1) for string in LINEAR_ZZ.strings], axis=1)
        drawn.append(accuracy(head.logits(means), labels).value)
    assert abs(found - np.mean(drawn)) < SIGMAS * np.sqrt(2 * 0.25 / (40 * images))
