"""Gradient attacks of torchattacks on any torch module, re-clipped and bounded by us."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

import torch
import torchattacks
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from qaml_qiskit.errors import InputError


class AttackConfig(BaseModel):
    """An attack and its strength.

    Attributes:
        name: ``pgd`` (Madry et al., 1706.06083) or its one-step relative ``fgsm`` (Goodfellow et al., 1412.6572).
        eps: largest change of a pixel (l∞), in pixel units; images are in [0, 1].
        steps: gradient steps of PGD.
        step_size: of PGD, in pixel units; by default 2.5·eps/steps, which can cross the ball and come back.
        seed: of PGD's random start.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Literal["pgd", "fgsm"] = "pgd"
    eps: Annotated[float, Field(ge=0, le=1)] = 0.1
    steps: Annotated[int, Field(ge=1)] = 20
    step_size: Annotated[float, Field(gt=0)] | None = None
    seed: int = 0

    def build(self, model: nn.Module) -> torchattacks.attack.Attack:
        """The torchattacks object."""
        if self.name == "fgsm":
            return torchattacks.FGSM(model, eps=self.eps)
        step_size = self.step_size or 2.5 * self.eps / self.steps
        return torchattacks.PGD(model, eps=self.eps, alpha=step_size, steps=self.steps)


def attack_images(
    model: nn.Module, images: Tensor, labels: Tensor, config: AttackConfig, batch_size: int = 250
) -> Tensor:
    """Adversarial versions of ``images`` that raise the loss of ``model``.

    Args:
        model: maps (N, C, H, W) in [0, 1] to logits; its parameters are frozen meanwhile and come back as they were.
        images: shape (N, C, H, W), float, in [0, 1].
        labels: true classes, shape (N,).
        config: the attack.
        batch_size: images attacked together; with the same batch size the same seed gives the same images.

    Returns:
        Shape (N, C, H, W), within ``eps`` of ``images`` and within [0, 1] whatever the library did.

    Raises:
        InputError: pixels outside [0, 1].
    """
    if not bool(((images >= 0) & (images <= 1)).all()):
        raise InputError(
            "cannot attack the images",
            got=f"pixels from {images.min().item():g} to {images.max().item():g}",
            expected="pixels in [0, 1]",
            remedy="rescale the images",
        )
    if config.eps == 0:
        return images.clone()
    with frozen(model), torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        adversary = config.build(model)
        batches = [
            adversary(images[i : i + batch_size], labels[i : i + batch_size]) for i in range(0, len(images), batch_size)
        ]
    adversarial = torch.cat(batches).to(images)
    return (images + (adversarial - images).clamp(-config.eps, config.eps)).clamp(0, 1)


@contextmanager
def frozen(model: nn.Module) -> Iterator[None]:
    """Make a model constant: evaluation mode, no parameter requires a gradient; both come back afterwards."""
    training = model.training
    required = [parameter.requires_grad for parameter in model.parameters()]
    model.eval().requires_grad_(False)
    try:
        yield
    finally:
        model.train(training)
        for parameter, flag in zip(model.parameters(), required, strict=True):
            parameter.requires_grad_(flag)
