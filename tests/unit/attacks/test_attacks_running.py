import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from qaml_qiskit.attacks import (
    BIMConfig,
    CWConfig,
    DeepFoolConfig,
    FGSMConfig,
    MIMConfig,
    PGDConfig,
    SquareConfig,
    frozen,
    make_attack,
    run_attack,
)
from qaml_qiskit.attacks.measure import clip_to_ball, sizes
from qaml_qiskit.attacks.traits import Norm
from qaml_qiskit.errors import InputError
from qaml_qiskit.models import QVC, NoisyQVC, QVCConfig
from qaml_qiskit.noise import NoiseSpec
from qaml_qiskit.simulation.heisenberg import noisy_observables
from tests.tolerances import BOUND
from tests.unit.attacks.attack_cases import Linear, Wrapped, images_inside

IMAGES = images_inside(10)


def labels_of(model: torch.nn.Module, images: Tensor = IMAGES) -> Tensor:
    return model(images).argmax(1)


@pytest.mark.parametrize("name", ["fgsm", "pgd", "bim", "mim", "deepfool"])
def test_batch_size_does_not_matter(name: str) -> None:
    model = QVC(QVCConfig(image_shape=(1, 4, 4), num_classes=3, num_layers=6), 4)
    parameters = {"eps": 0.1} if name != "deepfool" else {}
    parameters |= {"restarts": 2} if name == "pgd" else {}
    whole, parts = (
        run_attack(model, IMAGES, labels_of(model), make_attack(name, **parameters), batch_size=size)
        for size in (10, 3)
    )
    assert torch.allclose(whole.images, parts.images, atol=BOUND)


def test_wrong_images_are_spared_unless_asked_for() -> None:
    model = Linear()
    labels = labels_of(model)
    labels[::2] = (labels[::2] + 1) % 3
    spared = run_attack(model, IMAGES, labels, PGDConfig(eps=0.3))
    assert torch.equal(spared.clean_correct, torch.arange(10) % 2 == 1)
    assert torch.equal(spared.images[::2], IMAGES[::2])
    assert not spared.fooled[::2].any()
    assert spared.clean_accuracy == 0.5
    assert spared.robust_accuracy == 0.5 * (1 - spared.success_rate)
    attacked = run_attack(model, IMAGES, labels, PGDConfig(eps=0.3), spare_wrong=False)
    assert torch.equal(attacked.fooled, spared.fooled)
    assert (attacked.linf[::2] > 0).all()


def test_nothing_right_has_no_success_rate() -> None:
    model = Linear()
    result = run_attack(model, IMAGES, (labels_of(model) + 1) % 3, PGDConfig())
    assert result.success_rate is None
    assert result.robust_accuracy == 0


def test_progress_adds_up_to_the_attacked_images() -> None:
    model, told = Linear(), []
    run_attack(model, IMAGES, labels_of(model), PGDConfig(restarts=3), batch_size=4, progress=told.append)
    assert told == [4, 4, 2]


@pytest.mark.parametrize("name", ["pgd", "apgd", "autoattack", "deepfool"])
def test_models_without_parameters_and_in_float64(name: str) -> None:
    parameters: dict[str, object] = {"steps": 5} if name == "deepfool" else {"eps": 0.3, "steps": 5}
    parameters |= {"queries": 20} if name == "autoattack" else {}
    single = Linear(parameters=False)
    assert run_attack(single, IMAGES, labels_of(single), make_attack(name, **parameters)).fooled.any()
    images = IMAGES.double()
    result = run_attack(
        Linear().double(), images, labels_of(Linear().double(), images), make_attack(name, **parameters)
    )
    assert result.images.dtype == torch.float64
    assert result.fooled.any()


def test_a_useless_gradient_never_helps_the_model() -> None:
    """An attack led astray leaves clean images, not images that the model likes better."""

    def backwards(model: torch.nn.Module, images: Tensor) -> Tensor:
        logits = model(images)
        return logits.detach() * 2 - logits if images.requires_grad else logits

    model = Wrapped(Linear(), backwards)
    result = run_attack(model, IMAGES, labels_of(model), PGDConfig(eps=0.05))
    assert not result.fooled.any()
    assert torch.equal(result.images, IMAGES)


@pytest.mark.parametrize("attack", [DeepFoolConfig(), MIMConfig(), PGDConfig()])
def test_vanishing_and_missing_gradients_leave_clean_images(attack: DeepFoolConfig | MIMConfig | PGDConfig) -> None:
    flat = Wrapped(Linear(), lambda model, images: torch.round(model(images)))
    result = run_attack(flat, IMAGES, labels_of(flat), attack)
    assert torch.isfinite(result.images).all()
    assert (result.linf <= 0.1 + BOUND).all()
    if isinstance(attack, DeepFoolConfig):
        # 0/0 in its step.
        assert result.discarded == 10
        assert torch.equal(result.images, IMAGES)


def test_nan_logits_are_not_success() -> None:
    def broken(model: torch.nn.Module, images: Tensor) -> Tensor:
        same = (images - IMAGES[: len(images)]).abs().amax((1, 2, 3)) == 0
        return torch.where(same[:, None], model(images), torch.full((), torch.nan))

    model = Wrapped(Linear(), broken)
    result = run_attack(model, IMAGES, labels_of(model), FGSMConfig())
    assert not result.fooled.any()
    assert result.discarded == 10
    assert torch.equal(result.images, IMAGES)


def test_cw_moves_black_and_white_pixels() -> None:
    images = (IMAGES > 0.5).float()
    model = Linear()
    result = run_attack(model, images, labels_of(model, images), CWConfig())
    assert result.fooled.any()


