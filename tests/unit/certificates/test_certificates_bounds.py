"""Bounds that are not exact: they must stay on their side of the truth."""

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from qaml_qiskit.certificates import (
    DecisionForms,
    certify_l2,
    decompose,
    hypothesis_testing_radii,
    linf_attack,
    linf_lower_bounds,
    lipschitz_radii,
)
from tests.tolerances import CERTIFICATE
from tests.unit.certificates.test_certificates import SEEDS, classifier, images


def bounded(seed: int, size: int) -> DecisionForms:
    """A classifier whose forms lie in [−1, 1] on normalised images."""
    matrices = classifier(seed, size)
    return decompose(matrices / np.abs(np.linalg.eigvalsh(matrices)).max(1)[:, None, None])


@given(SEEDS, st.integers(2, 7))
@settings(max_examples=50, deadline=None)
def test_nothing_within_the_linf_bound_flips(seed: int, size: int) -> None:
    forms, batch = bounded(seed, size), images(seed, size).clip(0, 1)
    batch[:, ::3] = 0.0
    batch[:, -1] = 1.0
    labels = forms.labels(batch)
    lower = linf_lower_bounds(forms, batch, labels, certify_l2(forms, batch, labels).radius)
    corners = np.array(list(product((-1, 1), repeat=size)))
    inside = np.random.default_rng(seed).uniform(-1, 1, (500, size))
    for x, label, eps in zip(batch, labels, lower, strict=True):
        assert eps > 0
        near = (x + min(eps, 1.0) * (1 - CERTIFICATE) * np.concatenate([corners, inside])).clip(0, 1)
        assert (forms.labels(near[near.any(1)]) == label).all()


@given(SEEDS, st.integers(2, 7))
@settings(max_examples=25, deadline=None)
def test_the_linf_attack_finds_what_no_corner_undercuts_by_far(seed: int, size: int) -> None:
    forms, batch = bounded(seed, size), images(seed, size).clip(0, 1)
    labels = forms.labels(batch)
    lower = linf_lower_bounds(forms, batch, labels, certify_l2(forms, batch, labels).radius)
    upper = linf_attack(forms, batch, labels, lower)
    corners = np.array(list(product((-1, 1), repeat=size)))
    for x, label, safe, eps in zip(batch, labels, lower, upper, strict=True):
        assert eps >= safe
        # Curvature may hide a corner from the gradient at large ε only.
        if eps < np.inf:
            weaker = (x + 0.7 * eps * corners).clip(0, 1)
            assert (forms.labels(weaker[weaker.any(1)]) == label).all() or eps > 0.1


def test_linf_bounds_are_exact_where_the_form_is_flat_in_the_box() -> None:
    # xᵀAx = (w·x)(1·x) with w = (2, −1): for pixels above 0 its sign is that of w·x, which falls by at most 3ε.
    w, ones = np.array([2.0, -1.0]), np.ones(2)
    a = (np.outer(w, ones) + np.outer(ones, w)) / 2
    forms = decompose(np.stack([a, -a]))
    x, labels = np.array([[0.5, 0.9]]), np.array([0])
    exact = (w @ x[0]) / np.abs(w).sum()
    lower = linf_lower_bounds(forms, x, labels, certify_l2(forms, x, labels).radius)
    upper = linf_attack(forms, x, labels, lower)
    assert 0 < lower[0] <= exact <= upper[0]
    assert upper[0] <= exact * 1.01
    assert lower[0] >= exact * 0.9


def test_misclassified_images_need_no_perturbation() -> None:
    forms, batch = bounded(5, 6), images(5, 6).clip(0, 1)
    wrong = (forms.labels(batch) + 1) % 3
    radius = certify_l2(forms, batch, wrong).radius
    assert (linf_lower_bounds(forms, batch, wrong, radius) == 0).all()
    assert (linf_attack(forms, batch, wrong, radius) == 0).all()
    assert (lipschitz_radii(forms, batch, wrong) == 0).all()


@given(SEEDS, st.integers(2, 8))
@settings(max_examples=50, deadline=None)
def test_general_bounds_never_exceed_the_exact_radius(seed: int, size: int) -> None:
    forms, batch = bounded(seed, size), images(seed, size)
    labels = forms.labels(batch)
    exact = certify_l2(forms, batch, labels).radius
    lipschitz, testing = lipschitz_radii(forms, batch, labels), hypothesis_testing_radii(forms, batch, labels)
    assert (testing <= exact * (1 + CERTIFICATE)).all()
    assert (lipschitz <= testing * (1 + CERTIFICATE)).all()
    assert (lipschitz > 0).all()


def test_the_hypothesis_testing_bound_is_attained_by_a_qubit() -> None:
    z = np.diag([1.0, -1.0])
    forms = decompose(np.stack([z, -z]))
    angles = np.array([0.0, 0.1, 0.5, 0.7])
    batch = 3 * np.stack([np.cos(angles), np.sin(angles)], 1)
    labels = np.zeros(4, dtype=np.int64)
    expected = 3 * np.sin(np.pi / 4 - angles)
    np.testing.assert_allclose(certify_l2(forms, batch, labels).radius, expected, rtol=CERTIFICATE)
    np.testing.assert_allclose(hypothesis_testing_radii(forms, batch, labels), expected, rtol=CERTIFICATE)
