import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from qaml_qiskit.attacks import (
    APGDConfig,
    Attack,
    AuditReport,
    AuditSettings,
    CWConfig,
    FGSMConfig,
    PGDConfig,
    SquareConfig,
    audit,
    run_attack,
)
from qaml_qiskit.attacks.auditing.gradients import difference_errors, zero_gradients
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.models import QVC, QVCConfig
from tests.tolerances import FINITE_DIFFERENCE
from tests.unit.attacks.attack_cases import Linear, Wrapped, images_inside

QUICK = AuditSettings(least_steps=30, restarts=2, factor=2, queries=300)


def blobs(count: int) -> tuple[Tensor, Tensor]:
    """Three noisy patterns of 8×8 pixels."""
    generator = torch.Generator().manual_seed(5)
    patterns = torch.rand(3, 1, 8, 8, generator=generator)
    labels = torch.arange(count) % 3
    noise = 0.25 * torch.randn(count, 1, 8, 8, generator=generator)
    return (0.6 * patterns[labels] + 0.2 + noise).clamp(0, 1), labels


def trained(model: nn.Module, rate: float, steps: int) -> nn.Module:
    images, labels = blobs(200)
    optimiser = torch.optim.Adam(model.parameters(), lr=rate)
    for _ in range(steps):
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimiser.step()
    return model.eval()


@pytest.fixture(scope="module")
def convnet() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 3))
    return trained(net, 0.01, 60)


@pytest.fixture(scope="module")
def qvc() -> nn.Module:
    return trained(QVC(QVCConfig(image_shape=(1, 8, 8), num_classes=3, num_layers=3)), 0.05, 80)


IMAGES, LABELS = blobs(45)
ATTACK = PGDConfig(eps=0.1)


def failed(report: AuditReport) -> dict[str, str | None]:
    return {check.name: check.blames for check in report.checks if not check.passed}


@pytest.mark.parametrize("attack", [ATTACK, APGDConfig(eps=0.1, steps=30)])
@pytest.mark.parametrize("name", ["convnet", "qvc"])
def test_sound_models_are_found_sound(name: str, attack: Attack, request: pytest.FixtureRequest) -> None:
    model: nn.Module = request.getfixturevalue(name)
    report = audit(model, IMAGES, LABELS, attack, QUICK)
    assert not failed(report)
    assert report.verdict == "sound"
    result = run_attack(model, IMAGES, LABELS, attack)
    assert report.clean_accuracy == pytest.approx(result.clean_accuracy)
    assert report.robust_accuracy == pytest.approx(result.robust_accuracy)
    assert report.worst_accuracy <= report.robust_accuracy + FINITE_DIFFERENCE
    differences = next(check for check in report.checks if check.name == "gradients are derivatives")
    assert differences.numbers["bits"] == 64


@pytest.mark.parametrize("name", ["convnet", "qvc"])
def test_a_tiny_step_is_a_weak_attack(name: str, request: pytest.FixtureRequest) -> None:
    tiny = PGDConfig(eps=0.1, steps=1, step_size=1e-4)
    report = audit(request.getfixturevalue(name), IMAGES, LABELS, tiny, QUICK)
    assert report.verdict == "weak attack"
    assert {"iterative against one-step", "more steps and restarts"} <= set(failed(report))
    assert report.worst_accuracy < report.robust_accuracy


MASKS: dict[str, Callable[[nn.Module, Tensor], Tensor]] = {
    "rounded logits": lambda model, images: torch.round(2 * model(images)) / 2,
    "saturated logits": lambda model, images: 1e4 * model(images),
    "rounded pixels": lambda model, images: model(torch.round(8 * images) / 8),
    "no gradient at all": lambda model, images: model(images).detach(),
    "shattered": lambda model, images: model(images + 0.1 * torch.sin(400 * images)),
    # The forward pass is the model's, the backward pass leads somewhere else.
    "false gradient": lambda model, images: (
        model(images).detach() + images.flatten(1)[:, :3] * 0.01 - (images.flatten(1)[:, :3] * 0.01).detach()
    ),
}


@pytest.mark.parametrize("mask", MASKS)
def test_masked_gradients_are_found(mask: str, convnet: nn.Module) -> None:
    masked = Wrapped(convnet, MASKS[mask])
    report = audit(masked, IMAGES, LABELS, ATTACK, QUICK)
    assert report.verdict == "masked"
    assert "gradient" in failed(report).values()
    # The same attack on the model behind the mask shows that the robustness was none.
    honest = audit(convnet, IMAGES, LABELS, ATTACK, QUICK)
    assert report.robust_accuracy > honest.robust_accuracy


