"""Probabilities and their standard errors: against many repetitions of the measurement that they are about."""

import numpy as np
import pytest
import torch

from qaml_qiskit.confidence import Probabilities, Temperature, softmax
from qaml_qiskit.evaluation import LinearHead
from tests.tolerances import VALUE

ROUNDING = VALUE[torch.float64]
TEMPERATURE = Temperature(value=1.3, images=100)
HEAD = LinearHead(np.array([[6.0, 1.0], [0.0, 5.0], [-2.0, 3.0]]), np.array([0.5, 0.0, -0.5]))


def test_exact_logits_have_no_errors():
    logits = np.array([[1.0, 3.0, -2.0], [0.0, 0.0, 0.0]])
    found = Probabilities.of_logits(logits, TEMPERATURE)
    np.testing.assert_allclose(found.values, softmax(logits, 1.3), atol=ROUNDING)
    assert not found.errors.any()
    assert found.labels.tolist() == [1, 0]
    np.testing.assert_allclose(found.confidence[1], 1 / 3, atol=ROUNDING)


def test_errors_of_votes_are_binomial_and_never_none():
    found = Probabilities.of_votes(np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]]), 400)
    assert found.errors[0, 0] == pytest.approx(np.sqrt(0.25 / 400), rel=0.01)
    assert (found.errors[1] > 0).all()
    assert found.errors[1, 0] < 1 / np.sqrt(400)
