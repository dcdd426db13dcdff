"""Attackers who know the detector, on linear models."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from qaml_qiskit.attacks import make_attack, run_attack
from qaml_qiskit.attacks.measure import margins
from qaml_qiskit.detection import Adaptive, Detector, Evidence, FittedDetector, evidence_of
from qaml_qiskit.detection.adaptive import agreed_margins
from qaml_qiskit.detection.disagreement import Disagreement, Divergence, FittedDisagreement, FittedDivergence
from tests.tolerances import BOUND, VALUE
from tests.unit.attacks.attack_cases import Linear, images_inside

EPS = 0.06
IMAGES = images_inside(30)


class Balanced(Linear):
    """Blind to the brightness of an image, so that all classes occur; half of what it looks at is its own.

    Args:
        own: seed of that half.
        scale: of its logits.
    """

    def __init__(self, own: int, scale: float = 1.0) -> None:
        super().__init__(3)
        weight = self.weight.detach() + torch.randn(3, 16, generator=torch.Generator().manual_seed(own))
        self.weight = nn.Parameter(scale * (weight - weight.mean(1, keepdim=True)))


MODELS = (Balanced(1), Balanced(2, scale=5.0))
LABELS = MODELS[0](IMAGES).argmax(1)


@pytest.mark.parametrize("variant", ["joint", "selective", "orthogonal"])
def test_a_pair_is_fooled_together_more_often_than_by_who_attacks_one(variant: str) -> None:
    detector, fitted = Disagreement(), FittedDisagreement((1.0, 1.0))
    plain = run_attack(MODELS[0], IMAGES, LABELS, make_attack("pgd", eps=EPS)).images
    before = _evading(fitted, detector, 0.0, plain)
    found = Adaptive(eps=EPS, steps=20, variant=variant).search(MODELS, detector, fitted, 0.0, IMAGES, LABELS, seed=1)
    assert torch.equal(found.evades, _evading(fitted, detector, 0.0, found.images))
    assert found.evades.sum() > before.sum()
    assert (found.images - IMAGES).abs().max() <= EPS + BOUND


def test_no_image_is_worse_than_what_is_known() -> None:
    detector, fitted = Divergence(), FittedDivergence((1.0, 1.0))
    plain = run_attack(MODELS[0], IMAGES, LABELS, make_attack("pgd", eps=EPS)).images
    before = _evading(fitted, detector, 0.1, plain)
    assert before.any()
    weak = Adaptive(eps=EPS, steps=1, step_size=1e-6, restarts=1)
    found = weak.search(MODELS, detector, fitted, 0.1, IMAGES, LABELS, seed=1, known=[plain])
    assert found.evades[before].all()


def test_success_is_what_the_detector_truly_says() -> None:
    found = Adaptive(eps=EPS, steps=10, restarts=1).search(MODELS, Alarmed(), Liar(), 0.0, IMAGES, LABELS, seed=1)
    assert not found.evades.any()
    assert found.fooled.any()


def test_a_detector_of_one_model_leaves_the_others_alone() -> None:
    alone = Adaptive(eps=EPS).images(MODELS[:1], Alarmed(), Silent(), 0.0, IMAGES, LABELS, seed=1)
    beside = Adaptive(eps=EPS).images(MODELS, Alarmed(), Silent(), 0.0, IMAGES, LABELS, seed=1)
    assert torch.equal(alone, beside)
    assert (MODELS[0](alone).argmax(1) != LABELS).sum() == (MODELS[0].radii(IMAGES, "linf") < EPS).sum()


def test_models_come_back_as_they_were() -> None:
    fitted = FittedDivergence((1.0, 1.0))
    Adaptive(eps=EPS, steps=2).images(MODELS, Divergence(), fitted, 0.1, IMAGES[:2], LABELS[:2], seed=0)
    assert all(parameter.requires_grad for module in MODELS for parameter in module.parameters())


def test_agreed_margins() -> None:
    one = torch.tensor([[3.0, 1.0, 0.0, 0.0], [4.0, 0.0, 0.0, 0.0]], dtype=torch.float64)
    other = 5 * torch.tensor([[3.0, 0.0, 2.0, 0.0], [0.0, 4.0, 0.0, 0.0]], dtype=torch.float64)
    found = agreed_margins([one, other])
    spreads = one.std(1), other.std(1)
    # Of the class that both say, the smaller lead; of any other, all that is missing.
    assert torch.isclose(found[0, 0], torch.minimum(2 / spreads[0][0], 5 / spreads[1][0]))
    assert torch.isclose(found[0, 2], -(3 / spreads[0][0] + 5 / spreads[1][0]))
    assert torch.isclose(found[1, 0], -20 / spreads[1][1])
    assert (found > 0).sum() == 1


def test_one_model_agrees_with_itself() -> None:
    logits = torch.randn(5, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    labels = logits.argmax(1)
    lead = agreed_margins([logits]).gather(1, labels[:, None]).squeeze(1) * logits.std(1)
    torch.testing.assert_close(lead, margins(logits, labels), rtol=0, atol=VALUE[torch.float64])


class Alarmed(Detector):
    """Fitted by hand."""

    def fit(self, models: object, evidence: Evidence, labels: Tensor) -> FittedDetector:
        raise NotImplementedError


@dataclass(frozen=True)
class Silent(FittedDetector):
    """Never alarmed."""

    def scores(self, evidence: Evidence) -> Tensor:
        return torch.zeros(len(evidence.images), dtype=torch.float64)


@dataclass(frozen=True)
class Liar(FittedDetector):
    """Always alarmed, but not by its surrogate."""

    def scores(self, evidence: Evidence) -> Tensor:
        return torch.ones(len(evidence.images), dtype=torch.float64)

    def surrogate(self, evidence: Evidence) -> Tensor:
        return -evidence.images.flatten(1).sum(1)


def _evading(fitted: FittedDetector, detector: Detector, threshold: float, images: Tensor) -> Tensor:
    with torch.no_grad():
        evidence = evidence_of(MODELS, detector, images)
        return (evidence.logits[0].argmax(1) != LABELS) & (fitted.scores(evidence) <= threshold)


def test_who_compares_models_is_seen_from_its_slope() -> None:
    class Hidden(Alarmed):
        """Asks two models, and does not say so."""

    fitted = FittedDisagreement((1.0, 1.0))
    told = Adaptive(eps=EPS, steps=20).search(MODELS, Disagreement(), fitted, 0.0, IMAGES, LABELS, seed=1)
    evidence = Adaptive(eps=EPS, steps=20).search(MODELS, Hidden(), fitted, 0.0, IMAGES, LABELS, seed=1)
    assert torch.equal(told.images, evidence.images)
