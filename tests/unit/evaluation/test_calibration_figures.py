"""Figures of calibration: against other libraries, by hand, and their intervals against repeated experiments."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss

from qaml_qiskit.errors import InputError
from qaml_qiskit.evaluation import CalibrationFigures, calibration_figures, reliability
from qaml_qiskit.evaluation.calibration import equal_mass, equal_width
from tests.tolerances import SIGMAS

CLASSES = 4
EXPERIMENTS = 80


def world(count: int, seed: int, temperature: float) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from probabilities, and what a model at another temperature says of them; calibrated at 1."""
    generator = np.random.default_rng(seed)
    true = np.exp(3 * generator.normal(size=(count, CLASSES)))
    true /= true.sum(axis=1, keepdims=True)
    labels = (generator.random(count)[:, None] > true.cumsum(axis=1)).sum(axis=1).clip(0, CLASSES - 1)
    said = true ** (1 / temperature)
    return said / said.sum(axis=1, keepdims=True), labels


def figures(count: int, world_seed: int, temperature: float, **how: int) -> CalibrationFigures:
    return calibration_figures(*world(count, world_seed, temperature), **how)


def test_nll_and_brier_are_those_of_scikit_learn() -> None:
    probabilities, labels = world(200, 0, 2.0)
    found = calibration_figures(probabilities, labels)
    assert found.nll.value == pytest.approx(log_loss(labels, probabilities, labels=range(CLASSES)))
    by_class = [brier_score_loss(labels == k, probabilities[:, k]) for k in range(CLASSES)]
    assert found.brier.value == pytest.approx(sum(by_class))


def test_ece_by_hand() -> None:
    # Two bins of half a width: two images at .9 of which one is right, one at .45 that is right.
    probabilities = np.array([[0.9, 0.1, 0.0], [0.9, 0.1, 0.0], [0.45, 0.3, 0.25]])
    found = calibration_figures(probabilities, np.array([0, 1, 0]), bins=2)
    assert found.ece.value == pytest.approx((2 * 0.4 + 0.55) / 3)
    assert found.accuracy.value == pytest.approx(2 / 3)
    rows = reliability(probabilities, np.array([0, 1, 0]), 2)
    assert [(row["bin"], row["images"], row["accuracy"]) for row in rows] == [(0, 1, 1.0), (1, 2, 0.5)]
    assert [row["confidence"] for row in rows] == pytest.approx([0.45, 0.9])
    assert all(low <= row["accuracy"] <= high for row in rows for low, high in [row["interval"]])


def test_a_bin_holds_its_upper_end() -> None:
    assert equal_width(np.array([0.0, 0.5, 0.5000001, 1.0]), 2).tolist() == [0, 0, 1, 1]


@given(st.lists(st.sampled_from([0.25, 0.3, 0.5, 0.7, 1.0]), min_size=1, max_size=40), st.integers(1, 20))
def test_equal_confidences_share_a_bin(values: list[float], bins: int) -> None:
    confidence = np.array(values)
    places = equal_mass(confidence, bins)
    assert places.min() >= 0
    assert places.max() < bins
    assert len({(value, place) for value, place in zip(values, places.tolist(), strict=True)}) == len({*values})
    order = np.argsort(confidence)
    assert (np.diff(places[order]) >= 0).all()


def test_different_confidences_fill_bins_equally() -> None:
    counts = np.bincount(equal_mass(np.random.default_rng(0).random(150), 15))
    assert counts.tolist() == [10] * 15


@pytest.mark.parametrize(("count", "temperature"), [(100, 1.0), (2000, 1.0), (2000, 2.0), (500, 0.5)])
def test_intervals_hold_the_truth(count: int, temperature: float) -> None:
    """Of a model that is calibrated by construction, and of ones that are not."""
    truth = figures(200_000, 1_000_000, temperature)
    hits = dict.fromkeys(("nll", "brier", "ece", "ece_adaptive"), 0)
    for seed in range(EXPERIMENTS):
        found = figures(count, seed, temperature)
        for name in hits:
            low, high = getattr(found, name).interval
            hits[name] += low <= getattr(truth, name).value <= high
    allowed = SIGMAS * math.sqrt(0.95 * 0.05 * EXPERIMENTS)
    assert all(0.95 * EXPERIMENTS - allowed <= hit for hit in hits.values()), hits


def test_a_percentile_bootstrap_would_not() -> None:
    """Why the interval is another one: chance alone gives a calibrated model an ECE, and its replicates a larger."""
    probabilities, labels = world(500, 0, 1.0)
    drawn = np.random.default_rng(0).integers(500, size=(50, 500))
    again = [calibration_figures(probabilities[rows], labels[rows]).ece.value for rows in drawn]
    found = calibration_figures(probabilities, labels).ece
    assert np.quantile(again, 0.025) > 0.01
    assert found.interval is not None
    assert found.interval[0] < 0.005


def test_intervals_get_narrower_and_stay_apart_from_none() -> None:
    small, large = figures(200, 0, 2.0).ece.interval, figures(20_000, 0, 2.0).ece.interval
    assert small is not None
    assert large is not None
    assert large[1] - large[0] < (small[1] - small[0]) / 5
    assert large[0] > 0.05


def test_errors_that_did_not_occur_count() -> None:
    sure = np.tile([0.999, 0.001], (50, 1))
    interval = calibration_figures(sure, np.zeros(50, dtype=int)).ece.interval
    assert interval is not None
    assert interval[0] == 0
    assert interval[1] > 0.03


@given(st.integers(1, 60), st.integers(1, 30), st.integers(0, 10**6))
def test_every_interval_holds_its_figure(count: int, bins: int, seed: int) -> None:
    found = figures(count, seed, 1.5, bins=bins, seed=seed)
    for figure in (found.nll, found.brier, found.ece, found.ece_adaptive):
        assert (figure.interval is None) == (count == 1)
        low, high = figure.interval or (figure.value, figure.value)
        assert 0 <= low <= figure.value <= high
    assert found.ece.value <= 1


def test_a_probability_of_zero_keeps_nll_finite_and_is_told() -> None:
    found = calibration_figures(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([1, 0]))
    assert found.impossible == 1
    assert math.isfinite(found.nll.value)
    assert found.nll.value > 100


def test_the_row_is_plain() -> None:
    row = figures(100, 0, 1.0).row()
    assert list(row) == [
        f"{name}{end}" for name in ("nll", "brier", "ece", "ece_adaptive") for end in ("", "_interval")
    ]
    assert all(isinstance(value, float | list) for value in row.values())


def test_the_same_seed_gives_the_same_intervals() -> None:
    assert figures(100, 0, 1.0, seed=3) == figures(100, 0, 1.0, seed=3)
    assert figures(100, 0, 1.0, seed=3).ece.interval != figures(100, 0, 1.0, seed=4).ece.interval


@pytest.mark.parametrize(
    "probabilities",
    [np.zeros((0, 3)), np.ones(3), np.full((2, 3), 0.5), np.array([[1.5, -0.5]]), np.full((1, 2), np.nan)],
)
def test_what_is_no_probability_is_refused(probabilities: np.ndarray) -> None:
    with pytest.raises(InputError, match="no probabilities"):
        calibration_figures(probabilities, np.zeros(len(probabilities), dtype=int))


def test_no_bin_is_refused() -> None:
    with pytest.raises(InputError, match="at least one"):
        figures(10, 0, 1.0, bins=0)
