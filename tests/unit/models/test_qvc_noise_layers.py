"""Noise layers: drawn in training, exact on average in inference."""

import pytest
import torch

from qaml_qiskit.circuits import ANSAETZE, NoiseLayers
from qaml_qiskit.models import QVC, QVCConfig
from tests.tolerances import SIGMAS, VALUE

SHAPE = (1, 4, 4)


def qvc(layers: NoiseLayers | None, ansatz: str = "cnot", **changes: object) -> QVC:
    values = {"image_shape": SHAPE, "num_classes": 2, "num_layers": 3, "ansatz": ansatz, **changes}
    return QVC(QVCConfig.model_validate({**values, "noise_layers": layers}), seed=1)


@pytest.fixture
def images(generator: torch.Generator) -> torch.Tensor:
    return torch.rand(3, *SHAPE, generator=generator) * 0.98 + 0.01


@pytest.mark.parametrize("ansatz", sorted(ANSAETZE.parts()))
@pytest.mark.parametrize("distribution", ["gaussian", "gaussian-bernoulli"])
def test_the_mean_of_draws_is_the_exact_average(images: torch.Tensor, ansatz: str, distribution: str) -> None:
    rule = {"gaussian": {}, "gaussian-bernoulli": {"probability": 0.7}}[distribution]
    model = qvc(NoiseLayers(beta=1.5, variance=0.5, distribution=distribution, **rule), ansatz)  # type: ignore[arg-type]
    exact = model.eval().expectations(images)
    model.train()
    torch.manual_seed(2)
    with torch.no_grad():
        drawn = torch.stack([model.expectations(images) for _ in range(200)]).double()
    errors = drawn.std(0) / len(drawn) ** 0.5
    assert ((drawn.mean(0) - exact).abs() < SIGMAS * errors + VALUE[torch.float32]).all()


@pytest.mark.parametrize("layers", [NoiseLayers(variance=0), NoiseLayers(beta=0)])
def test_no_variance_or_no_beta_is_the_plain_model(images: torch.Tensor, layers: NoiseLayers) -> None:
    model = qvc(layers)
    plain = model.without_noise_layers()
    for mode in (True, False):
        found = model.train(mode)(images)
        assert (found - plain(images)).abs().max() < VALUE[torch.float32] * model.config.logit_scale
