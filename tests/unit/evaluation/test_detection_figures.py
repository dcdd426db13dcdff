"""The figures of a detector: ROC, AUROC, rates at a threshold, and thresholds with a promise."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import roc_auc_score, roc_curve

from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.evaluation import (
    auroc,
    check_enough,
    least_images,
    rate_at,
    roc,
    threshold_for,
    true_positives_at,
)
from tests.tolerances import SIGMAS, VALUE

#: Few values, so that there are ties.
_SCORES = arrays.arrays(np.float64, st.integers(2, 30), elements=st.integers(0, 6).map(float))


def _close(value: object) -> object:
    return pytest.approx(value, abs=max(VALUE.values()))


@given(_SCORES, _SCORES)
def test_auroc_and_the_curve_are_those_of_scikit_learn(clean: np.ndarray, suspicious: np.ndarray) -> None:
    truth = np.repeat([0, 1], [len(clean), len(suspicious)])
    scores = np.concatenate([clean, suspicious])

    value, (low, high) = auroc(clean, suspicious)
    curve = roc(clean, suspicious)
    false, true, thresholds = roc_curve(truth, scores, drop_intermediate=False)

    assert value == _close(roc_auc_score(truth, scores))
    assert 0 <= low <= value + max(VALUE.values())
    assert value - max(VALUE.values()) <= high <= 1
    # Theirs is an alarm at the threshold, ours above it: the same points, one threshold further.
    assert curve.false_positives == _close(false)
    assert curve.true_positives == _close(true)
    assert curve.thresholds[:-1] == _close(thresholds[1:])


def test_delong_by_hand() -> None:
    # 2 outranks one of two clean scores, 4 and 5 both; all three lie above 1, two of them above 3.
    clean, suspicious = np.array([1.0, 3.0]), np.array([2.0, 4.0, 5.0])
    over = np.array([0.5, 1.0, 1.0])
    under = np.array([1.0, 2 / 3])
    variance = over.var(ddof=1) / 3 + under.var(ddof=1) / 2
    half = 1.959963984540054 * math.sqrt(variance) / (5 / 6 * 1 / 6)

    value, (low, high) = auroc(clean, suspicious)

    assert value == _close(5 / 6)
    assert math.log(low / (1 - low)) == _close(math.log(5) - half)
    assert math.log(high / (1 - high)) == _close(math.log(5) + half)


@pytest.mark.parametrize("paired", [False, True])
def test_the_interval_of_auroc_covers(paired: bool) -> None:
    random = np.random.default_rng(0)
    repetitions, images, covered = 400, 80, 0
    # Φ(1/√2): of two independent images with unit variance, one shifted by 1.
    truth = 0.5 * (1 + math.erf(0.5))
    for _ in range(repetitions):
        shared = math.sqrt(0.6) * random.normal(size=images) if paired else 0
        own = math.sqrt(0.4) if paired else 1.0
        clean, suspicious = (shared + own * random.normal(size=images) + shift for shift in (0, 1))
        low, high = auroc(clean, suspicious, paired=paired)[1]
        covered += low <= truth <= high

    expected = 0.95 * repetitions
    assert abs(covered - expected) < SIGMAS * math.sqrt(0.05 * expected)


def test_all_told_apart_is_not_certain() -> None:
    value, (low, high) = auroc(np.zeros(20), np.ones(30))

    assert value == high == 1
    assert 0.8 < low < 0.9


def test_equal_scores_say_nothing() -> None:
    value, (low, high) = auroc(np.ones(20), np.ones(30))

    assert value == 0.5
    assert low < 0.5 < high


def test_one_image_has_a_wide_interval() -> None:
    value, (low, high) = auroc(np.array([0.0]), np.array([1.0]))

    assert value == high == 1
    assert low < 0.25


def test_pairs_are_of_the_same_number() -> None:
    with pytest.raises(InputError, match="no pairs"):
        auroc(np.zeros(3), np.zeros(4), paired=True)


def test_an_alarm_is_above_the_threshold() -> None:
    false, true = rate_at(np.array([0.0, 0.5, 1.0]), np.array([0.5, 0.6]), 0.5)

    assert (false.successes, false.trials) == (1, 3)
    assert (true.successes, true.trials) == (1, 2)


@pytest.mark.parametrize(("rate", "images"), [(0.05, 19), (0.01, 99), (0.5, 1), (0.9, 1), (1 / 3, 2), (0.03, 33)])
def test_a_promise_needs_images(rate: float, images: int) -> None:
    assert least_images(rate) == images
    assert threshold_for(np.arange(images), rate) == images - math.floor(rate * (images + 1) + 1e-9)
    if images > 1:
        with pytest.raises(InputError, match=f"at least {images}"):
            threshold_for(np.arange(images - 1), rate)


def test_the_promise_is_kept_exactly() -> None:
    # All orders of 20 scores are equally likely: the last is above the threshold of the first 19 in one of 20.
    places = [np.delete(np.arange(20), last) for last in range(20)]
    alarms = [last > threshold_for(others, 0.05) for last, others in enumerate(places)]

    assert sum(alarms) == 1


@given(st.integers(19, 60), st.integers(0, 2**31))
def test_ties_keep_the_promise(images: int, seed: int) -> None:
    scores = np.random.default_rng(seed).integers(0, 3, size=images + 1).astype(float)
    alarms = [scores[last] > threshold_for(np.delete(scores, last), 0.05) for last in range(images + 1)]

    assert np.mean(alarms) <= 0.05


def test_disagreement_of_one_pair_is_silent_or_says_yes() -> None:
    # One in ten clean images disagrees: no threshold has 5 % false alarms but the one without any.
    validation = np.repeat([0.0, 1.0], [90, 10])

    assert threshold_for(validation, 0.05) == 1.0
    assert threshold_for(validation, 0.2) == 0.0
    assert true_positives_at(validation, np.ones(5), 0.05).value == 0.0
    assert true_positives_at(validation, np.ones(5), 0.2).value == 1.0


def test_the_interval_at_a_rate_covers_both_kinds_of_images() -> None:
    random = np.random.default_rng(1)
    repetitions, covered = 400, 0
    # Φ(2 − z_.95): where the suspicious are clean ones shifted by two.
    truth = 0.5 * math.erfc((1.6448536269514722 - 2) / math.sqrt(2))
    widths = []
    for _ in range(repetitions):
        found = true_positives_at(random.normal(size=100), random.normal(size=400) + 2, 0.05)
        covered += found.interval[0] <= truth <= found.interval[1]
        widths.append(found.interval[1] - found.interval[0])

    expected = 0.95 * repetitions
    assert covered > expected - SIGMAS * math.sqrt(0.05 * expected)
    # The threshold of a hundred images is less certain than the share of four hundred.
    assert np.mean(widths) > 0.15


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, 2.0, math.nan])
def test_a_rate_is_a_share(rate: float) -> None:
    with pytest.raises(ConfigurationError, match="between 0 and 1"):
        threshold_for(np.zeros(100), rate)


@pytest.mark.parametrize("scores", [np.zeros(0), np.zeros((2, 2)), np.array([0.0, np.nan])])
def test_scores_are_numbers(scores: np.ndarray) -> None:
    with pytest.raises(InputError, match="clean scores"):
        roc(scores, np.zeros(3))
    with pytest.raises(InputError, match="suspicious scores"):
        auroc(np.zeros(3), scores)


def test_infinite_scores_are_scores() -> None:
    clean, suspicious = np.array([-np.inf, 0.0]), np.array([-np.inf, np.inf])

    assert auroc(clean, suspicious)[0] == pytest.approx(0.5 + 0.125)
    assert roc(clean, suspicious).false_positives[-1] == roc(clean, suspicious).true_positives[-1] == 1


def test_too_few_images_are_told_with_those_that_something_is_learned_from() -> None:
    check_enough(19, 0.05, "a promise", "a weaker one", whole=37)
    with pytest.raises(InputError, match=r"got 36, of which 18 set the threshold.*at least 37"):
        check_enough(18, 0.05, "a promise", "a weaker one", whole=36)
    with pytest.raises(InputError, match=r"got 1, of which 1 set the threshold.*at least 2"):
        check_enough(1, 0.5, "a promise", "a weaker one", whole=1)
