"""Conformal sets hold what they promise: over many draws, for each class, and within the interval of coverage."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qaml_qiskit.confidence import adaptive_scores, coverage_interval, set_figures, softmax, thresholds_for
from qaml_qiskit.errors import ConfigurationError, InputError
from tests.tolerances import SIGMAS

DRAWS, VALIDATION, TESTED, ALPHA = 2000, 59, 100, 0.1


def covered(rng: np.random.Generator, alpha: float = ALPHA) -> np.ndarray:
    """The coverage of some draws of validation and test images, whose scores come from one source."""
    shares = np.empty(DRAWS)
    for i in range(DRAWS):
        q = thresholds_for(rng.standard_normal(VALIDATION), np.zeros(VALIDATION, int), alpha, 1)
        shares[i] = (rng.standard_normal(TESTED) >= q[0]).mean()
    return shares


def test_the_promise_is_kept_over_draws_and_not_exceeded_by_more_than_a_rank() -> None:
    shares = covered(np.random.default_rng(2))
    error = shares.std() / np.sqrt(DRAWS)
    assert 1 - ALPHA - SIGMAS * error <= shares.mean() <= 1 - ALPHA + 1 / (VALIDATION + 1) + SIGMAS * error


def test_coverage_is_in_its_interval() -> None:
    low, high = coverage_interval(VALIDATION, TESTED, ALPHA)
    assert low < 1 - ALPHA < high
    shares = covered(np.random.default_rng(3))
    inside = ((shares >= low) & (shares <= high)).mean()
    assert inside >= 0.95 - SIGMAS * np.sqrt(0.05 * 0.95 / DRAWS)
    # And it is no wider than it must be: without its two ends it has less.
    assert ((shares > low) & (shares < high)).mean() < 0.96


def test_the_threshold_is_the_rank_that_the_promise_names() -> None:
    scores, labels = np.arange(19) / 10, np.zeros(19, int)
    # ⌊20 · 0.1⌋ = 2: the second lowest.
    assert thresholds_for(scores, labels, 0.1, 2).tolist() == [0.1, 0.1]
    assert thresholds_for(scores[:9], labels[:9], 0.1, 1).tolist() == [0.0]


def test_by_class_every_class_has_its_own() -> None:
    scores, labels = np.concatenate([np.arange(9.0), np.arange(100.0, 109.0)]), np.repeat([0, 1], 9)
    assert thresholds_for(scores, labels, 0.1, 2, by_class=True).tolist() == [0.0, 100.0]


def test_too_few_images_are_told_how_many() -> None:
    with pytest.raises(InputError, match=r"got 18 .*at least 19: ⌈1/α⌉ − 1"):
        thresholds_for(np.zeros(18), np.zeros(18, int), 0.05, 2)
    labels = np.repeat([0, 1], [30, 8])
    with pytest.raises(InputError, match=r"of class 1: got 8 .*at least 9"):
        thresholds_for(np.zeros(38), labels, 0.1, 2, by_class=True)
    with pytest.raises(InputError, match="no interval of this coverage"):
        coverage_interval(8, 10, 0.1)


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1, np.nan])
def test_a_share_that_is_none_is_refused(alpha: float) -> None:
    with pytest.raises(ConfigurationError):
        thresholds_for(np.zeros(100), np.zeros(100, int), alpha, 2)


def test_adaptive_scores_by_hand() -> None:
    probabilities = np.array([[0.2, 0.5, 0.3]])
    np.testing.assert_allclose(adaptive_scores(probabilities), [[-0.8, 0.0, -0.5]])
    np.testing.assert_allclose(adaptive_scores(probabilities, np.array([0.5])), [[-0.9, -0.25, -0.65]])


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_adaptive_scores_fall_with_the_rank_and_hold_the_first(seed: int) -> None:
    rng = np.random.default_rng(seed)
    probabilities = softmax(rng.standard_normal((8, 5)))
    scores = adaptive_scores(probabilities)
    order = np.argsort(-probabilities, axis=1)
    assert (np.diff(np.take_along_axis(scores, order, axis=1), axis=1) <= 0).all()
    assert (scores.max(1) == 0).all()
    assert (adaptive_scores(probabilities, rng.random(8)) <= scores).all()


def test_figures_of_sets() -> None:
    sets = np.array([[True, False, False], [True, True, False], [False, False, False], [True, True, True]])
    found = set_figures(sets, np.array([0, 2, 1, 2]))
    assert (found.coverage.successes, found.mean_size, found.singletons, found.empty) == (2, 1.5, 0.25, 0.25)
    assert found.least_of_a_class == 0
