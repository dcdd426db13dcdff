import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from qaml_qiskit.evaluation import Proportion, accuracy, rms_difference, slope
from tests.tolerances import VALUE


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_equals_scipys(case: tuple[int, int]) -> None:
    successes, trials = case
    reference = binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    assert Proportion(successes, trials).interval == pytest.approx(
        (reference.low, reference.high), abs=VALUE[torch.float64]
    )


def test_accuracy_counts_the_highest_logit() -> None:
    logits = np.array([[0.1, 0.9], [0.8, 0.3], [-1.0, -2.0]])
    result = accuracy(logits, np.array([1, 0, 1]))
    assert (result.successes, result.trials) == (2, 3)
    assert result.value == pytest.approx(2 / 3)


def test_rms_difference() -> None:
    assert rms_difference(np.array([[1.0, 2.0]]), np.array([[1.0, 0.0]])) == pytest.approx(2**0.5)


def test_slope_sees_damping_and_offset_does_not_matter() -> None:
    reference = np.linspace(-1, 1, 12).reshape(4, 3)
    assert slope(0.4 * reference + 0.2, reference) == pytest.approx(0.4)
    assert slope(reference, np.zeros((4, 3))) is None
