import math

import pytest
import torch
from torch import Tensor, nn

from qaml_qiskit.attacks import ExpectedLogits, PGDConfig, RandomModule, drawn_accuracy, run_attack
from qaml_qiskit.errors import ConfigurationError
from tests.tolerances import DIFFERENT, SIGMAS
from tests.unit.attacks.attack_cases import Linear, images_inside

IMAGES = images_inside(40)


class Noisy(nn.Module):
    """Logits of a linear model with Gaussian noise, from its own generator."""

    def __init__(self, sigma: float) -> None:
        super().__init__()
        self.model, self.sigma = Linear(3), sigma
        self.generator = torch.Generator().manual_seed(0)

    def reseed(self, seed: int) -> None:
        self.generator.manual_seed(seed)

    def forward(self, images: Tensor) -> Tensor:
        logits = self.model(images)
        return logits + self.sigma * torch.randn(logits.shape, generator=self.generator)


class TurnedSign(nn.Module):
    """A defence that turns every gradient around at random, with torch's global numbers; logits stay."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Linear(2)

    def forward(self, images: Tensor) -> Tensor:
        logits = self.model(images)
        sign = 1 if torch.rand(()) < 0.7 else -1
        return sign * logits + ((1 - sign) * logits).detach()


def test_mean_of_draws_approaches_the_expectation() -> None:
    model = Noisy(2.0)
    mean = ExpectedLogits(model, 100)(IMAGES)
    error = (mean - model.model(IMAGES)).abs().max()
    assert DIFFERENT < error < SIGMAS * 2.0 / math.sqrt(100)


def test_gradients_are_averaged() -> None:
    images = IMAGES.clone().requires_grad_()
    with torch.random.fork_rng():
        torch.manual_seed(1)
        (slope,) = torch.autograd.grad(ExpectedLogits(TurnedSign(), 400)(images)[:, 0].sum(), images)
    expected = torch.autograd.grad(Linear(2)(images)[:, 0].sum(), images)[0] * (2 * 0.7 - 1)
    spread = 2 * math.sqrt(0.7 * 0.3 / 400) * Linear(2).weight[0].abs().max()
    assert (slope - expected).abs().max() < SIGMAS * spread


def test_repeated_draws_make_a_function() -> None:
    model = Noisy(1.0)
    fixed, fresh = ExpectedLogits(model, 3, seed=7), ExpectedLogits(model, 3)
    assert torch.equal(fixed(IMAGES), fixed(IMAGES))
    assert not torch.equal(fresh(IMAGES), fresh(IMAGES))


def test_expectation_over_transformation_makes_the_attack_work() -> None:
    model = TurnedSign()
    labels = model(IMAGES).argmax(1)
    eps = float(Linear(2).radii(IMAGES, "linf").max()) * 1.5
    attack = PGDConfig(eps=eps, steps=10)
    single = run_attack(model, IMAGES, labels, attack, batch_size=4)
    expected = run_attack(ExpectedLogits(model, 30), IMAGES, labels, attack, batch_size=4)
    assert expected.robust_accuracy == 0
    assert (expected.l2 >= single.l2).double().mean() > 0.5


def test_seed_of_the_attack_decides_global_draws() -> None:
    model = TurnedSign()
    labels = model(IMAGES).argmax(1)
    attacks = [run_attack(model, IMAGES, labels, PGDConfig(eps=0.05, steps=3, seed=s)).images for s in (1, 1, 2)]
    assert torch.equal(attacks[0], attacks[1])
    assert not torch.equal(attacks[0], attacks[2])


def test_drawn_accuracy_is_seeded_and_knows_its_spread() -> None:
    model = Noisy(3.0)
    labels = model.model(IMAGES).argmax(1)
    state = torch.random.get_rng_state()
    first, again, other = (drawn_accuracy(model, IMAGES, labels, 50, seed=s, batch_size=7) for s in (3, 3, 4))
    assert torch.equal(first.correct, again.correct)
    assert not torch.equal(first.correct, other.correct)
    assert torch.equal(state, torch.random.get_rng_state())
    assert first.correct.shape == (50, 40)
    assert first.value == pytest.approx(float(first.of_draws.mean()))
    inner, outer = first.interval_of_draws, first.interval
    assert inner is not None
    assert outer[0] < inner[0] < first.value < inner[1] < outer[1]
    # The spread of the draws themselves says the same, independently.
    by_spread = 1.96 * float(first.of_draws.std()) / math.sqrt(50)
    assert (inner[1] - inner[0]) / 2 == pytest.approx(by_spread, rel=SIGMAS / math.sqrt(2 * 49))


def test_one_draw_has_no_spread_and_a_sure_model_none_either() -> None:
    labels = Linear(3)(IMAGES).argmax(1)
    assert drawn_accuracy(Linear(3), IMAGES, labels, 1).interval_of_draws is None
    sure = drawn_accuracy(Linear(3), IMAGES, labels, 5)
    assert sure.value == 1
    assert sure.interval_of_draws == (1.0, 1.0)
    assert sure.interval[0] < 1


def test_what_cannot_be_averaged() -> None:
    assert isinstance(Noisy(1.0), RandomModule)
    with pytest.raises(ConfigurationError, match="at least one draw"):
        ExpectedLogits(Noisy(1.0), 0)
    with pytest.raises(ConfigurationError, match="reseed"):
        ExpectedLogits(TurnedSign(), 3, seed=1)
