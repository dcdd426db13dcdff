import pytest
import torch

from qaml_qiskit.attacks import PGDConfig, frozen, make_attack, run_attack
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.models import QVC, QVCConfig
from tests.tolerances import BOUND


class Linear(torch.nn.Module):
    """Logits (w·x, −w·x): the best l∞ attack is known exactly."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor([1.0, -2.0, 3.0, -4.0]))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        score = images.flatten(1) @ self.weight
        return torch.stack((score, -score), dim=1)


IMAGES = torch.full((3, 1, 2, 2), 0.5)
LABELS = torch.tensor([0, 1, 0])


@pytest.mark.parametrize("name", ["fgsm", "pgd"])
def test_linear_model_gets_the_optimal_attack(name: str) -> None:
    adversarial = run_attack(Linear(), IMAGES, LABELS, make_attack(name, eps=0.1), spare_wrong=False).images
    direction = torch.tensor([1.0, -1.0, 1.0, -1.0]).reshape(1, 1, 2, 2)
    signs = torch.tensor([-1.0, 1.0, -1.0]).reshape(3, 1, 1, 1)
    assert torch.allclose(adversarial, IMAGES + 0.1 * signs * direction)


def qvc() -> QVC:
    return QVC(QVCConfig(image_shape=(1, 4, 4), num_classes=3, num_layers=4, init_std=1.0), 2)


@pytest.mark.parametrize("name", ["fgsm", "pgd"])
@pytest.mark.parametrize("eps", [0.0, 0.05, 0.3, 1.0])
def test_attacked_images_stay_in_bounds(name: str, eps: float, generator: torch.Generator) -> None:
    images = torch.rand(7, 1, 4, 4, generator=generator)
    labels = torch.arange(7) % 3
    attack = make_attack(name, eps=eps, **({"steps": 5} if name == "pgd" else {}))
    adversarial = run_attack(qvc(), images, labels, attack, batch_size=3, spare_wrong=False).images
    assert adversarial.shape == images.shape
    assert (adversarial - images).abs().max() <= eps + BOUND
    assert adversarial.min() >= 0
    assert adversarial.max() <= 1
    if eps == 0:
        assert torch.equal(adversarial, images)


def test_qvc_loss_rises_under_attack(generator: torch.Generator) -> None:
    model, images = qvc(), torch.rand(20, 1, 4, 4, generator=generator)
    result = run_attack(model, images, model(images).argmax(1), PGDConfig(eps=0.2))
    assert result.robust_accuracy < 0.5


def test_seed_decides_the_random_start_and_leaves_torchs_alone(generator: torch.Generator) -> None:
    images, labels = torch.rand(4, 1, 4, 4, generator=generator), torch.tensor([0, 1, 2, 0])
    before = torch.random.get_rng_state()
    first, again, other = (
        run_attack(qvc(), images, labels, PGDConfig(steps=2, seed=seed), spare_wrong=False).images for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(before, torch.random.get_rng_state())


def test_frozen_gives_everything_back_even_after_an_error() -> None:
    model = qvc().train()

    def fail_inside() -> None:
        with frozen(model):
            assert not model.training
            assert not any(parameter.requires_grad for parameter in model.parameters())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_inside()
    assert model.training
    assert all(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize("bad", [-0.01, 1.01, float("nan")])
def test_pixels_out_of_range(bad: float) -> None:
    images = IMAGES.clone()
    images[1, 0, 0, 0] = bad
    with pytest.raises(InputError, match="pixels in"):
        run_attack(Linear(), images, LABELS, PGDConfig())


def test_no_image_is_refused() -> None:
    with pytest.raises(InputError, match="at least one image"):
        run_attack(Linear(), IMAGES[:0], LABELS[:0], PGDConfig())


@pytest.mark.parametrize("values", [{"eps": -0.1}, {"eps": 1.5}, {"steps": 0}, {"step_size": 0}, {"epsilon": 0.1}])
def test_configuration_is_strict(values: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        make_attack("pgd", **values)
