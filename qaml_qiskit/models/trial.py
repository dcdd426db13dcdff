"""What a network shows of itself on a few images, before anything is computed with it."""

import torch
from torch import Tensor

from qaml_qiskit.attacks.randomness import RandomStream
from qaml_qiskit.errors import InputError
from qaml_qiskit.freezing import differentiable, frozen
from qaml_qiskit.models.user_network import UserNetwork
from qaml_qiskit.text import printable

#: Images that a network is tried with, drawn evenly from all pixels.
_IMAGES = 3


def tried(model: UserNetwork) -> tuple[str, tuple[str, ...]]:
    """Ask a network about random images. Torch's random numbers are given back.

    Returns:
        Why it has no gradients, empty where it has; and what is odd about its answers, in sentences.

    Raises:
        InputError: it does not take images of this shape, or gives no logits.
    """
    shape = (_IMAGES, *model.config.image_shape)
    images = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    place = model.place
    with RandomStream(0, images.device if place is None else place.device).entered(), frozen(model):
        with torch.no_grad():
            together, again = model(images), model(images)
            alone = torch.cat([model(image[None]) for image in images])
        if together.isnan().any(1).all():
            raise InputError(
                f"{model.name} gives no logits",
                got=f"NaN for all of {_IMAGES} random images",
                expected="numbers for images in [0, 1]",
                remedy="check its weights and how it normalises images",
            )
        return _without_gradients(model, images[:1]), tuple(_oddities(model.name, together, again, alone))


@differentiable()
def _without_gradients(model: UserNetwork, image: Tensor) -> str:
    """Why there is no gradient with respect to the image; empty where there is one."""
    point = image.clone().requires_grad_()
    try:
        logits = model(point)
        slope = torch.autograd.grad(logits.sum(), point, allow_unused=True)[0] if logits.requires_grad else None
    except RuntimeError as error:
        return f"a network that torch cannot differentiate: {printable(str(error))}"
    return "" if slope is not None else "logits that are cut off from the image, as by detach, no_grad or numpy"


def _oddities(name: str, together: Tensor, again: Tensor, alone: Tensor) -> list[str]:
    """Sentences about answers that differ where they should not."""
    if (change := _difference(together, again)) > _rounding(together):
        return [
            f"{name} is random: asked twice about the same image, it gave logits that differ by {change:.2g}. Its "
            "figures are those of single draws: let its dropout depend on self.training, or wrap it in "
            "qaml_qiskit.attacks.ExpectedLogits."
        ]
    if (change := _difference(together, alone)) > _rounding(together):
        return [
            f"{name} depends on which images it is asked about together: its logits differ by {change:.2g}, as with "
            "batch normalisation in training mode. Build or export it in evaluation mode."
        ]
    return []


def _difference(first: Tensor, second: Tensor) -> float:
    return float((first - second).nan_to_num().abs().max())


def _rounding(logits: Tensor) -> float:
    """What logits may differ by when the same sum is computed in another order: also in half precision."""
    return 0.02 * max(1e-6, float(logits.nan_to_num().abs().max()))
