"""The two attacks of the demo and the benchmarks: images in, images out."""

from typing import Annotated, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from qaml_qiskit.attacks.configs import FGSMConfig, PGDConfig
from qaml_qiskit.attacks.measure import attackable, clip_to_ball, predict_logits
from qaml_qiskit.attacks.randomness import RandomStream
from qaml_qiskit.attacks.victim import Victim
from qaml_qiskit.batches import label_batch
from qaml_qiskit.freezing import differentiable, frozen
from qaml_qiskit.seeds import Seed


class AttackConfig(BaseModel):
    """An attack and its strength. :func:`run_attack` with the registry's configurations offers more.

    Attributes:
        name: ``pgd`` (Madry et al., 1706.06083) or its one-step relative ``fgsm`` (Goodfellow et al., 1412.6572).
        eps: largest change of a pixel (l∞), in pixel units; images are in [0, 1].
        steps: gradient steps of PGD.
        step_size: of PGD, in pixel units; by default 2.5·eps/steps, which can cross the ball and come back.
        seed: of PGD's random start.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: Literal["pgd", "fgsm"] = "pgd"
    eps: Annotated[float, Field(ge=0, le=1)] = 0.1
    steps: Annotated[int, Field(ge=1)] = 20
    step_size: Annotated[float, Field(gt=0)] | None = None
    seed: Seed = 0

    def registered(self) -> FGSMConfig | PGDConfig:
        """The same attack in the registry."""
        if self.name == "fgsm":
            return FGSMConfig(eps=self.eps, seed=self.seed)
        return PGDConfig(eps=self.eps, steps=self.steps, step_size=self.step_size, seed=self.seed)


@differentiable()
def attack_images(
    model: nn.Module, images: Tensor, labels: Tensor, config: AttackConfig, batch_size: int = 250
) -> Tensor:
    """Adversarial versions of ``images`` that raise the loss of ``model``.

    Every image is attacked, and the attack's last iterate is returned whether or not it fools the model.

    Args:
        model: maps (N, C, H, W) in [0, 1] to logits. Attacked in evaluation mode; it comes back as it went in, modes,
            weights and buffers, bit for bit.
        images: shape (N, C, H, W), float, in [0, 1]; a tensor or an array. N may be 0.
        labels: true classes, shape (N,).
        config: the attack.
        batch_size: images attacked together; with the same batch size the same seed gives the same images.

    Returns:
        Shape (N, C, H, W), within ``eps`` of ``images`` and within [0, 1] whatever the library did.

    Raises:
        InputError: pixels outside [0, 1], labels that do not fit, or images that the model refuses.
    """
    images = attackable(images)
    labels = label_batch(labels, images)
    if config.eps == 0 or not len(images):
        return images.clone()
    with frozen(model), RandomStream(config.seed, images.device).entered():
        victim = Victim(model, images)
        num_classes = predict_logits(victim, images[:1], 1).shape[1]
        labels = label_batch(labels, images, num_classes)
        adversary = config.registered().build(victim, num_classes)
        parts = zip(images.split(batch_size), labels.split(batch_size), strict=True)
        batches = [adversary(part.float(), truth) for part, truth in parts]
    return clip_to_ball(torch.cat(batches).to(images), images, config.eps, "linf")
