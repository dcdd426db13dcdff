"""Probabilities, and the temperature that makes them honest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from qaml_qiskit.confidence import Temperature, fit_temperature, probability_errors, softmax
from qaml_qiskit.errors import InputError
from tests.tolerances import DIFFERENCE_STEP, DIFFERENT, DRAWN_ERROR, OPTIMISER, SIGMAS


def drawn(count, classes, temperature, seed):
    """Logits, and labels that are drawn by their probabilities at a temperature."""
    generator = np.random.default_rng(seed)
    logits = 3 * generator.standard_normal((count, classes))
    numbers = generator.random((count, 1)) > softmax(logits, temperature).cumsum(axis=1)[:, :-1]
    return logits, numbers.sum(axis=1)


def likelihood(logits, labels, temperature):
    return -np.log(softmax(logits, temperature)[np.arange(len(labels)), labels]).mean()


@given(st.integers(0, 1000), st.integers(2, 6), st.floats(0.2, 5))
def test_no_other_temperature_is_likelier(seed, classes, temperature):
    logits, labels = drawn(200, classes, temperature, seed)
    found = fit_temperature(logits, labels)
    best = minimize_scalar(lambda log: likelihood(logits, labels, np.exp(log)), bounds=(-6, 6), method="bounded")
    assert likelihood(logits, labels, found.value) <= best.fun * (1 + OPTIMISER)
    assert found.images == 200


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_the_temperature_of_drawn_labels_is_found(temperature):
    logits, labels = drawn(20_000, 5, temperature, seed=1)
    # The standard error of 1/T is one over the root of the information, the variance of the logits under p.
    p = softmax(logits, temperature)
    information = ((p * logits**2).sum(1) - (p * logits).sum(1) ** 2).sum()
    assert abs(1 / fit_temperature(logits, labels).value - 1 / temperature) < SIGMAS / np.sqrt(information)


def test_the_scale_of_the_logits_does_not_matter():
    logits, labels = drawn(500, 3, 1.0, seed=2)
    one, other = fit_temperature(logits, labels), fit_temperature(40 * logits + 7, labels)
    np.testing.assert_allclose(one.probabilities(logits), other.probabilities(40 * logits + 7), rtol=OPTIMISER)


def test_labels_that_are_all_right_or_mean_nothing_give_an_end():
    logits = np.array([[2.0, 0.0], [0.0, 1.0]])
    # As if one of three had no label: two thirds and half of one.
    assert 2 / 3 < fit_temperature(logits, np.array([0, 1])).probabilities(logits).max(axis=1).mean() < 1
    many = fit_temperature(np.tile(logits, (500, 1)), np.tile([0, 1], 500)).probabilities(logits)
    assert many.max(axis=1).min() > 0.99
    assert fit_temperature(logits, np.array([1, 0])).probabilities(logits).max() < 0.51
    assert np.isfinite(fit_temperature(np.zeros((3, 2)), np.array([0, 1, 1])).value)


@pytest.mark.parametrize("logits", [np.zeros((0, 3)), np.zeros(3), np.array([[np.nan, 0.0]])])
def test_logits_that_are_none_are_refused(logits):
    with pytest.raises(InputError, match="nothing can be fitted"):
        fit_temperature(logits, np.zeros(len(logits), dtype=int))


def test_small_errors_are_those_of_the_slope():
    generator = np.random.default_rng(3)
    logits, temperature = generator.standard_normal((1, 4)), 0.7
    columns = [
        (softmax(logits + step, temperature) - softmax(logits - step, temperature))[0] / (2 * DIFFERENCE_STEP)
        for step in DIFFERENCE_STEP * np.eye(4)
    ]
    slopes, root = np.stack(columns, axis=1), DIFFERENT * generator.standard_normal((4, 4))
    expected = np.sqrt(np.diag(slopes @ root @ root.T @ slopes.T))
    found = probability_errors(logits, (root @ root.T)[None], temperature)[0]
    np.testing.assert_allclose(found, expected, rtol=DRAWN_ERROR)


def test_a_temperature_is_above_zero():
    with pytest.raises(ValueError, match="greater than 0"):
        Temperature(value=0, images=1)
