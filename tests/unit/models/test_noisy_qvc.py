"""A QVC under exact noise as a torch module."""

import pytest
import torch

from qaml_qiskit.errors import InputError
from qaml_qiskit.models import QVC, NoisyQVC, QVCConfig
from qaml_qiskit.noise import NoiseSpec
from qaml_qiskit.simulation.heisenberg import noisy_observables
from tests.tolerances import DIFFERENCE_STEP, DIFFERENT, FINITE_DIFFERENCE, VALUE

CONFIGS = (
    QVCConfig(image_shape=(1, 2, 4), num_classes=3, num_layers=2),
    QVCConfig(
        image_shape=(1, 2, 4),
        num_classes=3,
        num_layers=2,
        encoding="approximate",
        encoding_layers=1,
        pixel_order="gray",
    ),
)


def images() -> torch.Tensor:
    return torch.rand(4, 1, 2, 4, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.encoding)
def test_without_noise_it_is_the_qvc(config: QVCConfig) -> None:
    model = QVC(config, seed=3)
    same = NoisyQVC(model, noisy_observables(model.ansatz(), None, range(3)))
    with torch.no_grad():
        difference = (same(images()) - model(images())).abs().max()
    assert difference <= config.logit_scale * VALUE[torch.float32]


def test_readout_error_shrinks_the_logits() -> None:
    config = CONFIGS[0]
    model = QVC(config, seed=3)
    spec = NoiseSpec.model_validate({"readout": {"p10": 0.1, "p01": 0.1}})
    # The model names no gate of the ansatz: noise on the reading alone.
    shrunk = NoisyQVC(model, noisy_observables(model.ansatz(), spec.build(), range(3)))
    with torch.no_grad():
        assert torch.allclose(shrunk(images()), 0.8 * model(images()), atol=config.logit_scale * VALUE[torch.float32])


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.encoding)
def test_input_gradients_equal_differences(config: QVCConfig) -> None:
    model = QVC(config, seed=3)
    spec = NoiseSpec.model_validate({"readout": {"p10": 0.05, "p01": 0.1}})
    victim = NoisyQVC(model, noisy_observables(model.ansatz(), spec.build(), range(3), dtype=torch.float64))
    image = images()[:1].double().requires_grad_()
    (gradient,) = torch.autograd.grad(victim.expectations(image)[0, 1], image)
    step = torch.zeros_like(image)
    step[0, 0, 1, 2] = DIFFERENCE_STEP
    with torch.no_grad():
        ahead, behind = victim.expectations(image + step)[0, 1], victim.expectations(image - step)[0, 1]
    assert gradient.abs().max() > DIFFERENT
    assert gradient[0, 0, 1, 2] == pytest.approx(
        ((ahead - behind) / (2 * DIFFERENCE_STEP)).item(), abs=FINITE_DIFFERENCE
    )


def test_images_of_another_shape_are_refused() -> None:
    model = QVC(CONFIGS[0], seed=3)
    victim = NoisyQVC(model, noisy_observables(model.ansatz(), None, range(3)))
    with pytest.raises(InputError, match="do not fit the model"):
        victim(torch.rand(2, 1, 4, 4))
