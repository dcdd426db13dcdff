"""Certified training: the exact l2 radius of every image is part of the loss."""

from typing import Annotated, ClassVar, Literal, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from qaml_qiskit.attacks.image.base import Positive
from qaml_qiskit.defences.adversarial import Share
from qaml_qiskit.defences.witnesses import Witnesses, exact_witnesses, stepped_witnesses
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.models import QVC, Objective, QuadraticClassifier, why_no_forms

#: Pixels up to which a step can afford the spectra of all decisions: those of eight qubits.
EXACT_PIXELS = 256
#: Validation images whose witnesses are sought together.
_AT_ONCE = 500


class CertifiedTraining(Objective):
    """(1 − w) times the cross-entropy plus w times how much of a target radius is missing, the mean of max(0, 1 − r/R).

    The logits of the model are quadratic forms of the image, so the l2 radius r, the distance of the nearest image of
    another label, is exact (:func:`qaml_qiskit.certificates.certify_l2`), and so is its gradient, see
    :meth:`Witnesses.radii`. A misclassified image counts with minus its distance from the boundary: the gradient is
    continued through it.

    Attributes:
        certified_radius: R, in pixel units. Larger than the distance that one wants to be safe at: an image that has
            reached R pulls no more.
        certified_weight: w.
        witness: ``exact``, or from a few ``steps`` on the network; None for exact up to 256 pixels, as eight qubits
            hold, and steps beyond.
        witness_steps: gradients that each takes, where it comes from steps.
        select_epoch: the best epoch is the one with the lowest loss of the validation images ``robust``, moved by R
            towards their witnesses, or ``clean``.
    """

    name: ClassVar[str] = "certified"
    changes_images: ClassVar[bool] = True

    certified_radius: Positive = 1.0
    certified_weight: Share = 0.8
    witness: Literal["exact", "steps"] | None = None
    witness_steps: Annotated[int, Field(ge=1)] = 1
    select_epoch: Literal["robust", "clean"] = "robust"

    def loss(
        self, model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """The logits are those of the clean images; nothing is random."""
        found = self.witnesses(model, images, labels)
        clean, boundary = model(torch.cat([images, found.points])).split(len(images))
        missing = (1 - found.radii(boundary, labels) / self.certified_radius).clamp(min=0).mean()
        entropy = nn.functional.cross_entropy(clean, labels)
        return (1 - self.certified_weight) * entropy + self.certified_weight * missing, clean

    def witnesses(self, model: nn.Module, images: Tensor, labels: Tensor) -> Witnesses:
        """The nearest known images of another label, exact or not as the settings say."""
        if self.witness == "exact" or (self.witness is None and images[0].numel() <= EXACT_PIXELS):
            return exact_witnesses(cast(QVC | QuadraticClassifier, model), images, labels)
        return stepped_witnesses(model, images, labels, self.witness_steps)

    @property
    def validated_images(self) -> str:
        """How far they are moved."""
        return f"moved by {self.certified_radius:g} (l2) towards the nearest image of another label"

    def validated(self, model: nn.Module, images: Tensor, labels: Tensor) -> Tensor | None:
        """The validation images, moved by R: those that keep their label are certified there, all but exactly."""
        if self.select_epoch == "clean":
            return None
        parts = zip(images.split(_AT_ONCE), labels.split(_AT_ONCE), strict=True)
        return torch.cat([self.witnesses(model, *part).at(part[0], self.certified_radius) for part in parts])

    def check(self, model: nn.Module) -> None:
        """Raise ConfigurationError for a model whose logits are no quadratic forms of the image, or are drawn."""
        reason = why_no_forms(model)
        if isinstance(model, QVC) and model.config.noise_layers is not None:
            reason = "a qvc with noise layers, whose logits are drawn anew in every step"
        if reason is not None:
            raise ConfigurationError(
                "this model cannot be trained for certified radii",
                got=reason,
                expected="a qvc with the multiplexed encoding and no noise layers, or a quadratic model",
                remedy="train one of these, or take another defence, such as adversarial",
            )