def test_transferred_images_betray_a_mask(convnet: nn.Module, qvc: nn.Module) -> None:
    images = run_attack(convnet, IMAGES, LABELS, ATTACK, spare_wrong=False).images
    name = "white-box against transfer from convnet"
    masked = Wrapped(convnet, MASKS["saturated logits"])
    report = audit(masked, IMAGES, LABELS, ATTACK, QUICK, {"convnet": images})
    assert failed(report)[name] == "gradient"
    sound = audit(convnet, IMAGES, LABELS, ATTACK, QUICK, {"convnet": images, "noise": torch.rand_like(images)})
    assert sound.verdict == "sound"
    assert sum(check.name.startswith("white-box") for check in sound.checks) == 2


def test_transferred_images_are_clipped_to_the_ball(convnet: nn.Module) -> None:
    opposite = 1 - IMAGES
    report = audit(convnet, IMAGES, LABELS, PGDConfig(eps=1e-3), QUICK, {"opposite": opposite})
    check = next(check for check in report.checks if check.name.endswith("opposite"))
    assert check.numbers["rival_success"] <= check.numbers["success"] + FINITE_DIFFERENCE
    with pytest.raises(InputError, match="opposite"):
        audit(convnet, IMAGES, LABELS, ATTACK, QUICK, {"opposite": opposite[:3]})


def test_a_model_in_training_mode_is_audited_in_evaluation_mode() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.BatchNorm1d(16), nn.Dropout(), nn.Linear(16, 3))
        model = trained(net, 0.01, 60)
    settings = QUICK.model_copy(update={"queries": 20})
    wanted = audit(model, IMAGES, LABELS, ATTACK, settings)
    before = copy.deepcopy(model.train().state_dict())
    assert audit(model, IMAGES, LABELS, ATTACK, settings) == wanted
    assert all(module.training for module in model.modules())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_derivatives_of_known_models() -> None:
    images = images_inside(6)
    labels = torch.zeros(6, dtype=torch.long)
    errors, precision = difference_errors(Linear(3), images, labels, seed=0, batch_size=4)
    assert precision.dtype == torch.float64
    assert errors.max() < FINITE_DIFFERENCE
    doubled = Wrapped(Linear(3), lambda model, x: 2 * model(x) - model(x).detach())
    errors, _ = difference_errors(doubled, images, labels, seed=0, batch_size=4)
    assert errors.min() == pytest.approx(0.5, rel=0.1)


def test_models_that_stay_in_float32_are_checked_in_it() -> None:
    constant = torch.randn(16, 3, generator=torch.Generator().manual_seed(1))
    model = Wrapped(Linear(3), lambda inner, images: images.flatten(1).float() @ constant)
    errors, precision = difference_errors(
        model, images_inside(6), torch.zeros(6, dtype=torch.long), seed=0, batch_size=6
    )
    assert precision.dtype == torch.float32
    assert errors.max() < precision.tolerance


def test_zero_gradients_are_counted() -> None:
    half = Wrapped(Linear(3), lambda model, images: model(images) * (images.flatten(1)[:, :1] > 0.5))
    images = images_inside(20)
    zero = zero_gradients(half, images, torch.zeros(20, dtype=torch.long), batch_size=6)
    assert torch.equal(zero, images.flatten(1)[:, 0] <= 0.5)


@pytest.mark.parametrize("attack", [CWConfig(), SquareConfig(), FGSMConfig(eps=0.0)])
def test_only_bounded_white_box_attacks_are_audited(attack: Attack, convnet: nn.Module) -> None:
    with pytest.raises(ConfigurationError, match="cannot be audited"):
        audit(convnet, IMAGES, LABELS, attack, QUICK)


def test_a_model_without_a_right_answer(convnet: nn.Module) -> None:
    wrong = (convnet(IMAGES).argmax(1) + 1) % 3
    with pytest.raises(InputError, match="nothing to audit"):
        audit(convnet, IMAGES, wrong, ATTACK, QUICK)


def test_flat_backgrounds_are_no_mask() -> None:
    # Equal pixels tie in the max-pooling; the derivative beside the image is what an attack sees.
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 3))
    images = torch.zeros(8, 1, 4, 4)
    images[:, 0, 1, 1] = torch.linspace(0.2, 0.9, 8)
    errors, precision = difference_errors(net, images, torch.arange(8) % 3, seed=0, batch_size=8)
    assert bool((errors < precision.tolerance).all())
