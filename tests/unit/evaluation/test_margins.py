"""Margins as linear functions of what is read."""

import numpy as np
import pytest
from scipy.stats import norm

from qaml_qiskit.evaluation import LinearHead, Margins
from tests.tolerances import DIFFERENCE_STEP, FINITE_DIFFERENCE

READ = np.array([[0.5, 0.2, -0.1], [0.1, 0.3, 0.2]])
LABELS = np.array([0, 2])


def test_a_margin_is_the_label_less_the_best_other_class() -> None:
    found = Margins.of(READ, LinearHead(np.eye(3), np.zeros(3)), LABELS)
    np.testing.assert_allclose(found.values, [0.3, -0.1])
    assert found.others.tolist() == [1, 1]
    assert found.weights.tolist() == [[1, -1, 0], [0, -1, 1]]


def test_margins_are_linear_behind_any_head() -> None:
    generator = np.random.default_rng(0)
    head = LinearHead(generator.normal(size=(4, 3)), generator.normal(size=4))
    found = Margins.of(READ, head, np.array([3, 1]))
    moved = Margins.of(READ + 1e-6, head, np.array([3, 1]))
    np.testing.assert_allclose(moved.values - found.values, found.weights.sum(1) * 1e-6, atol=FINITE_DIFFERENCE)


def test_the_density_is_how_fast_the_chance_to_be_right_grows() -> None:
    found = Margins.of(READ, LinearHead(np.eye(3), np.zeros(3)), LABELS)
    spread = np.sqrt(found.variances(READ, 100).sum(1))
    np.testing.assert_allclose(spread**2, ((1 - READ**2) * found.weights**2).sum(1) / 100)
    step = DIFFERENCE_STEP
    chance = [norm.cdf((found.values + side) / spread) for side in (step, -step)]
    assert found.density(spread) == pytest.approx((chance[0] - chance[1]) / (2 * step), rel=FINITE_DIFFERENCE)
