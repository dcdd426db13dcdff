"""The attacker of a classifier and its detector, on linear functions for which it is known what can be reached."""

import pytest
import torch
from torch import Tensor

from qaml_qiskit.attacks.joint import Evasion, JointPGD, JointVariant, Standing
from qaml_qiskit.errors import InputError
from tests.tolerances import BOUND
from tests.unit.attacks.attack_cases import images_inside

VARIANTS: tuple[JointVariant, ...] = ("joint", "selective", "orthogonal")
EPS = 0.1
PIXELS = 16


class TwoLines:
    """Fooled where ``wrong``·δ > need, noticed where ``alarm``·δ > allowed; δ is the change of every image.

    Args:
        images: clean.
        wrong: shape (PIXELS,).
        alarm: shape (PIXELS,).
        need: of every image.
        allowed: of every image.
    """

    def __init__(self, images: Tensor, wrong: Tensor, alarm: Tensor, need: float, allowed: float) -> None:
        self.images, self.wrong, self.alarm, self.need, self.allowed = images, wrong, alarm, need, allowed
        self.asked = 0

    def __call__(self, images: Tensor, rows: Tensor) -> Standing:
        self.asked += len(images)
        change = (images - self.images[rows]).flatten(1)
        gain, alarm = change @ self.wrong - self.need, change @ self.alarm - self.allowed
        return Standing(gain, alarm, gain.detach() > 0, alarm.detach())


