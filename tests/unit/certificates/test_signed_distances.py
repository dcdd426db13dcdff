"""Signed distances to the regions of classes: they are the exact radii inside, and move by r at most, everywhere."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qaml_qiskit.certificates import (
    certify_l2,
    decompose,
    l2_descent,
    label_distances,
    moved_out,
    signed_distances,
)
from qaml_qiskit.certificates.forms import DecisionForms, Floats
from qaml_qiskit.errors import InputError
from tests.tolerances import BOUND, CERTIFICATE

SEEDS = st.integers(0, 2**32 - 1)
CLASSES, SIZE = 3, 5


def case(seed: int, count: int = 6) -> tuple[DecisionForms, Floats, np.random.Generator]:
    rng = np.random.default_rng(seed)
    return decompose(rng.standard_normal((CLASSES, SIZE, SIZE))), rng.random((count, SIZE)) + 0.01, rng


def margins(forms: DecisionForms, images: Floats) -> Floats:
    values = forms.values(images) / (images**2).sum(1)[:, None]
    found = values[:, :, None] - values[:, None]
    found[:, np.arange(CLASSES), np.arange(CLASSES)] = np.inf
    return found


@given(SEEDS, st.floats(-0.5, 0.5))
@settings(max_examples=40, deadline=None)
def test_a_change_of_an_image_moves_no_distance_further(seed: int, threshold: float) -> None:
    forms, images, rng = case(seed)
    here = signed_distances(forms, images, threshold)
    for size in (1e-3, 0.1, 1.0):
        change = rng.standard_normal(images.shape)
        change *= size / np.linalg.norm(change, axis=1, keepdims=True)
        there = signed_distances(forms, images + change, threshold)
        finite = np.isfinite(here)
        assert (finite == np.isfinite(there)).all()
        assert (np.abs(there - here)[finite] <= size * (1 + CERTIFICATE)).all()


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_inside_it_is_the_exact_radius_and_outside_it_is_negative(seed: int) -> None:
    forms, images, _ = case(seed)
    winners, distances = forms.labels(images), signed_distances(forms, images)
    radii = certify_l2(forms, images, winners).radius
    np.testing.assert_allclose(distances[np.arange(len(images)), winners], radii, rtol=CERTIFICATE)
    distances[np.arange(len(images)), winners] = -1
    assert (distances <= 0).all()


@given(SEEDS, st.floats(-0.5, 0.5))
@settings(max_examples=40, deadline=None)
def test_thresholds_are_margins(seed: int, threshold: float) -> None:
    forms, images, _ = case(seed)
    found = signed_distances(forms, images, np.full((CLASSES, 1), threshold))
    np.testing.assert_array_equal(found > 0, margins(forms, images).min(2) > threshold)


@given(SEEDS, st.floats(-0.5, 0.5))
@settings(max_examples=40, deadline=None)
def test_the_boundary_is_where_the_distance_says(seed: int, threshold: float) -> None:
    forms, images, rng = case(seed)
    labels = rng.integers(0, CLASSES, len(images))
    found = label_distances(forms, images, labels, threshold)
    of_all = signed_distances(forms, images, threshold)[np.arange(len(images)), labels]
    np.testing.assert_allclose(found.distance, of_all, rtol=CERTIFICATE)
    finite = np.isfinite(found.distance)
    length = np.linalg.norm(found.boundary - images, axis=1)
    np.testing.assert_allclose(length[finite], np.abs(found.distance[finite]), rtol=BOUND, atol=BOUND)
    gaps = np.abs(margins(forms, found.boundary)[np.arange(len(images)), labels] - threshold).min(1)
    assert (gaps[finite & (length > BOUND)] < BOUND).all()


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_a_move_along_the_normal_takes_all_of_its_length(seed: int) -> None:
    forms, images, rng = case(seed)
    labels = rng.integers(0, CLASSES, len(images))
    found = label_distances(forms, images, labels)
    before = found.distance
    radius = 0.9 * np.abs(before[np.isfinite(before)]).min(initial=1.0)
    moved = moved_out(images, found, radius)
    assert (np.linalg.norm(moved - images, axis=1) <= radius * (1 + CERTIFICATE)).all()
    after, inside = label_distances(forms, moved, labels).distance, (before > 0) & np.isfinite(before)
    np.testing.assert_allclose(after[inside], (before - radius)[inside], rtol=BOUND, atol=BOUND)


def test_an_image_without_a_boundary_stays() -> None:
    forms = decompose(np.stack([np.eye(2), np.zeros((2, 2))]))
    images, labels = np.array([[1.0, 0.5], [0.2, 0.4]]), np.array([0, 1])
    found = label_distances(forms, images, labels)
    assert found.distance.tolist() == [np.inf, -np.inf]
    np.testing.assert_array_equal(moved_out(images, found, 0.5), images)


@given(SEEDS, st.floats(0.01, 1))
@settings(max_examples=40, deadline=None)
def test_the_descent_stays_in_ball_and_box_and_does_no_good(seed: int, radius: float) -> None:
    forms, images, rng = case(seed)
    images, labels = images.clip(0, 1), rng.integers(0, CLASSES, len(images))
    found = l2_descent(forms, images, labels, radius)
    assert (np.linalg.norm(found - images, axis=1) <= radius * (1 + CERTIFICATE)).all()
    assert ((found >= 0) & (found <= 1)).all()
    rows = np.arange(len(images))
    clean, attacked = (margins(forms, each)[rows, labels].min(1) for each in (images, found))
    assert (attacked <= clean + CERTIFICATE).all()


def test_thresholds_of_another_shape_are_refused() -> None:
    forms, images, _ = case(1)
    with pytest.raises(InputError, match=r"shape \(2,\)"):
        signed_distances(forms, images, np.zeros(2))
    with pytest.raises(InputError, match="NaN"):
        signed_distances(forms, images, np.nan)
