"""Detectors of models that disagree."""

import numpy as np
import pytest
import torch

from qaml_qiskit.detection import DETECTORS, Evidence
from qaml_qiskit.detection.disagreement import FittedDisagreement, FittedDivergence
from tests.tolerances import FINITE_DIFFERENCE, VALUE

IMAGES = torch.zeros(2, 1, 2, 2)


def test_pairs_with_different_labels_are_counted():
    logits = ([[2.0, 1, 0], [0, 0, 1]], [[1.0, 2, 0], [0, 0, 1]], [[1.0, 2, 0], [0, 0, 2]])
    evidence = Evidence(IMAGES, tuple(map(torch.tensor, logits)))
    fitted = FittedDisagreement((1.0, 1.0, 1.0))
    np.testing.assert_allclose(fitted.scores(evidence), [2 / 3, 0])


def test_the_divergence_is_that_of_jensen_and_shannon():
    generator = torch.Generator().manual_seed(4)
    logits = tuple(torch.randn(2, 3, generator=generator, dtype=torch.float64) for _ in range(2))
    found = FittedDivergence((0.5, 2.0)).scores(Evidence(IMAGES, logits))
    p, q = (logits[0] / 0.5).softmax(1), (logits[1] / 2.0).softmax(1)
    mean = (p + q) / 2
    expected = ((p * (p / mean).log()).sum(1) + (q * (q / mean).log()).sum(1)) / 2
    np.testing.assert_allclose(found, expected, atol=VALUE[torch.float64])
    assert torch.autograd.gradcheck(
        lambda z: FittedDivergence((0.5, 2.0)).scores(Evidence(IMAGES, (z, logits[1]))),
        logits[0].clone().requires_grad_(),
        atol=FINITE_DIFFERENCE,
    )


def test_models_that_are_sure_of_different_classes_are_as_far_apart_as_can_be():
    sure = torch.tensor([[1000.0, 0], [0, 1000.0]])
    evidence = Evidence(IMAGES, (sure, sure[:1].expand(2, 2)))
    np.testing.assert_allclose(FittedDivergence((1.0, 1.0)).scores(evidence), [0, np.log(2)], atol=VALUE[torch.float64])


@pytest.mark.parametrize("name", list(DETECTORS))
def test_registered_detectors_are_called_by_their_names(name):
    assert DETECTORS[name].name == name
