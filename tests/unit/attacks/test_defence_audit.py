"""Audits of defences whose truth is known: noise of gradients, a rescaling, a saturated softmax, a real defence."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from qaml_qiskit.attacks import (
    Attack,
    Attacker,
    CWConfig,
    DefenceReport,
    DefenceSettings,
    DefenceViews,
    FGSMConfig,
    PGDConfig,
    SquareConfig,
    audit_defence,
    run_attack,
)
from qaml_qiskit.attacks.auditing.findings import DefenceFindings, Encounter
from qaml_qiskit.attacks.auditing.rescaling import Rescaling, comparison_points, rescaling
from qaml_qiskit.attacks.auditing.views import NOBODY, ScaleFree, attackers_of
from qaml_qiskit.attacks.stochastic import DrawnAccuracy
from qaml_qiskit.errors import ConfigurationError, InputError
from tests.tolerances import BOUND, DIFFERENT, VALUE
from tests.unit.attacks.attack_cases import Linear, Wrapped, images_inside

PLAIN = Linear(5)
IMAGES = images_inside(60)
LABELS = PLAIN(IMAGES).argmax(1)
#: Fools about half of the images of the plain model.
ATTACK = PGDConfig(eps=float(PLAIN.radii(IMAGES, "linf").median()), steps=5)
QUICK = DefenceSettings(draws=(1, 10, 100), judged=10, queries=30)
EXACT, TWIN = Attacker("expectation"), Attacker("twin")


class Noisy(nn.Module):
    """A model with noise on its logits."""

    def __init__(self, sigma: float) -> None:
        super().__init__()
        self.sigma, self.generator = sigma, torch.Generator()

    def reseed(self, seed: int) -> None:
        self.generator.manual_seed(seed)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = PLAIN(images)
        return logits + self.sigma * torch.randn(logits.shape, generator=self.generator)


class Sturdy(nn.Module):
    """The first pixel alone decides between two classes, by far more than any small change."""

    def forward(self, images: Tensor) -> Tensor:
        lead = images.flatten(1)[:, 0] - 0.5
        return torch.stack([-lead, lead], dim=1)


class Fragile(nn.Module):
    """As right as Sturdy, but a sum of many small things decides, too."""

    def forward(self, images: Tensor) -> Tensor:
        pixels = images.flatten(1)
        lead = 0.1 * (pixels[:, 0] - 0.5) + pixels[:, 1:] @ torch.tensor([1.0, -1.0, 1.0, -1.0] * 3 + [0.0] * 3)
        return torch.stack([-lead, lead], dim=1)


def audited(views: DefenceViews, attack: Attack = ATTACK) -> DefenceReport:
    return audit_defence(views, IMAGES, LABELS, attack, QUICK)


@pytest.fixture(scope="module")
def noisy_gradients() -> DefenceReport:
    # Answers by the expectation, and the attacker of the papers follows single draws.
    return audited(DefenceViews(PLAIN, drawn=Noisy(5.0), twin=PLAIN))


def test_noise_of_gradients_is_no_gain(noisy_gradients: DefenceReport) -> None:
    report = noisy_gradients
    assert report.published == Attacker("draws", 1)
    gain, left = report.published_gain, report.left
    assert gain is not None
    assert left is not None
    assert gain.interval[0] > DIFFERENT
    assert gain.p_value is not None
    assert gain.p_value < 0.01
    assert left.value == 0
    assert report.verdict == "nil"
    assert report.noise_share == pytest.approx(1)
    assert report.left_share == 0


def test_more_draws_come_nearer_to_the_exact_gradient(noisy_gradients: DefenceReport) -> None:
    curve = [noisy_gradients.encounters[Attacker("draws", each)].defended.value for each in (1, 10, 100)]
    assert curve == sorted(curve, reverse=True)
    exact = noisy_gradients.encounters[EXACT].defended.value
    honest = run_attack(PLAIN, IMAGES, LABELS, ATTACK).robust_accuracy
    assert exact == pytest.approx(honest)
    assert curve[0] > curve[2] + DIFFERENT > exact


@pytest.mark.parametrize("exact", [PLAIN, None])
def test_a_random_model_is_judged_over_draws_with_or_without_its_expectation(exact: nn.Module | None) -> None:
    report = audited(DefenceViews(Noisy(1.0), exact=exact, twin=PLAIN))
    assert report.is_random
    clean = report.encounters[NOBODY]
    assert clean.defended.correct.shape == (QUICK.judged, len(IMAGES))
    assert not torch.equal(clean.defended.correct, clean.rehearsed.correct)
    assert clean.defended.value < 1
    assert clean.twin is not None
    assert clean.twin.value == 1
    assert (report.zero_gradients is None) == (exact is None)
    left = report.left
    assert left is not None
    assert left.interval[0] < 0 < left.interval[1]
    # The expectation is the twin, but single draws are not.
    assert report.verdict != "holds"
    assert EXACT in report.encounters or exact is None
    again = audited(DefenceViews(Noisy(1.0), exact=exact, twin=PLAIN))
    assert all(
        torch.equal(each.defended.correct, again.encounters[who].defended.correct)
        for who, each in report.encounters.items()
    )


@pytest.mark.parametrize("scale", [0.1, 1e4])
def test_a_rescaling_gains_nothing_and_masks_gradients(scale: float) -> None:
    defended = Wrapped(PLAIN, lambda model, images: scale * model(images) + images.flatten(1)[:, :1])
    report = audited(DefenceViews(defended, twin=PLAIN))
    assert report.rescaling is not None
    assert report.rescaling.is_mere
    assert not report.rescaling.is_proven
    assert report.rescaling.scale == pytest.approx(scale, rel=1e-4)
    assert report.verdict == "nil"
    assert report.reason.startswith("Mere rescaling")
    # The published kind of gain is there all the same: the loss has lost its scale.
    assert report.published_gain is not None
    assert report.published_gain.interval[0] > 0
    assert report.left is not None
    assert report.left.value == 0
    assert Attacker("scale-free") in report.masked_by
    assert report.zero_gradients == (1 if scale > 1 else 0)


def test_a_saturated_model_is_masked_without_a_twin_too() -> None:
    report = audited(DefenceViews(Wrapped(PLAIN, lambda model, images: 1e4 * model(images))))
    assert report.encounters[EXACT].defended.value == 1
    assert report.worst.value < 1 - DIFFERENT
    assert [each.knows for each in report.masked_by] == ["scale-free", "queries"]
    assert report.verdict == "cannot be decided"
    assert report.published_gain is None
    assert report.rescaling is None


def test_a_real_defence_holds() -> None:
    images = IMAGES.clone()
    labels = torch.arange(60) % 2
    images[:, 0, 0, 0] = 0.3 + 0.4 * labels
    images.flatten(1)[:, 1:] = 0.5
    views = DefenceViews(Sturdy(), twin=Fragile(), sources={"other": Fragile()})
    report = audit_defence(views, images, labels, PGDConfig(eps=0.1, steps=3), QUICK)
    assert report.verdict == "holds"
    assert report.worst.value == 1
    assert report.twin_worst is not None
    assert report.twin_worst.value == 0
    assert report.left is not None
    assert report.left.value == pytest.approx(1)
    assert not report.masked_by
    assert not report.no_better_than_constant
    assert report.encounters[Attacker("source", source="other")].twin is not None


def test_a_gain_that_shrinks_is_smaller() -> None:
    report = DefenceFindings(met(published=0.9, worst=0.6, twin_own=0.2), False, None)
    assert report.verdict == "smaller than published"
    assert report.left_share == pytest.approx(0.4 / 0.7)
    assert report.lost is not None
    assert report.lost.value == pytest.approx(0.3)


def test_a_defence_that_does_harm_is_said_to() -> None:
    report = DefenceFindings(met(published=0.2, worst=0.2, twin_own=0.9), False, None)
    assert report.verdict == "nil"
    assert "the defended model is the weaker one" in report.reason


def test_few_images_decide_nothing() -> None:
    report = DefenceFindings(met(published=0.3, worst=0.3, twin_own=0.2, images=20), False, None)
    assert report.verdict == "cannot be decided"
    assert "20 images are too few" in report.reason
    assert DefenceFindings(met(0.2, 0.2, 0.2, images=3000), False, None).verdict == "nil"
    partly = DefenceFindings(met(0.9, 0.25, 0.2, images=60), False, None)
    assert partly.verdict == "smaller than published"
    assert "60 images do not tell" in partly.reason


def met(published: float, worst: float, twin_own: float, images: int = 200) -> dict[Attacker, Encounter]:
    """Encounters with these accuracies; the best images are right longest."""

    def right(share: float) -> DrawnAccuracy:
        return DrawnAccuracy((torch.arange(images) < round(share * images))[None])

    shares = {NOBODY: (1.0, 1.0), EXACT: (published, 0.9), TWIN: (0.95, twin_own), Attacker("queries"): (worst, 0.9)}
    return {who: Encounter(right(mine), right(mine), right(other)) for who, (mine, other) in shares.items()}


def test_the_worst_attacker_is_chosen_by_other_draws() -> None:
    # Four attackers that are one and the same: luck must not make the worst of them worse than each.
    generator = torch.Generator().manual_seed(1)
    draws, images, share = 10, 400, 0.5

    def drawn() -> DrawnAccuracy:
        return DrawnAccuracy(torch.rand(draws, images, generator=generator) < share)

    found = {Attacker("draws", k + 1): Encounter(drawn(), drawn()) for k in range(4)}
    report = DefenceFindings({NOBODY: Encounter(drawn(), drawn()), **found}, True, None)
    error = math.sqrt(share * (1 - share) / (draws * images))
    assert report.worst.value == pytest.approx(share, abs=5 * error)


def test_forms_prove_a_rescaling_for_all_images() -> None:
    generator = torch.Generator().manual_seed(2)
    forms = torch.randn(3, 6, 6, generator=generator, dtype=torch.float64)
    shared = torch.randn(6, 6, generator=generator, dtype=torch.float64)
    skew = torch.randn(6, 6, generator=generator, dtype=torch.float64)

    def of(matrices: Tensor) -> nn.Module:
        return Wrapped(
            nn.Identity(), lambda _, x: torch.einsum("ni,kij,nj->nk", *[x.flatten(1)], matrices.float(), x.flatten(1))
        )

    scaled = 0.3 * forms + shared + (skew - skew.T)
    points = torch.rand(30, 1, 2, 3, generator=generator)
    found = rescaling(of(scaled), of(forms), points, (scaled, forms))
    assert found.is_proven
    assert found.scale == pytest.approx(0.3, rel=VALUE[torch.float32])
    assert found.agreement == 1
    bent = scaled + 0.01 * torch.randn(3, 6, 6, generator=generator, dtype=torch.float64)
    near = rescaling(of(bent), of(forms), points, (bent, forms))
    assert near.is_near
    assert not near.is_mere
    assert near.told.startswith("nearly")
    turned = rescaling(of(-forms), of(forms), points, (-forms, forms))
    assert turned.residual < near.residual
    assert not turned.is_mere


def test_a_constant_is_no_rescaling() -> None:
    constant = Wrapped(PLAIN, lambda model, images: 0 * model(images))
    found = rescaling(constant, PLAIN, IMAGES)
    assert not found.is_mere
    assert Rescaling(0.0, 0.0, 1.0, 10).is_mere is False
    report = audit_defence(DefenceViews(constant, twin=PLAIN), IMAGES, LABELS, ATTACK, QUICK)
    assert report.no_better_than_constant
    assert report.constant == pytest.approx(float(LABELS.bincount().max()) / 60)


def test_points_are_images_and_more_within_reach() -> None:
    points = comparison_points(IMAGES, 0.1, 3)
    assert len(points) == 3 * len(IMAGES)
    assert (points[60:120] - IMAGES).abs().max() <= 0.1 + BOUND
    assert 0 <= points.min() <= points.max() <= 1


def test_logits_without_scale_keep_labels_and_never_saturate() -> None:
    steep = Wrapped(PLAIN, lambda model, images: 1e6 * model(images))
    images = IMAGES.clone().requires_grad_()
    logits = ScaleFree(steep)(images)
    assert torch.equal(logits.argmax(1), LABELS)
    best = logits.topk(2, dim=1).values
    assert (best[:, 0] - best[:, 1]).max() <= 2 + DIFFERENT
    (slopes,) = torch.autograd.grad(nn.functional.cross_entropy(logits, LABELS, reduction="sum"), images)
    assert bool((slopes.flatten(1).abs().amax(1) > 0).all())
    flat = ScaleFree(Wrapped(PLAIN, lambda model, images: 0 * model(images)))(IMAGES)
    assert torch.equal(flat, torch.zeros_like(flat))


def test_everybody_is_tried_the_papers_attacker_first() -> None:
    everything = DefenceViews(Noisy(1.0), PLAIN, twin=PLAIN, sources={"net": PLAIN})
    told = [each.told for each in attackers_of(everything, (10,))]
    assert told[:2] == ["1 noisy gradient a step", "10 noisy gradients a step"]
    assert [each.knows for each in attackers_of(everything, (10,))][2:] == [
        "expectation",
        "scale-free",
        "twin",
        "source",
        "queries",
    ]
    alone = [each.knows for each in attackers_of(DefenceViews(PLAIN), (1,))]
    assert alone == ["expectation", "scale-free", "queries"]


def test_what_cannot_be_audited() -> None:
    views = DefenceViews(PLAIN, twin=PLAIN)
    for attack in (CWConfig(), SquareConfig(), FGSMConfig(eps=0.0)):
        with pytest.raises(ConfigurationError, match="by this attack"):
            audit_defence(views, IMAGES, LABELS, attack, QUICK)
    with pytest.raises(ConfigurationError, match="at least one number"):
        attackers_of(views, ())
    with pytest.raises(InputError):
        audit_defence(views, IMAGES, LABELS[:3], ATTACK, QUICK)
    with pytest.raises(InputError):
        audit_defence(views, np.full((2, 1, 4, 4), 2.0, np.float32), torch.zeros(2, dtype=torch.long), ATTACK)  # type: ignore[arg-type]
