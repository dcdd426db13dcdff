"""Randomised smoothing, sampled and without a draw, and the bound from differential privacy."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2, norm

from qaml_qiskit.certificates import (
    Spectrum,
    certify_l2,
    certify_smoothed,
    certify_smoothed_forms,
    decompose,
    lipschitz_radii,
    positive_shares,
    privacy_radii,
    share_at_least,
    vote,
    votes_of,
)
from qaml_qiskit.errors import InputError
from tests.tolerances import CERTIFICATE, DIFFERENT, OPTIMISER, SIGMAS
from tests.unit.certificates.test_certificates import SEEDS, classifier, images
from tests.unit.certificates.test_certificates_bounds import bounded

SIGMA = 0.4


def labels_of_draws(forms: object, image: np.ndarray, sigma: float, draws: int, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(draws, len(image)))
    return forms.labels(image + sigma * noise)  # type: ignore[attr-defined]


def test_cohens_numbers() -> None:
    """The first row of all: n draws that agree certify σΦ⁻¹(α^(1/n)) and no more."""
    found = certify_smoothed(np.array([[0, 100]]), np.array([[0, 1000]]), 0.5, 0.001)
    assert found.predicted.tolist() == [1]
    assert found.share[0] == pytest.approx(0.001 ** (1 / 1000), rel=CERTIFICATE)
    assert found.radius[0] == pytest.approx(0.5 * norm.ppf(0.001 ** (1 / 1000)), rel=CERTIFICATE)


def test_a_draw_about_even_abstains_and_selection_alone_chooses() -> None:
    found = certify_smoothed(
        np.array([[51, 49], [90, 10], [90, 10]]), np.array([[510, 490], [100, 900], [900, 100]]), 1
    )
    assert found.predicted.tolist() == [-1, -1, 0]
    assert found.radius[:2].tolist() == [0, 0]
    assert found.radius[2] > 1
    assert vote(np.array([[51, 49], [90, 10], [0, 0]])).tolist() == [-1, 0, -1]


def test_the_lower_bound_of_a_share_errs_as_often_as_it_may() -> None:
    share, trials, failure, times = 0.7, 50, 0.05, 4000
    counts = np.random.default_rng(0).binomial(trials, share, times)
    missed = (share_at_least(counts, np.full(times, trials), failure) > share).mean()
    assert missed <= failure + SIGMAS * np.sqrt(failure / times)
    assert share_at_least(np.array([0]), np.array([10]))[0] == 0


@pytest.mark.parametrize("values", [[1.0, -1.0], [2.0, 0.5, -1.0, 0.0], [1.0, 1.0, -3.0, -0.1, 0.2, 0.2]], ids=str)
def test_shares_of_a_form_are_those_of_draws(values: list[float]) -> None:
    a, draws = np.array(values), 40_000
    y = np.random.default_rng(1).normal(size=(5, len(a)))
    exact = positive_shares(Spectrum(a, np.eye(len(a))), y, SIGMA)
    noise = SIGMA * np.random.default_rng(2).normal(size=(draws, len(a)))
    sampled = np.array([((row + noise) ** 2 @ a > 0).mean() for row in y])
    assert (np.abs(exact - sampled) <= SIGMAS * np.sqrt(exact * (1 - exact) / draws) + 1 / draws).all()


def test_shares_of_a_form_are_those_of_known_distributions() -> None:
    """Two sums of k squares at the origin: their ratio has the distribution F(k, k), which is even at 1."""
    balanced = positive_shares(Spectrum(np.array([1.0] * 4 + [-1.0] * 4), np.eye(8)), np.zeros((1, 8)), SIGMA)
    np.testing.assert_allclose(balanced, 0.5, atol=CERTIFICATE)
    certain = positive_shares(Spectrum(np.ones(8), np.eye(8)), np.zeros((1, 8)), SIGMA)
    np.testing.assert_allclose(certain, 1, atol=CERTIFICATE)
    # One square against a sum of squares with little weight each is nearly one against a constant.
    many = 4000
    weights = np.array([1.0, *[-1.0 / many] * many])
    found = positive_shares(Spectrum(weights, np.eye(many + 1)), np.zeros((1, many + 1)), SIGMA)
    np.testing.assert_allclose(found, chi2.sf(1, 1), atol=1 / np.sqrt(many))


@given(SEEDS, st.integers(2, 6))
@settings(max_examples=10, deadline=None)
def test_no_draw_undercuts_the_radius_without_draws(seed: int, size: int) -> None:
    """The certified shares are at most those that draws show, for two classes they are equal."""
    forms, batch = decompose(classifier(seed, size)), images(seed, size)[:3]
    draws = 4000
    votes = votes_of(np.stack([labels_of_draws(forms, x, SIGMA, draws, seed) for x in batch]), forms.num_classes)
    labels = votes.argmax(1)
    radius = certify_smoothed_forms(forms, batch, labels, SIGMA)
    share = votes.max(1) / draws
    certain = norm.cdf(radius / SIGMA)
    error = SIGMAS * np.sqrt(share * (1 - share) / draws) + 1 / draws
    assert (np.where(radius > 0, certain, 0) <= share + error).all()
    two = decompose(classifier(seed, size)[:2])
    votes = votes_of(np.stack([labels_of_draws(two, x, SIGMA, draws, seed) for x in batch]), 2)
    certain = norm.cdf(certify_smoothed_forms(two, batch, votes.argmax(1), SIGMA) / SIGMA)
    share = votes.max(1) / draws
    error = SIGMAS * 0.5 / np.sqrt(draws)
    assert (np.abs(certain - share) <= error).all()


def test_the_smoothed_label_stays_within_the_radius() -> None:
    forms, batch = decompose(classifier(5, 6)), images(5, 6)[:4]
    labels = np.array([np.bincount(labels_of_draws(forms, x, SIGMA, 4000, 1)).argmax() for x in batch])
    radius = certify_smoothed_forms(forms, batch, labels, SIGMA)
    directions = np.random.default_rng(0).normal(size=(20, batch.shape[1]))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    for x, label, far in zip(batch, labels, radius, strict=True):
        for direction in directions if far > 0 else ():
            counts = np.bincount(labels_of_draws(forms, x + 0.95 * far * direction, SIGMA, 4000, 2), minlength=3)
            assert counts.argmax() == label or counts[label] > counts.max() - SIGMAS * np.sqrt(4000)


@given(SEEDS, st.integers(2, 7), st.floats(0.001, 0.999))
@settings(max_examples=50, deadline=None)
def test_privacy_is_never_above_the_bound_without_noise(seed: int, size: int, strength: float) -> None:
    forms, batch = bounded(seed, size), images(seed, size)
    labels = forms.labels(batch)
    private = privacy_radii(forms, batch, labels, strength)
    assert (private <= lipschitz_radii(forms, batch, labels) * (1 + CERTIFICATE) + CERTIFICATE).all()
    assert (private <= certify_l2(forms, batch, labels).radius * (1 + CERTIFICATE)).all()


def test_privacy_vanishes_without_noise_and_ends_at_the_lipschitz_bound() -> None:
    forms, batch = bounded(3, 6), images(3, 6)
    labels = forms.labels(batch)
    radii = [privacy_radii(forms, batch, labels, p) for p in (1e-9, 0.3, 0.6, 1 - 1e-7)]
    assert radii[0].max() < DIFFERENT
    assert all((more >= less).all() for less, more in pairwise(radii))
    np.testing.assert_allclose(radii[-1], lipschitz_radii(forms, batch, labels), rtol=OPTIMISER)


def test_what_cannot_be_bounded_is_refused() -> None:
    forms, batch = bounded(3, 6), images(3, 6)
    labels = forms.labels(batch)
    with pytest.raises(InputError, match="above 0 and below 1"):
        privacy_radii(forms, batch, labels, 0)
    with pytest.raises(InputError, match="a qubit a class"):
        privacy_radii(decompose(100 * classifier(3, 6)), batch, labels, 0.1)
    with pytest.raises(InputError, match="cannot smooth"):
        certify_smoothed_forms(forms, batch, labels, 0)
    with pytest.raises(InputError, match="cannot be certified"):
        certify_smoothed(np.zeros((2, 3)), np.zeros((2, 2)), 1)
    with pytest.raises(InputError, match="no probability"):
        share_at_least(np.array([1]), np.array([2]), 1.5)
