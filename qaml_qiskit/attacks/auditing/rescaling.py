"""Whether a defence does no more than to rescale all logits: then every decision, and all robustness, is the same."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from qaml_qiskit.attacks.measure import predict_logits
from qaml_qiskit.freezing import frozen

#: Relative residuals below which logits that were computed in single precision, and forms in double, are rescaled.
_MERE_LOGITS, _MERE_FORMS = 1e-4, 1e-6
#: Below which they nearly are.
_NEARLY = 0.05


@dataclass(frozen=True)
class Rescaling:
    """How far defended logits are from a·(undefended logits) + b(x)·1 with one scale a for all images.

    Where they are just that and a > 0, both models decide alike about every image, so the defence gains nothing against
    anybody. An offset b(x) that all classes share decides nothing.

    Attributes:
        scale: a, by least squares over the points.
        residual: what is left of the centred defended logits, relative to them.
        agreement: share of the points that both decide alike.
        points: how many there were.
        forms_residual: of the quadratic forms behind the logits, which speak of all images there are; None where the
            logits are something else.
    """

    scale: float
    residual: float
    agreement: float
    points: int
    forms_residual: float | None = None

    @property
    def is_mere(self) -> bool:
        """Whether it is a rescaling and nothing else."""
        whole = self.forms_residual is None or self.forms_residual <= _MERE_FORMS
        return self.scale > 0 and self.residual <= _MERE_LOGITS and whole

    @property
    def is_proven(self) -> bool:
        """Whether :attr:`is_mere` holds for all images, and not for the points alone."""
        return self.is_mere and self.forms_residual is not None

    @property
    def is_near(self) -> bool:
        """Whether it is a rescaling up to some per cent."""
        return self.scale > 0 and self.residual <= _NEARLY

    @property
    def told(self) -> str:
        """What was found, in a sentence."""
        if self.is_proven:
            return f"mere rescaling: a = {self.scale:.6g} for all images, by the quadratic forms of both models"
        if self.is_mere:
            return f"mere rescaling: a = {self.scale:.6g} at all {self.points} points that were compared"
        told = (
            f"a = {self.scale:.4g} leaves {self.residual:.2%} of the logits, {self.agreement:.1%} of the points agree"
        )
        return f"nearly a rescaling: {told}" if self.is_near else f"no rescaling: {told}"


def rescaling(
    defended: nn.Module,
    twin: nn.Module,
    points: Tensor,
    forms: tuple[Tensor, Tensor] | None = None,
    batch_size: int = 250,
) -> Rescaling:
    """Compare the logits of a defended model with those of its undefended twin.

    Args:
        defended: not random.
        twin: the same without the defence.
        points: images to compare at, shape (N, C, H, W): with few, only these are spoken of.
        forms: M_k of the logits xᵀM_k x/xᵀx of both, shape (m, d, d) each, up to a common factor of each model's; None
            where the logits of one are something else.
        batch_size: images at a time.
    """
    with frozen(defended), frozen(twin):
        with_it, without = (predict_logits(model, points, batch_size).double().cpu() for model in (defended, twin))
    scale, residual = _fitted(*map(_centred, (with_it, without)))
    agreement = float((with_it.argmax(dim=1) == without.argmax(dim=1)).double().mean())
    whole = None if forms is None else _fitted(*(_centred(_symmetric(each.double()), 0) for each in forms))[1]
    return Rescaling(scale, residual, agreement, len(points), whole)


def comparison_points(images: Tensor, eps: float, seed: int) -> Tensor:
    """The images, corners of their balls, and as many images of random pixels; shape (3N, C, H, W)."""
    generator = torch.Generator().manual_seed(seed)
    signs = 2.0 * torch.randint(0, 2, images.shape, generator=generator) - 1
    anywhere = torch.rand(images.shape, generator=generator)
    corners = (images + eps * signs.to(images)).clamp(0, 1)
    parts: Sequence[Tensor] = (images, corners, anywhere.to(images))
    points = torch.cat([*parts])
    return points[points.flatten(1).amax(dim=1) > 0]


def _centred(values: Tensor, classes: int = 1) -> Tensor:
    """Without what all classes share."""
    return values - values.mean(dim=classes, keepdim=True)


def _symmetric(matrices: Tensor) -> Tensor:
    return (matrices + matrices.transpose(1, 2)) / 2


def _fitted(values: Tensor, reference: Tensor) -> tuple[float, float]:
    """The scale a of the reference that is nearest to the values, and the relative distance that is left."""
    size, norm = float(values.norm()), float((reference * reference).sum())
    scale = float((values * reference).sum()) / norm if norm else 0.0
    return scale, float((values - scale * reference).norm()) / size if size else float(norm > 0)
