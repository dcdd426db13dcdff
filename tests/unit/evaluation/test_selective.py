"""Risk against coverage: by hand, by brute force over all orders, and its intervals over repeated experiments."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qaml_qiskit.errors import InputError
from qaml_qiskit.evaluation import risk_coverage, selective_figures
from tests.tolerances import SIGMAS


def test_the_curve_of_five_images_by_hand() -> None:
    curve = risk_coverage(np.array([0.9, 0.5, 0.8, 0.7, 0.6]), np.array([True, False, True, False, True]))
    assert curve.coverage.tolist() == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert curve.risk.tolist() == pytest.approx([0, 0, 1 / 3, 1 / 4, 2 / 5])
    assert curve.area == pytest.approx((1 / 3 + 1 / 4 + 2 / 5) / 5)
    # The best order has both wrong ones last.
    assert curve.least_area == pytest.approx((1 / 4 + 2 / 5) / 5)
    assert curve.risk_at(0.5) == pytest.approx(1 / 3)
    assert curve.coverage_at(0.3) == 0.8
    assert curve.coverage_at(0) == 0.4
    assert risk_coverage(np.array([0.9, 0.1]), np.array([False, True])).coverage_at(0.2) == 0


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=1, max_size=6))
@settings(max_examples=50, deadline=None)
def test_equal_confidences_are_the_mean_over_their_orders(images: list[tuple[int, bool]]) -> None:
    levels, right = (np.array(each) for each in zip(*images, strict=True))
    found = risk_coverage(levels.astype(float), right)
    every = []
    for order in permutations(range(len(images))):
        ranked = np.array(order)[np.argsort(-levels[list(order)], kind="stable")]
        every.append(np.cumsum(~right[ranked]) / np.arange(1, len(images) + 1))
    np.testing.assert_allclose(found.risk, np.mean(every, axis=0), atol=1e-12)
    best = min(
        float(np.mean(np.cumsum(~right[list(order)]) / np.arange(1, len(images) + 1)))
        for order in permutations(range(len(images)))
    )
    assert found.least_area == pytest.approx(best)


def test_a_useful_confidence_has_less_area_than_a_random_order() -> None:
    generator = np.random.default_rng(1)
    sure = generator.random(2000)
    right = generator.random(2000) < sure
    useful, random = risk_coverage(sure, right), risk_coverage(generator.random(2000), right)
    wrong = 1 - right.mean()
    # Of P(right) = c, the risk at coverage c is (1 − (2 − c))… averaged: ∫ c/2 = 1/4.
    assert abs(useful.area - 0.25) < SIGMAS * np.sqrt(0.25 / 2000)
    assert abs(random.area - wrong) < SIGMAS * np.sqrt(wrong / 20)


def test_the_interval_covers_as_often_as_it_says() -> None:
    generator, inside, trials = np.random.default_rng(2), 0, 25
    for trial in range(trials):
        sure = generator.random(100)
        right = generator.random(100) < sure
        low, high = selective_figures(sure, right, seed=trial).intervals["aurc"]
        inside += low <= 0.25 <= high
    assert inside / trials > 0.95 - SIGMAS * np.sqrt(0.95 * 0.05 / trials)


def test_a_row_has_every_figure_with_its_interval() -> None:
    row = selective_figures(np.array([0.9, 0.8, 0.1]), np.array([True, True, False]), coverage=2 / 3).row()
    assert row["risk_at_coverage"] == 0
    assert row["excess_aurc"] == pytest.approx(0)
    assert row["aurc_interval"][0] <= row["aurc"] <= row["aurc_interval"][1]


@pytest.mark.parametrize(
    ("confidence", "right"), [([], []), ([0.5], [True, False]), ([np.nan], [True]), ([0.5], [2.0])]
)
def test_what_has_no_curve_is_refused(confidence: list[float], right: list[float]) -> None:
    with pytest.raises(InputError, match="no risk"):
        risk_coverage(np.array(confidence), np.array(right))


@pytest.mark.parametrize("coverage", [0.0, 1.5])
def test_no_coverage_is_refused(coverage: float) -> None:
    with pytest.raises(InputError, match="no coverage"):
        selective_figures(np.array([0.5]), np.array([True]), coverage=coverage)
