"""Whether a model's gradient can be believed."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from qaml_qiskit.freezing import differentiable, frozen


@dataclass(frozen=True)
class Precision:
    """How finely a derivative can be checked in a number type.

    Attributes:
        dtype: of the model.
        step: of the central difference, length of the change of the image (l2).
        tolerance: largest difference that counts as agreement, relative to the largest derivative in question. In
            float32 a difference of losses is itself uncertain by some 1e-6/step.
    """

    dtype: torch.dtype
    step: float
    tolerance: float


_DOUBLE = Precision(torch.float64, 1e-5, 1e-3)
_SINGLE = Precision(torch.float32, 1e-2, 5e-2)
#: How far beside the images derivatives are compared, in pixel units.
_JITTER = 1e-3


@differentiable()
def loss_gradients(model: nn.Module, images: Tensor, labels: Tensor, batch_size: int) -> Tensor:
    """Gradient of each image's cross-entropy, shape (N, C, H, W)."""
    found = []
    for part, truth in zip(images.split(batch_size), labels.split(batch_size), strict=True):
        point = part.detach().clone().requires_grad_()
        loss = cross_entropy(model(point), truth, reduction="sum")
        # A model without any path of gradients (rounded logits, say) has gradient zero.
        slope = torch.autograd.grad(loss, point, allow_unused=True)[0] if loss.requires_grad else None
        found.append(torch.zeros_like(part) if slope is None else slope)
    return torch.cat(found)


def zero_gradients(model: nn.Module, images: Tensor, labels: Tensor, batch_size: int) -> Tensor:
    """Which images have a gradient that is zero everywhere or not finite, shape (N,)."""
    with frozen(model):
        slopes = loss_gradients(model, images, labels, batch_size).flatten(1)
    return (slopes.abs().amax(dim=1) == 0) | ~torch.isfinite(slopes).all(dim=1)


def difference_errors(
    model: nn.Module, images: Tensor, labels: Tensor, *, seed: int, batch_size: int
) -> tuple[Tensor, Precision]:
    """How far derivatives by backpropagation are from central differences.

    For every image along the gradient and two random directions; the error is relative to the largest of the
    derivatives and of the gradient's length.

    Args:
        model: copied; the copy computes in float64 where the model lets itself be cast.
        images: shape (N, C, H, W), where to compare.
        labels: shape (N,).
        seed: of the directions.
        batch_size: images at a time.

    Returns:
        Largest relative error of every image, shape (N,), and the precision of the comparison.
    """
    fine, precision = _finest(model, images)
    generator = torch.Generator().manual_seed(seed)
    # Beside the images: pixels of equal value tie in a max-pooling, where there is no derivative to compare with.
    points = images.to(precision.dtype)
    points = points + _JITTER * torch.rand(points.shape, generator=generator).to(points)
    with frozen(fine):
        slopes = loss_gradients(fine, points, labels, batch_size)
        randoms = [torch.randn(points.shape, generator=generator).to(points) for _ in range(2)]
        lengths = torch.linalg.vector_norm(slopes.flatten(1), dim=1)
        errors, sizes = [], [lengths]
        for direction in (slopes, *randoms):
            unit = torch.nn.functional.normalize(direction.flatten(1), dim=1).reshape(points.shape)
            above = _losses(fine, points + precision.step * unit, labels, batch_size)
            below = _losses(fine, points - precision.step * unit, labels, batch_size)
            difference = (above - below) / (2 * precision.step)
            errors.append((difference - (slopes * unit).flatten(1).sum(dim=1)).abs())
            sizes.append(difference.abs())
    largest = torch.stack(sizes).amax(dim=0)
    # Derivatives below what the losses resolve are zero, on both sides.
    resolved = torch.finfo(precision.dtype).eps * 1e3 / precision.step
    return torch.stack(errors).amax(dim=0) / largest.clamp(min=resolved), precision


def _losses(model: nn.Module, images: Tensor, labels: Tensor, batch_size: int) -> Tensor:
    with torch.no_grad():
        parts = zip(images.split(batch_size), labels.split(batch_size), strict=True)
        return torch.cat([cross_entropy(model(part), truth, reduction="none") for part, truth in parts])


def _finest(model: nn.Module, images: Tensor) -> tuple[nn.Module, Precision]:
    """A copy in float64 if the model then really computes in it, else the model itself in float32."""
    try:
        double = copy.deepcopy(model).double().eval()
        with torch.no_grad():
            if double(images[:1].double()).dtype == torch.float64:
                return double, _DOUBLE
    except (RuntimeError, TypeError):
        # Constants that stay float32 cannot be multiplied with float64 tensors; some modules cannot be copied.
        pass
    return model, _SINGLE
