"""What an attack achieved, measured by us: bounds, balls, sizes and margins."""

import torch
from torch import Tensor, nn

from qaml_qiskit.attacks.traits import Norm
from qaml_qiskit.batches import check_said, image_batch
from qaml_qiskit.errors import InputError


def attackable(images: object) -> Tensor:
    """The images as a tensor of shape (N, C, H, W).

    Raises:
        InputError: no batch of floating-point images, or a pixel outside [0, 1].
    """
    images = image_batch(images)
    if images.is_inference():
        images = images.clone()
    if not bool(((images >= 0) & (images <= 1)).all()):
        raise InputError(
            "cannot attack the images",
            got=f"pixels from {images.min().item():g} to {images.max().item():g}",
            expected="pixels in [0, 1]",
            remedy="rescale the images",
        )
    return images


def clip_to_ball(adversarial: Tensor, images: Tensor, eps: float | None, norm: Norm) -> Tensor:
    """The images in the ball of radius ``eps`` around ``images`` and in [0, 1].

    Args:
        adversarial: shape (N, C, H, W).
        images: the centres, same shape, in [0, 1].
        eps: radius; None for no ball.
        norm: ``linf`` clips every pixel, ``l2`` shrinks the perturbation along its direction.
    """
    # Clipping to [0, 1] first never lengthens a perturbation, because the centre is inside.
    change = adversarial.clamp(0, 1) - images
    if eps is not None and norm == "linf":
        change = change.clamp(-eps, eps)
    elif eps is not None:
        length = torch.linalg.vector_norm(change.flatten(1), dim=1)
        shrinking = (eps / length.clamp(min=torch.finfo(length.dtype).tiny)).clamp(max=1)
        change = change * shrinking.reshape(-1, 1, 1, 1)
    return (images + change).clamp(0, 1)


def sizes(adversarial: Tensor, images: Tensor, norm: Norm) -> Tensor:
    """Size of each perturbation in ``norm``, shape (N,)."""
    change = (adversarial - images).flatten(1)
    return change.abs().amax(dim=1) if norm == "linf" else torch.linalg.vector_norm(change, dim=1)


def margins(logits: Tensor, labels: Tensor) -> Tensor:
    """Logit of the label minus the highest other one, shape (N,). NaN stays NaN."""
    own = logits.gather(1, labels[:, None]).squeeze(1)
    others = logits.scatter(1, labels[:, None], -torch.inf)
    return own - others.amax(dim=1)


def clean_logits(model: nn.Module, images: Tensor, batch_size: int) -> Tensor:
    """Logits of images as they are given, shape (N, m).

    Raises:
        InputError: a logit is NaN, so that the image has no label.
    """
    return check_said(predict_logits(model, images, batch_size))


def predict_logits(model: nn.Module, images: Tensor, batch_size: int) -> Tensor:
    """Logits of all images without gradients, shape (N, m)."""
    with torch.no_grad():
        return torch.cat([model(part) for part in images.split(batch_size)])
