"""Exact l2 radii against brute force, against cases solved by hand, and against what cannot change them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from qaml_qiskit.certificates import certify_l2, decompose, l2_attack, nearest_flips
from qaml_qiskit.errors import InputError
from tests.tolerances import CERTIFICATE, OPTIMISER

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.integers(2, 8)


def classifier(seed: int, size: int, classes: int = 3) -> np.ndarray:
    matrices = np.random.default_rng(seed).standard_normal((classes, size, size))
    return (matrices + matrices.transpose(0, 2, 1)) / 2


def images(seed: int, size: int, count: int = 4) -> np.ndarray:
    return np.random.default_rng(seed + 1).random((count, size)) + 0.01


def by_optimiser(a: np.ndarray, x: np.ndarray, seed: int) -> float:
    """The distance of the nearest point with x'ᵀAx' ≤ 0, by sequential quadratic programming from many points."""
    rng = np.random.default_rng(seed)
    constraint = {"type": "ineq", "fun": lambda z: -z @ a @ z, "jac": lambda z: -2 * a @ z}
    best = np.inf
    for _ in range(12):
        found = minimize(
            lambda z: (z - x) @ (z - x),
            x + rng.standard_normal(len(x)),
            jac=lambda z: 2 * (z - x),
            constraints=[constraint],
            options={"ftol": 1e-15, "maxiter": 300},
        )
        if found.x @ a @ found.x <= 1e-9:
            best = min(best, float(np.linalg.norm(found.x - x)))
    return best


@given(SEEDS, SIZES)
@settings(max_examples=25, deadline=None)
def test_the_radius_is_what_an_optimiser_finds(seed: int, size: int) -> None:
    matrices, batch = classifier(seed, size), images(seed, size)
    forms = decompose(matrices)
    labels = forms.labels(batch)
    found = certify_l2(forms, batch, labels)
    for x, label, radius in zip(batch, labels, found.radius, strict=True):
        others = [k for k in range(3) if k != label]
        expected = min(by_optimiser(matrices[label] - matrices[k], x, seed) for k in others)
        if np.isinf(radius):
            assert all(np.linalg.eigvalsh(matrices[label] - matrices[k])[0] >= 0 for k in others)
        else:
            assert radius == pytest.approx(expected, rel=OPTIMISER, abs=OPTIMISER)


@given(SEEDS, SIZES)
@settings(max_examples=50, deadline=None)
def test_nothing_within_the_radius_flips_and_the_witness_beyond_does(seed: int, size: int) -> None:
    forms, batch = decompose(classifier(seed, size)), images(seed, size)
    labels = forms.labels(batch)
    found = certify_l2(forms, batch, labels)
    directions = np.random.default_rng(seed).standard_normal((2000, size))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    for x, label, radius in zip(batch, labels, found.radius, strict=True):
        reach = min(radius, 10.0) * (1 - CERTIFICATE)
        assert (forms.labels(x + reach * directions) == label).all()
    finite = np.isfinite(found.radius)
    assert found.flips[finite].all()
    beyond = found.beyond()[finite]
    assert (forms.labels(beyond) != labels[finite]).all()
    np.testing.assert_array_equal(forms.labels(beyond), found.runner_up[finite])
    np.testing.assert_allclose(found.distance[finite], found.radius[finite], rtol=CERTIFICATE, atol=CERTIFICATE)


@given(SEEDS, SIZES)
@settings(max_examples=25, deadline=None)
def test_a_gradient_attack_comes_close_but_not_nearer(seed: int, size: int) -> None:
    forms, batch = decompose(classifier(seed, size, 2)), images(seed, size)
    labels = forms.labels(batch)
    found = certify_l2(forms, batch, labels)
    attack = l2_attack(forms, batch, labels, starts=5, seed=seed)
    assert (attack >= found.radius * (1 - CERTIFICATE)).all()


def test_the_attack_reaches_the_radius_where_the_boundary_is_nearly_flat() -> None:
    matrices = classifier(3, 40, 4)
    x = images(3, 40, 30)
    matrices[0] += 30 * np.outer(np.ones(40), np.ones(40)) / 40
    forms = decompose(matrices)
    labels = forms.labels(x)
    radius = certify_l2(forms, x, labels).radius
    attack = l2_attack(forms, x, labels, starts=3)
    assert (attack <= radius * (1 + OPTIMISER)).mean() > 0.5
    assert (attack >= radius * (1 - CERTIFICATE)).all()


@given(SEEDS, SIZES, st.floats(0.01, 100), st.floats(-3, 3))
@settings(max_examples=50, deadline=None)
def test_what_does_not_change_a_label_does_not_change_the_radius(
    seed: int, size: int, factor: float, offset: float
) -> None:
    matrices, batch = classifier(seed, size), images(seed, size)
    forms = decompose(matrices)
    labels = forms.labels(batch)
    radius = certify_l2(forms, batch, labels).radius
    moved = decompose(factor * matrices + offset * np.eye(size))
    same = certify_l2(moved, batch, labels).radius
    np.testing.assert_allclose(same, radius, rtol=1e3 * CERTIFICATE, atol=1e3 * CERTIFICATE)
    longer = certify_l2(forms, factor * batch, labels).radius
    np.testing.assert_allclose(longer, factor * radius, rtol=CERTIFICATE, atol=factor * CERTIFICATE)


def test_the_hard_case_by_hand() -> None:
    # x has no part along the only negative direction: the boundary |x'₀| = |x'₁| is 1/√2 away, on either side.
    found = nearest_flips(np.array([-1.0, 1.0]), np.array([[0.0, 1.0], [1e-200, 1.0], [1e-12, 1.0]]))
    np.testing.assert_allclose(found.lower, np.sqrt(0.5), rtol=CERTIFICATE)
    np.testing.assert_allclose(np.abs(found.points), 0.5, rtol=CERTIFICATE)


def test_a_repeated_least_eigenvalue() -> None:
    # The boundary is the cone x'₀² + x'₁² = 2x'₂²; within the plane of x it is a line at the angle atan √2 from axis 2.
    along = np.array([[3.0, 4.0, 10.0]])
    found = nearest_flips(np.array([-1.0, -1.0, 2.0]), along)
    angle = np.arctan(np.sqrt(2)) - np.arctan(0.5)
    np.testing.assert_allclose(found.lower, np.linalg.norm(along) * np.sin(angle), rtol=CERTIFICATE)


@pytest.mark.parametrize("values", [[0.0, 1.0, 2.0], [0.5, 1.0, 2.0]])
def test_without_a_negative_eigenvalue_nothing_flips(values: list[float]) -> None:
    assert np.isinf(nearest_flips(np.array(values), np.ones((2, 3))).lower).all()


def test_a_tie_has_no_radius() -> None:
    forms = decompose(np.stack([np.eye(3), np.eye(3)]))
    assert certify_l2(forms, np.ones((1, 3)), np.array([0])).radius == 0


def test_a_misclassified_image_has_radius_zero() -> None:
    forms = decompose(classifier(1, 5))
    batch = images(1, 5, 20)
    labels = forms.labels(batch)
    wrong = np.arange(20) % 2 == 0
    found = certify_l2(forms, batch, np.where(wrong, (labels + 1) % 3, labels))
    assert (found.radius[wrong] == 0).all()
    assert (found.radius[~wrong] > 0).all()
    np.testing.assert_array_equal(found.runner_up[wrong], labels[wrong])
    assert (l2_attack(forms, batch, found.predicted) > 0).all()


@pytest.mark.parametrize("shape", [(3, 4, 5), (1, 4, 4), (4, 4)])
def test_matrices_that_are_no_classifier(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="no classifier"):
        decompose(np.ones(shape))


@pytest.mark.parametrize(("size", "label"), [(4, 0), (5, 3), (5, -1)])
def test_images_and_labels_that_do_not_fit(size: int, label: int) -> None:
    with pytest.raises(InputError, match=r"cannot be certified|is no class"):
        certify_l2(decompose(classifier(1, 5)), np.ones((2, size)), np.array([0, label]))


def test_infinite_pixels_are_refused() -> None:
    with pytest.raises(InputError, match=r"cannot be certified|is no class"):
        certify_l2(decompose(classifier(1, 5)), np.full((1, 5), np.inf), np.array([0]))