def half_shared(need: float, allowed: float = 0.0, count: int = 6) -> TwoLines:
    """The first half of the pixels fools and alarms, the second half only fools.

    With δ ≤ ε a pixel, the greatest gain without an alarm is ε·PIXELS/2; a third of the shared pixels' pull is worth
    nothing to who must not be noticed.
    """
    wrong = torch.ones(PIXELS)
    alarm = torch.cat([torch.ones(PIXELS // 2), torch.zeros(PIXELS // 2)])
    return TwoLines(images_inside(count), wrong, alarm, need, allowed)


def evade(situation: TwoLines, variant: JointVariant, **settings: object) -> Evasion:
    known = settings.pop("known", ())
    attacker = JointPGD(eps=EPS, variant=variant, **settings)
    return attacker.evade(situation.images, [situation] * 3, seed=5, known=known)


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_can_be_reached_is_reached(variant: JointVariant) -> None:
    situation = half_shared(need=0.9 * EPS * PIXELS / 2)
    assert evade(situation, variant).evades.all()


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_cannot_be_reached_is_not_claimed(variant: JointVariant) -> None:
    situation = half_shared(need=1.01 * EPS * PIXELS / 2)
    found = evade(situation, variant)
    assert not found.evades.any()
    # All that fool are kept before all that are quiet.
    assert found.fooled.all()


def test_who_does_not_know_the_detector_is_noticed() -> None:
    situation = half_shared(need=0.9 * EPS * PIXELS / 2)
    plain = situation.images + EPS
    standing = situation(plain, torch.arange(len(plain)))
    assert standing.fooled.all()
    assert not standing.evades.any()


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_budget_and_the_bounds_are_kept(variant: JointVariant) -> None:
    situation = half_shared(need=0.95 * EPS * PIXELS / 2)
    situation.images = (situation.images - 0.4) * 5  # From 0 to 1, so that the bounds matter.
    found = evade(situation, variant)
    assert (found.images - situation.images).abs().max() <= EPS + BOUND
    assert found.images.min() >= 0
    assert found.images.max() <= 1


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_it_says_is_so(variant: JointVariant) -> None:
    situation = half_shared(need=0.99 * EPS * PIXELS / 2)
    found = evade(situation, variant, steps=5)
    standing = situation(found.images, torch.arange(len(found.images)))
    assert torch.equal(found.fooled, standing.fooled)
    torch.testing.assert_close(found.excess, standing.excess.double(), rtol=0, atol=BOUND)
    assert torch.equal(found.evades, standing.evades)


def test_seeds() -> None:
    situation = half_shared(need=1.5 * EPS * PIXELS / 2)
    before = torch.get_rng_state()
    first, again = evade(situation, "selective", steps=2), evade(situation, "selective", steps=2)
    other = JointPGD(eps=EPS, steps=2).evade(situation.images, [situation], seed=6)
    assert torch.equal(first.images, again.images)
    assert not torch.equal(first.images, other.images)
    assert torch.equal(torch.get_rng_state(), before)


def test_an_image_does_not_depend_on_its_batch() -> None:
    situation = half_shared(need=0.97 * EPS * PIXELS / 2, count=7)
    attacker = JointPGD(eps=EPS, steps=9)
    together = attacker.evade(situation.images, [situation], seed=1)
    alone = attacker.evade(situation.images, [situation], seed=1, batch_size=2)
    torch.testing.assert_close(together.images, alone.images, rtol=0, atol=BOUND)


def test_what_others_made_is_kept_where_it_is_better() -> None:
    situation = half_shared(need=0.9 * EPS * PIXELS / 2)
    answer = torch.cat([torch.full((PIXELS // 2,), -EPS / 10), torch.full((PIXELS // 2,), EPS)]).reshape(1, 4, 4)
    made = situation.images + answer
    situation.need = 0.89 * EPS * PIXELS / 2
    asked = situation.asked
    found = evade(situation, "selective", known=[made])
    assert found.evades.all()
    torch.testing.assert_close(found.images, made, rtol=0, atol=BOUND)
    # Nothing was left to look for.
    assert situation.asked - asked == 2 * len(made)


def test_objectives_with_one_way_are_no_dead_end() -> None:
    images = images_inside(4)

    def beyond(now: Tensor, rows: Tensor) -> Standing:
        # As of who is unsure: the alarm is loudest on the boundary, which is the only way.
        way = (now - images[rows]).flatten(1).sum(1) - EPS * PIXELS / 2
        return Standing(way, -way.abs(), way.detach() > 0, EPS * PIXELS / 4 - way.detach().abs())

    assert JointPGD(eps=EPS, variant="orthogonal").evade(images, [beyond], seed=0).evades.all()


def test_what_others_made_outside_the_ball_is_clipped() -> None:
    situation = half_shared(need=0.5)
    found = evade(situation, "selective", known=[situation.images + 4 * EPS])
    assert (found.images - situation.images).abs().max() <= EPS + BOUND


def test_of_those_that_are_noticed_the_least_suspicious_is_kept() -> None:
    situation = half_shared(need=0.1, allowed=-10)
    loud, quiet = situation.images + EPS, situation.images + EPS / 2
    found = JointPGD(eps=EPS, steps=1, step_size=1e-9).evade(situation.images, [situation], seed=0, known=[loud, quiet])
    assert found.fooled.all()
    assert (found.excess <= situation(quiet, torch.arange(len(quiet))).excess + BOUND).all()


def test_objectives_without_slope_leave_the_start() -> None:
    images = images_inside(3)

    def flat(images: Tensor, rows: Tensor) -> Standing:
        flat = torch.zeros(len(rows))
        return Standing(flat, flat, flat > 0, flat)

    found = JointPGD(eps=EPS, variant="orthogonal").evade(images, [flat], seed=0)
    assert not found.evades.any()
    assert torch.isfinite(found.images).all()


def test_no_image_turns_black() -> None:
    images = torch.full((2, 1, 4, 4), EPS / 2)

    def darkness(images: Tensor, rows: Tensor) -> Standing:
        assert (images.flatten(1).amax(1) > 0).all()
        gain = -images.flatten(1).sum(1)
        return Standing(gain, gain, gain.detach() > 0, gain.detach())

    JointPGD(eps=EPS).evade(images, [darkness], seed=0)


def test_images_outside_their_range() -> None:
    with pytest.raises(InputError, match="cannot attack"):
        JointPGD(eps=EPS).evade(2 + images_inside(2), [half_shared(need=0.1)], seed=0)
