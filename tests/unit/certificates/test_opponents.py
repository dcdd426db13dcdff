"""Only the pairs of classes that can decide are diagonalised, and the answers are those of all pairs."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qaml_qiskit.certificates import (
    DecisionForms,
    certify_l2,
    decompose,
    label_distances,
    linf_lower_bounds,
    nearest_flips,
    signed_distances,
)
from qaml_qiskit.certificates.opponents import radius_bounds
from tests.tolerances import CERTIFICATE

SEEDS = st.integers(0, 2**32 - 1)


def classifier(seed: int, classes: int, size: int) -> np.ndarray:
    matrices = np.random.default_rng(seed).standard_normal((classes, size, size))
    return (matrices + matrices.transpose(0, 2, 1)) / 2


def pixels(seed: int, size: int, count: int = 6) -> np.ndarray:
    return np.random.default_rng(seed + 1).random((count, size)) + 0.01


def all_radii(forms: DecisionForms, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Of every image against every class, infinite against its own, shape (N, m)."""
    found = np.full((len(images), forms.num_classes), np.inf)
    for i, label in enumerate(labels):
        for k in set(range(forms.num_classes)) - {label}:
            spectrum = forms.spectrum(int(label), k)
            found[i, k] = nearest_flips(spectrum.values, images[i : i + 1] @ spectrum.vectors).lower[0]
    return found


@given(SEEDS, st.integers(2, 6), st.integers(2, 9))
@settings(max_examples=40, deadline=None)
def test_bounds_are_bounds_and_radii_are_those_of_all_pairs(seed: int, classes: int, size: int) -> None:
    forms, images = decompose(classifier(seed, classes, size)), pixels(seed, size)
    labels = forms.labels(images)
    expected = all_radii(forms, images, labels)
    bounds = radius_bounds(forms, images, labels)
    assert (bounds <= expected * (1 + CERTIFICATE)).all()
    found = certify_l2(decompose(classifier(seed, classes, size)), images, labels)
    np.testing.assert_allclose(found.radius, expected.min(1), rtol=CERTIFICATE)
    finite = np.isfinite(found.radius)
    np.testing.assert_array_equal(found.runner_up[finite], expected.argmin(1)[finite])


@given(SEEDS, st.integers(2, 5), st.integers(2, 7), st.sampled_from([0.0, 0.3, -0.5, 2.0, 1e200, -1e200]))
@settings(max_examples=40, deadline=None)
def test_signed_distances_of_labels_are_those_of_all_pairs(seed: int, classes: int, size: int, limit: float) -> None:
    forms, images = decompose(classifier(seed, classes, size)), pixels(seed, size)
    labels = np.random.default_rng(seed).integers(0, classes, len(images))
    found = label_distances(forms, images, labels, limit).distance
    expected = signed_distances(forms, images, limit)[np.arange(len(images)), labels]
    np.testing.assert_allclose(found, expected, rtol=CERTIFICATE, atol=CERTIFICATE)


@given(SEEDS, st.integers(3, 6), st.integers(3, 9), st.booleans())
@settings(max_examples=15, deadline=None)
def test_linf_bounds_are_those_of_exact_curvatures(seed: int, classes: int, size: int, refine: bool) -> None:
    matrices = classifier(seed, classes, size) / size
    lazy, eager, images = decompose(matrices), decompose(matrices), pixels(seed, size).clip(0, 1)
    eager.all_spectra()
    labels = lazy.labels(images)
    radii = certify_l2(eager, images, labels).radius
    bounds = [linf_lower_bounds(each, images, labels, radii, refine=refine) for each in (lazy, eager)]
    np.testing.assert_allclose(*bounds, rtol=CERTIFICATE)


def test_far_classes_are_left_alone() -> None:
    """Two classes that are near each other, and eight that no image is near to."""
    rng = np.random.default_rng(0)
    matrices = 1e-3 * classifier(0, 10, 12) - np.eye(12)
    matrices[:2] += 2 * np.eye(12) + 0.1 * classifier(1, 2, 12)
    told: list[int] = []
    forms, images = decompose(matrices, told.append), rng.random((20, 12))
    labels = forms.labels(images)
    radii = certify_l2(forms, images, labels).radius
    assert set(labels) == {0, 1}
    assert forms.num_decomposed == len(told) == 1
    linf_lower_bounds(forms, images, labels, radii)
    assert forms.num_decomposed == 1
    assert len(forms.all_spectra()) == 45 == forms.num_decomposed == len(told)


def test_a_view_keeps_what_is_known_and_tells_another() -> None:
    first: list[int] = []
    second: list[int] = []
    forms = decompose(classifier(1, 3, 4), first.append)
    view = forms.telling(second.append)
    assert view.spectrum(0, 1) is forms.spectrum(0, 1)
    assert (first, second) == ([], [1])
    least, greatest = forms.extremes(1, 0)
    values = np.linalg.eigvalsh(forms.matrices[1] - forms.matrices[0])
    assert (least, greatest) == pytest.approx((values[0], values[-1]))


def test_it_travels_without_whom_it_tells() -> None:
    forms = decompose(classifier(0, 3, 4)).telling(lambda _: None)
    forms.spectrum(0, 1)
    found = pickle.loads(pickle.dumps(forms))
    assert found.num_decomposed == 1
    np.testing.assert_array_equal(found.spectrum(0, 2).values, forms.spectrum(0, 2).values)


@given(SEEDS, st.integers(2, 5), st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_bounds_of_eigenvalues_are_bounds(seed: int, classes: int, size: int) -> None:
    forms = decompose(classifier(seed, classes, size))
    bounds = forms.least_bounds()
    for (j, k), spectrum in forms.all_spectra().items():
        assert bounds[j, k] <= spectrum.values.min()
        assert bounds[k, j] <= -spectrum.values.max()