@pytest.mark.parametrize("name", ["pgd", "square", "autoattack"])
def test_black_images_that_an_encoding_refuses_are_no_obstacle(name: str) -> None:
    model = QVC(QVCConfig(image_shape=(1, 2, 2), num_classes=2, num_layers=2), 1)
    images = torch.rand(30, 1, 2, 2, generator=torch.Generator().manual_seed(1))
    parameters = {"queries": 50} if name != "pgd" else {}
    result = run_attack(model, images, labels_of(model, images), make_attack(name, eps=1.0, **parameters))
    assert (result.images.flatten(1).amax(1) > 0).all()
    with pytest.raises(InputError):
        run_attack(model, torch.zeros(1, 1, 2, 2), torch.zeros(1, dtype=torch.long), PGDConfig())


def test_square_works_on_oblong_images() -> None:
    model, images = Linear(3, 64), images_inside(10, (1, 2, 32))
    eps = float(2.5 * model.radii(images, "linf").max())
    result = run_attack(model, images, labels_of(model, images), SquareConfig(eps=eps, queries=500))
    assert result.fooled.double().mean() >= 0.5


def test_every_restart_has_a_start_of_its_own() -> None:
    model = Linear()
    attacks = [PGDConfig(eps=1e-3, steps=1, step_size=1e-5, seed=s, restarts=n) for s, n in ((0, 1), (1, 1), (0, 2))]
    first, second, best = (run_attack(model, IMAGES, labels_of(model), attack).images for attack in attacks)
    of_first, of_second = ((best == other).flatten(1).all(1) for other in (first, second))
    assert (of_first | of_second).all()
    # Where neither start gets anywhere, both give the clean image.
    assert (of_first & ~of_second).any()
    assert (of_second & ~of_first).any()


@given(st.integers(0, 1000), st.floats(0, 1), st.sampled_from(["linf", "l2"]))
def test_whatever_an_attack_returns_ends_in_the_ball(seed: int, eps: float, norm: Norm) -> None:
    generator = torch.Generator().manual_seed(seed)
    clean = torch.rand(5, 1, 3, 3, generator=generator)
    wild = clean + torch.randn(5, 1, 3, 3, generator=generator)
    clipped = clip_to_ball(wild, clean, eps, norm)
    assert (sizes(clipped, clean, norm) <= eps + BOUND).all()
    assert clipped.min() >= 0
    assert clipped.max() <= 1
    assert torch.allclose(clip_to_ball(clipped, clean, eps, norm), clipped, atol=BOUND)
    assert torch.allclose(clip_to_ball(wild, clean, None, norm), wild.clamp(0, 1), atol=BOUND)


def test_restarts_keep_the_best() -> None:
    model = QVC(QVCConfig(image_shape=(1, 4, 4), num_classes=3, num_layers=6), 4)
    labels = labels_of(model)
    one, three = (run_attack(model, IMAGES, labels, PGDConfig(eps=0.05, steps=1, restarts=n)) for n in (1, 3))
    assert (three.fooled >= one.fooled).all()
    assert three.evaluations >= one.evaluations


def test_steps_without_random_start_ignore_the_seed() -> None:
    model = Linear()
    first, second = (run_attack(model, IMAGES, labels_of(model), BIMConfig(seed=s)) for s in (1, 2))
    assert torch.equal(first.images, second.images)


def test_frozen_keeps_the_mode_of_every_module() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Dropout()).train()
    model[1].eval()
    with frozen(model):
        assert not any(module.training for module in model.modules())
    assert [module.training for module in model.modules()] == [True, True, False]


@pytest.mark.parametrize("name", ["fgsm", "pgd", "deepfool", "apgd", "square"])
def test_noisy_classifiers_are_attacked_through_their_noise(name: str) -> None:
    """Equal readout errors shrink all logits alike, so the labels and the boundary stay where they were."""
    model = QVC(QVCConfig(image_shape=(1, 4, 4), num_classes=3, num_layers=4), 4)
    spec = NoiseSpec.model_validate({"readout": {"p10": 0.1, "p01": 0.1}})
    noisy = NoisyQVC(model, noisy_observables(model.ansatz(), spec.build(), range(3)))
    attack = make_attack(name, eps=0.15)
    labels = labels_of(model)
    without, through = (run_attack(victim, IMAGES, labels, attack) for victim in (model, noisy))
    assert through.fooled.any()
    assert torch.equal(through.fooled, without.fooled) or name == "square"
    assert torch.equal(model(through.images).argmax(1) != labels, through.fooled)


def test_deepfool_lands_beyond_curved_boundaries() -> None:
    """Steps alone creep up to the boundary from the inside of it and stop within rounding."""
    model = QVC(QVCConfig(image_shape=(1, 8, 8), num_classes=3, num_layers=20), 1)
    images = torch.rand(40, 1, 8, 8, generator=torch.Generator().manual_seed(2))
    images[:, :, :, ::2] = 0
    assert run_attack(model, images, labels_of(model, images), DeepFoolConfig()).fooled.all()


def test_a_random_model_is_attacked_and_judged_by_its_expectation() -> None:
    plain = Linear(3)
    images = images_inside(40)
    labels = plain(images).argmax(1)
    drowned = Wrapped(plain, lambda model, x: model(x) + 1e3 * torch.randn(len(x), 3))
    attack = PGDConfig(eps=0.05, steps=3)
    judged = run_attack(drowned, images, labels, attack, judge=plain)
    assert judged.clean_accuracy == 1
    assert torch.equal(judged.fooled, plain(judged.images).argmax(1) != labels)
    # By single draws, every second clean image would seem better than what was found.
    by_chance = run_attack(drowned, images, labels, attack, spare_wrong=False)
    moved, kept = (int((each.images != images).flatten(1).any(1).sum()) for each in (judged, by_chance))
    assert moved >= kept
