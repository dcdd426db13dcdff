"""The detector of models that are unsure together."""

import numpy as np
import pytest
import torch

from qaml_qiskit.confidence import Uncertainty, softmax
from qaml_qiskit.detection import Evidence
from qaml_qiskit.detection.disagreement import FittedDivergence
from qaml_qiskit.detection.entropy import FittedEntropy
from tests.tolerances import FINITE_DIFFERENCE, VALUE

TEMPERATURES = (0.5, 2.0, 1.0)


@pytest.mark.parametrize("count", [1, 3])
def test_entropy_and_divergence_are_the_parts_of_the_uncertainty(count: int) -> None:
    generator = torch.Generator().manual_seed(4)
    logits = tuple(torch.randn(5, 3, generator=generator, dtype=torch.float64) for _ in range(count))
    chosen = TEMPERATURES[:count]
    evidence = Evidence(torch.zeros(5, 1, 2, 2), logits)
    said = np.stack([softmax(z.numpy(), t) for z, t in zip(logits, chosen, strict=True)])
    expected = Uncertainty.of_members(said)
    np.testing.assert_allclose(FittedEntropy(chosen).scores(evidence), expected.total, atol=VALUE[torch.float64])
    np.testing.assert_allclose(FittedDivergence(chosen).scores(evidence), expected.model, atol=VALUE[torch.float64])


def test_it_has_a_slope() -> None:
    logits = torch.randn(2, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda z: FittedEntropy((0.7,)).scores(Evidence(torch.zeros(2, 1, 2, 2), (z,))),
        logits.requires_grad_(),
        atol=FINITE_DIFFERENCE,
    )
