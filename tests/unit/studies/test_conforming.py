"""Predictors of sets: what an attacker within the radius cannot take out of a set, for every score that promises it."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from qaml_qiskit.deployments import Batch
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.studies import fit_conformal
from qaml_qiskit.studies.conforming import ConformalPredictor, pixels_of
from qaml_qiskit.studies.conformity import ROBUST_SCORES, ConformityScore
from tests.integration.small import ideal, images
from tests.tolerances import BOUND, CERTIFICATE

RADIUS = 0.2
ALL: tuple[ConformityScore, ...] = ("probability", "adaptive", *ROBUST_SCORES)


def labelled(count: int, first: int = 0) -> Batch:
    """Images of the small QVC with its own labels, a fifth of them changed."""
    some = images(first + count)[first:]
    labels = ideal().logits(some).argmax(1).numpy()
    labels[::5] = (labels[::5] + 1) % 3
    return Batch(some, labels, np.arange(first, first + count), "some")


def predictor(score: ConformityScore, alpha: float = 0.3, *, by_class: bool = False) -> ConformalPredictor:
    return fit_conformal(ideal(), labelled(60), alpha, score, by_class=by_class)


@pytest.mark.parametrize("by_class", [False, True])
@pytest.mark.parametrize("score", ROBUST_SCORES)
def test_nothing_within_the_radius_leaves_a_set(score: ConformityScore, by_class: bool) -> None:
    found, batch = predictor(score, by_class=by_class), labelled(20, 60)
    clean = found.sets(batch.images)
    generator = torch.Generator().manual_seed(5)
    for _ in range(20):
        change = torch.randn(batch.images.shape, generator=generator, dtype=torch.float64)
        change *= RADIUS / change.flatten(1).norm(dim=1)[:, None, None, None]
        assert not (clean & ~found.sets(batch.images + change, RADIUS * (1 + CERTIFICATE))).any()


@pytest.mark.parametrize("score", ROBUST_SCORES)
def test_sets_grow_with_the_radius_up_to_all_classes(score: ConformityScore) -> None:
    found, batch = predictor(score), labelled(20, 60)
    sizes = [found.sets(batch.images, radius).sum(1) for radius in (0.0, 0.1, 0.5, 100.0)]
    assert all((more >= less).all() for less, more in pairwise(sizes))
    assert (sizes[-1] == 3).all()


@pytest.mark.parametrize("score", ALL)
def test_one_class_is_as_in_all(score: ConformityScore) -> None:
    found, batch = predictor(score), labelled(20, 60)
    needed = found.needed(batch.images)[np.arange(20), batch.labels]
    np.testing.assert_allclose(found.needed_by(batch.images, batch.labels), needed, rtol=CERTIFICATE)


def test_sets_of_the_margin_without_attack_are_margins_above_the_threshold() -> None:
    batch = labelled(20, 60)
    exact, bound = predictor("margin"), predictor("lipschitz")
    expected = exact.scorer.margins(pixels_of(batch.images)).min(2) >= exact.thresholds
    np.testing.assert_array_equal(exact.sets(batch.images), expected)
    np.testing.assert_array_equal(bound.sets(batch.images), expected)
    outside = ~expected
    assert (bound.needed(batch.images) <= exact.needed(batch.images) + BOUND)[outside].all()


@pytest.mark.parametrize("score", ALL)
def test_the_validation_images_themselves_are_covered(score: ConformityScore) -> None:
    found, batch = predictor(score), labelled(60)
    covered = found.sets(batch.images)[np.arange(60), batch.labels]
    assert covered.mean() >= 0.6


def test_probabilities_promise_nothing_under_attack() -> None:
    with pytest.raises(ConfigurationError, match="sets by probability that hold under attack"):
        predictor("probability").sets(images(), 0.1)


def test_half_of_the_images_set_thresholds_of_probabilities() -> None:
    assert (predictor("probability").validation, predictor("radius").validation) == (30, 60)
    with pytest.raises(InputError, match=r"got 18, of which 9 set the threshold.*at least 37"):
        fit_conformal(ideal(), labelled(18), 0.05, "probability")


def test_drawn_sets_do_not_depend_on_what_is_asked_beside() -> None:
    found, batch = fit_conformal(ideal(), labelled(60), 0.3, "adaptive", randomised=True), labelled(20, 60)
    alone = np.concatenate([found.sets(each[None]) for each in batch.images])
    assert (alone == found.sets(batch.images)).mean() > 0.95
