"""What predictions are unsure about: parts that add up, by the chain rule, and what each is where it is known."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from qaml_qiskit.confidence import (
    ShotMoments,
    Uncertainty,
    entropy,
    fit_pooled_temperature,
    fit_temperature,
    softmax,
)
from qaml_qiskit.errors import InputError
from tests.tolerances import MEAN, SIGMAS, VALUE

EXACT = VALUE[torch.float64]


def logits(seed: int, *shape: int, scale: float = 2.0) -> np.ndarray:
    return scale * np.random.default_rng(seed).standard_normal(shape)


def spread(seed: int, count: int, classes: int) -> np.ndarray:
    half = logits(seed, count, classes, classes, scale=1.0)
    found: np.ndarray = half @ half.transpose(0, 2, 1)
    return found


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000), st.integers(1, 5), st.integers(2, 6), st.sampled_from([0.0, 0.1, 3.0]))
def test_the_parts_are_not_negative_and_add_up(seed: int, members: int, classes: int, noise: float) -> None:
    z, generator = logits(seed, members, 7, classes), np.random.default_rng(seed)
    scattered = [ShotMoments.drawn(each, noise * spread(seed, 7, classes), 0.7, generator, 6) for each in z]
    found = Uncertainty.of_moments(scattered)
    for part in (found.expected, found.model, found.shots):
        assert (part >= 0).all()
    assert found.expected + found.model + found.shots == pytest.approx(found.total, abs=EXACT)
    assert found.mutual_information == pytest.approx(found.total - found.expected, abs=EXACT)
    assert (found.total <= np.log(classes) + EXACT).all()
    assert found.model.max() <= np.log(members) + EXACT
    assert found.probabilities.sum(1) == pytest.approx(1, abs=EXACT)
    if members == 1:
        assert found.model == pytest.approx(0, abs=EXACT)
    if not noise:
        assert found.shots == pytest.approx(0, abs=EXACT)


def test_certain_members_that_disagree_know_nothing_but_their_own() -> None:
    found = Uncertainty.of_members(np.eye(4)[:, None])
    assert found.total == pytest.approx(np.log(4), abs=EXACT)
    assert found.model == pytest.approx(np.log(4), abs=EXACT)
    assert found.expected == pytest.approx(0, abs=EXACT)


def test_members_that_agree_leave_the_doubt_about_the_label() -> None:
    found = Uncertainty.of_members(np.full((3, 2, 5), 0.2))
    assert found.expected == pytest.approx(np.log(5), abs=EXACT)
    assert found.model == pytest.approx(0, abs=EXACT)


def test_few_shots_leave_what_second_order_says() -> None:
    z, p = np.zeros((1, 2)), 0.5
    variance = 0.01
    covariance = np.diag([variance, 0.0])[None]
    found = Uncertainty.of_moments([ShotMoments.drawn(z, covariance, 1.0, np.random.default_rng(1), 4000)])
    # I ≈ Var[p]/(2p(1 − p)), Var[p] = (p(1 − p))²σ²; the mean of squares of normal numbers is known so well.
    expected = p * (1 - p) * variance / 2
    assert found.shots[0] == pytest.approx(expected, rel=SIGMAS * np.sqrt(2 / 2000) + variance)


def test_the_shot_part_falls_as_one_over_the_shots() -> None:
    z, one = logits(3, 20, 4), spread(4, 20, 4)
    parts = [
        Uncertainty.of_moments([ShotMoments.drawn(z, one / n, 1.0, np.random.default_rng(1))]).shots.mean()
        for n in (1e3, 1e4, 1e5)
    ]
    assert parts[0] / parts[1] == pytest.approx(10, rel=0.05)
    assert parts[1] / parts[2] == pytest.approx(10, rel=0.05)


def test_of_one_member_the_pooled_temperature_is_its_own() -> None:
    z = logits(5, 400, 3)
    labels = np.array([np.random.default_rng([6, row]).choice(3, p=p) for row, p in enumerate(softmax(z, 1.7))])
    alone = fit_temperature(z, labels).value
    assert 2.0 * fit_pooled_temperature(z[None], labels, [2.0]) == pytest.approx(alone, rel=MEAN)


def test_calibrated_members_are_sharpened_behind_their_mean() -> None:
    truth = logits(7, 2000, 3)
    members = truth + logits(8, 5, 2000, 3, scale=1.5)
    labels = np.array([np.random.default_rng([9, row]).choice(3, p=p) for row, p in enumerate(softmax(truth))])
    own = [fit_temperature(each, labels).value for each in members]
    assert fit_pooled_temperature(members, labels, own) < 1


def test_few_labels_that_are_all_right_make_no_members_certain() -> None:
    z = logits(10, 30, 3)
    labels = z.argmax(axis=1)
    # One member pools to itself: the same answer as by the fit of a single model.
    alone = fit_temperature(z, labels).value
    assert 2.0 * fit_pooled_temperature(z[None], labels, [2.0]) == pytest.approx(alone, rel=MEAN)


@pytest.mark.parametrize("members", [np.zeros((0, 3, 2)), np.zeros((3, 2))])
def test_no_member_is_refused(members: np.ndarray) -> None:
    with pytest.raises(InputError, match="nothing to compare"):
        Uncertainty.of_members(members)


def test_temperatures_for_other_members_are_refused() -> None:
    with pytest.raises(InputError, match="2 temperatures"):
        fit_pooled_temperature(np.zeros((3, 2, 2)), np.zeros(2, dtype=int), [1.0, 1.0])


def test_the_entropy_of_a_certain_label_is_nothing() -> None:
    assert entropy(np.array([[1.0, 0.0], [0.5, 0.5]])) == pytest.approx([0, np.log(2)], abs=EXACT)
