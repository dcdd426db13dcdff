"""How far the nearest image of another label is: exactly, where logits are quadratic forms of the image."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from qaml_qiskit.certificates import DecisionForms, certify_l2
from qaml_qiskit.deployments import Deployment
from qaml_qiskit.detection.detector import Detector, Evidence, FittedDetector


class Radius(Detector):
    """Minus the exact certified l2 radius of the image for the label that the classifier gives it, in pixel units.

    An attack that stops beyond the boundary leaves an image with a small radius. It is that of the classifier's forms
    under its condition, with endless shots and a noiseless encoding, whatever was measured.
    """

    name = "radius"

    def check(self, models: Sequence[Deployment]) -> None:
        """Refuse a classifier without quadratic forms."""
        super().check(models)
        models[0].check_forms()

    def fit(self, models: Sequence[Deployment], evidence: Evidence, labels: Tensor) -> FittedDetector:
        """Nothing is learned; the decisions between two classes are diagonalised once."""
        return FittedRadius(models[0].decisions())


@dataclass(frozen=True, eq=False)
class FittedRadius(FittedDetector):
    """The decisions of the classifier."""

    forms: DecisionForms

    def scores(self, evidence: Evidence) -> Tensor:
        """Shape (N,); where no image has another label, minus the distance of the black one, which has none."""
        pixels = evidence.images.double().flatten(1)
        radii: Tensor = _Radii.apply(pixels, self.forms)
        return -torch.minimum(radii, torch.linalg.vector_norm(pixels, dim=1))


class _Radii(torch.autograd.Function):
    """Radii of images, shape (N, d), and their slopes.

    The nearest image x* of another label lies on the boundary, along which it moves with the image, so by the envelope
    theorem the slope of r = ‖x − x*‖ is (x − x*)/r.
    """

    @staticmethod
    def forward(context: Any, images: Tensor, forms: DecisionForms) -> Tensor:
        pixels = images.detach().cpu().numpy()
        found = certify_l2(forms, pixels, forms.labels(pixels))
        boundary, radii = (torch.from_numpy(each).to(images) for each in (found.boundary, found.radius))
        lengths = torch.linalg.vector_norm(images - boundary, dim=1, keepdim=True)
        context.save_for_backward((images - boundary) / lengths.clamp(min=torch.finfo(lengths.dtype).tiny))
        return radii

    @staticmethod
    def backward(context: Any, slope: Tensor) -> tuple[Tensor, None]:
        (away,) = context.saved_tensors
        return slope[:, None] * away, None
