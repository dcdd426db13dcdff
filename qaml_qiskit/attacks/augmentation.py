"""Where an attacker who sees nothing but labels asks next."""

import torch
from torch import Tensor, nn


def jacobian_augmented(model: nn.Module, images: Tensor, labels: Tensor, step: float) -> Tensor:
    """New images x + λ·sgn(∂F_y/∂x), along which a substitute's answer F changes fastest.

    Papernot et al., 1602.02697, algorithm 1: F is the substitute's softmax, y the label that the victim gave the image,
    λ the step.

    Args:
        model: the substitute, images (N, C, H, W) to logits (N, m), in evaluation mode.
        images: in [0, 1].
        labels: the victim's, shape (N,).
        step: λ, in pixel units.

    Returns:
        As many images, clipped to [0, 1].
    """
    asked = images.detach().requires_grad_()
    # The sign for F is that for log F, which does not vanish in double precision where the substitute is sure.
    answered = model(asked).double().log_softmax(1).gather(1, labels[:, None])
    (gradient,) = torch.autograd.grad(answered.sum(), asked)
    return (images + step * gradient.sign()).clamp(0, 1).detach()
