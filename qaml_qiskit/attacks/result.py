"""What an attack did to each image."""

from dataclasses import dataclass

from torch import Tensor

from qaml_qiskit.attacks.traits import Norm


@dataclass(frozen=True)
class AttackResult:
    """Adversarial images and what they achieve, measured on the model after the attack.

    Attributes:
        attack: its reported name; for AutoAttack on few classes the name of the variant.
        norm: in which ``eps`` bounds the perturbations.
        eps: the budget; None for none.
        images: shape (N, C, H, W), in [0, 1] and within ``eps``. Where the attack found nothing better than the clean
            image, the clean image.
        clean_correct: which images the model got right, shape (N,).
        fooled: which of these it gets wrong now, shape (N,).
        linf: largest change of a pixel, shape (N,).
        l2: length of the change, shape (N,).
        distance: length at which a minimal attack first fooled the model, whatever the budget, shape (N,); infinite
            where it never did; None for other attacks.
        discarded: results that were not finite numbers, or that the model could not read.
        reached: which images the model names as their targets now, shape (N,); None without targets.
        evaluations: of the model, forward, for every attacked image on average.
    """

    attack: str
    norm: Norm
    eps: float | None
    images: Tensor
    clean_correct: Tensor
    fooled: Tensor
    linf: Tensor
    l2: Tensor
    distance: Tensor | None
    discarded: int
    evaluations: float
    reached: Tensor | None = None

    @property
    def clean_accuracy(self) -> float:
        """Share of images that the model gets right before the attack."""
        return float(self.clean_correct.double().mean())

    @property
    def robust(self) -> Tensor:
        """Which images the model gets right before and after the attack, shape (N,)."""
        return self.clean_correct & ~self.fooled

    @property
    def robust_accuracy(self) -> float:
        """Share of all images in ``robust``: an image that was wrong before counts as wrong."""
        return float(self.robust.double().mean())

    @property
    def success_rate(self) -> float | None:
        """Share of the images that were right before which are wrong now; None when none was right."""
        right = int(self.clean_correct.sum())
        return int(self.fooled.sum()) / right if right else None
