"""The nearest image of another label, as a training needs it: the exact one, or one from a few steps on the network."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from qaml_qiskit.certificates import DecisionForms, certify_l2, decompose, nearest_flips
from qaml_qiskit.defences.constant import constant_weights
from qaml_qiskit.models import QVC, QuadraticClassifier, form_matrices

#: Of an image's norm: the nearest image of a boundary is the foot of a perpendicular, so none is farther than the norm.
#: A step ends before, because the black image has no state.
_FARTHEST = 0.9
_TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Witnesses:
    """The nearest known images at which the label of N images changes; all constants.

    Attributes:
        points: on the boundary, shape (N, C, H, W); the image itself where no image has another label.
        distances: l2, in pixel units, shape (N,): the radius of an image that is classified rightly, infinite where no
            image has another label. Of the others minus the distance to the boundary.
        slopes: the length of the gradient of the margin at the points, in logits a pixel unit, shape (N,).
        opponents: the class on the other side, shape (N,); None for the one with the best logit there.
    """

    points: Tensor
    distances: Tensor
    slopes: Tensor
    opponents: Tensor | None = None

    def radii(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Signed radii with their gradient by the weights, shape (N,).

        With the margin g(x; θ), the label's logit less the best other, the radius is the least ‖x' − x‖ with
        g(x'; θ) = 0. The witness x* moves with θ, but along the boundary (∂‖x* − x‖ is normal to it), so
        dr/dθ = ∂θ g(x*; θ)/‖∂x g(x*; θ)‖, the envelope theorem. (Ding et al., 1812.02637, theorem 2.1, for networks,
        where x* is what an attack finds.) The same term corrects a point that is not quite on the boundary to first
        order.

        Args:
            logits: of the points, differentiable by the weights, shape (N, m).
            labels: shape (N,).
        """
        opponents = _best_other(logits.detach(), labels) if self.opponents is None else self.opponents
        return self.distances + _margins(logits, labels, opponents) / self.slopes

    def at(self, images: Tensor, distance: float) -> Tensor:
        """Images so far from the given ones on the way to another label; of misclassified ones farther into it.

        They are right exactly where the radius is larger, but for the curvature of the boundary.
        """
        ways = self.points - images
        share = distance * torch.sign(self.distances) / _lengths(ways)
        return images + share[:, None, None, None] * ways


def stepped_witnesses(model: nn.Module, images: Tensor, labels: Tensor, steps: int) -> Witnesses:
    """Witnesses from a few gradients of the network.

    Every step replaces the margin by its tangent at the current point and goes to the point of that tangent plane that
    is nearest to the *image* (Hasofer & Lind's search, see :func:`qaml_qiskit.certificates.l2_attack`), against the
    class that has the best logit there. So the distance is an upper bound of the radius, up to the step that is left.

    Args:
        model: a QVC or a quadratic classifier, in any mode.
        images: shape (N, C, H, W), none of them black.
        labels: shape (N,).
        steps: gradients, at least one.
    """
    farthest = _FARTHEST * torch.linalg.vector_norm(images.flatten(1), dim=1)
    points, reach, slopes = images, torch.zeros_like(farthest), torch.ones_like(farthest)
    for _ in range(steps):
        gap, gradients = _tangents(model, points, labels)
        slopes = _lengths(gradients)
        reach = (gap + (gradients * (images - points)).flatten(1).sum(1)) / slopes
        reach = reach.clamp(-farthest, farthest)
        points = images - (reach / slopes)[:, None, None, None] * gradients
    return Witnesses(points, reach, slopes)


def exact_witnesses(model: QVC | QuadraticClassifier, images: Tensor, labels: Tensor) -> Witnesses:
    """The nearest witnesses there are, from the spectra of all decisions: for small models, as :func:`certify_l2`.

    Args:
        model: whose logits are quadratic forms of the image.
        images: shape (N, C, H, W).
        labels: shape (N,).
    """
    forms = decompose(form_matrices(model))
    pixels, numbers = images.detach().flatten(1).double().cpu().numpy(), labels.cpu().numpy()
    found = certify_l2(forms, pixels, numbers)
    points, distances, opponents = found.boundary.copy(), found.distance.copy(), found.runner_up
    wrong = found.predicted != numbers
    points[wrong] = _nearest_right(forms, pixels[wrong], numbers[wrong], found.predicted[wrong])
    distances[wrong] = -np.linalg.norm(points[wrong] - pixels[wrong], axis=1)
    # Where no image has another label, any class can stand for the others.
    opponents = np.where(opponents < 0, (numbers == 0).astype(numbers.dtype), opponents)
    placed = torch.from_numpy(points).to(images).reshape(images.shape)
    rivals = torch.from_numpy(opponents).to(labels)
    _, gradients = _tangents(model, placed, labels, rivals)
    return Witnesses(placed, torch.from_numpy(distances).to(images), _lengths(gradients), rivals)


def _nearest_right(forms: DecisionForms, pixels: np.ndarray, labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """For misclassified images the nearest ones at which the label's form reaches that of the predicted class."""
    points = pixels.copy()
    for winner, label in np.unique(np.stack([predicted, labels], 1), axis=0):
        mine = (predicted == winner) & (labels == label)
        spectrum = forms.spectrum(int(winner), int(label))
        points[mine] = nearest_flips(spectrum.values, pixels[mine] @ spectrum.vectors).points @ spectrum.vectors.T
    return points


def _tangents(
    model: nn.Module, points: Tensor, labels: Tensor, opponents: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The margin over an opponent, the best other class if None, and its gradient by the images."""
    with torch.enable_grad(), constant_weights(model):
        points = points.detach().requires_grad_()
        logits = model(points)
        if opponents is None:
            opponents = _best_other(logits.detach(), labels)
        gap = _margins(logits, labels, opponents)
        (gradients,) = torch.autograd.grad(gap.sum(), points)
    return gap.detach(), gradients


def _lengths(vectors: Tensor) -> Tensor:
    """In l2, shape (N,), above zero."""
    return torch.linalg.vector_norm(vectors.flatten(1), dim=1).clamp(min=_TINY)


def _margins(logits: Tensor, labels: Tensor, opponents: Tensor) -> Tensor:
    """The label's logit less the opponent's, shape (N,)."""
    return (logits.gather(1, labels[:, None]) - logits.gather(1, opponents[:, None]))[:, 0]


def _best_other(logits: Tensor, labels: Tensor) -> Tensor:
    """The class with the best logit but for the label, shape (N,)."""
    return logits.scatter(1, labels[:, None], -torch.inf).argmax(1)
