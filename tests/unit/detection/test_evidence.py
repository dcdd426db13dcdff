"""What modules say of images and their views, and detectors that are asked for by name."""

import pytest
import torch
from torch import Tensor, nn

from qaml_qiskit.detection import Detector, evidence_of, make_detector, make_detectors
from qaml_qiskit.detection.disagreement import Disagreement
from qaml_qiskit.errors import ConfigurationError


class Halved(Disagreement):
    """Asks about darker copies, too."""

    def views(self, images: Tensor) -> dict[str, Tensor]:
        return {"half": images / 2}


def test_modules_are_asked_about_images_and_views_with_slopes() -> None:
    images = torch.rand(3, 1, 2, 2, generator=torch.Generator().manual_seed(0), requires_grad=True)
    double, sums = nn.Flatten(), nn.Sequential(nn.Flatten(), nn.Linear(4, 4, bias=False))
    evidence = evidence_of([double, sums], Halved(), images)
    assert evidence.images is images
    assert torch.equal(evidence.logits[0], images.flatten(1))
    assert torch.equal(evidence.views["half"][0], images.flatten(1) / 2)
    assert torch.equal(evidence.views["half"][1], sums(images / 2))
    (slope,) = torch.autograd.grad(evidence.views["half"][0].sum(), images)
    assert torch.equal(slope, torch.full_like(images, 0.5))


def test_a_detector_without_views_asks_about_the_images_alone() -> None:
    detector: Detector = make_detector("disagreement")
    assert detector.prepared(torch.zeros(1, 1, 2, 2)) is detector
    assert evidence_of([nn.Flatten()], detector, torch.zeros(1, 1, 2, 2)).views == {}


def test_settings_of_detectors_are_checked() -> None:
    assert list(make_detectors(["disagreement", "divergence"])) == ["disagreement", "divergence"]
    with pytest.raises(ConfigurationError, match=r"there is no such detector: got 'disagree'; .*Perhaps disagreement"):
        make_detector("disagree")
    with pytest.raises(ConfigurationError, match="the detector divergence cannot have these parameters: got steps=3"):
        make_detector("divergence", steps=3)
    with pytest.raises(ConfigurationError, match="divergence has no such parameter"):
        make_detectors(["divergence"], ["divergence.steps=3"])
