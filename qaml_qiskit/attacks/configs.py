"""The registered attacks: one frozen configuration each, and how torchattacks is told."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from qaml_qiskit.attacks.traits import Traits
from qaml_qiskit.lazy import library
from qaml_qiskit.seeds import Seed

if TYPE_CHECKING:
    from torch import Tensor, nn

# Requests name attacks and check their parameters; torch is loaded when one is built.
torchattacks = library("torchattacks")

#: An attack ready to run: images (N, C, H, W) and labels (N,) to adversarial images.
Adversary = Callable[["Tensor", "Tensor"], "Tensor"]

Pixels = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]

#: How far inside [0, 1] Carlini and Wagner's attack starts.
_INSET = 1e-3


class Attack(BaseModel, ABC):
    """An attack and its parameters. Unknown parameters are refused.

    Attributes:
        name: in the registry.
        seed: of everything random in it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    traits: ClassVar[Traits]
    name: str
    seed: Seed = 0

    @property
    @abstractmethod
    def budget(self) -> float | None:
        """Largest perturbation that counts, in the norm of ``traits``; None for no bound."""

    @abstractmethod
    def build(self, model: "nn.Module", num_classes: int, seed: int | None = None) -> Adversary:
        """The attack on ``model``, which is frozen.

        Args:
            model: to attack.
            num_classes: m; matters for AutoAttack only.
            seed: overrides the attack's own.
        """

    def runs(self) -> int:
        """How many times the attack is run, of which the best result an image is kept."""
        return 1

    def build_run(self, model: "nn.Module", num_classes: int, run: int) -> Adversary:
        """The attack for its run number ``run``."""
        return self.build(model, num_classes, self.seed + run)

    def variant(self, num_classes: int) -> str:
        """The name under which results with ``num_classes`` classes must be reported."""
        del num_classes
        return self.name


class _Bounded(Attack):
    """An attack inside an l∞ ball."""

    #: Largest change of a pixel.
    eps: Pixels = 0.1

    @property
    def budget(self) -> float:
        """The radius ``eps``."""
        return self.eps


class _Stepping(_Bounded):
    """An attack that goes step by step along the sign of a gradient."""

    steps: Count = 20
    #: In pixel units; by default 2.5·eps/steps, which can cross the ball and come back.
    step_size: Positive | None = None

    @property
    def alpha(self) -> float:
        """The step size that is used."""
        return self.step_size or 2.5 * self.eps / self.steps


class FGSMConfig(_Bounded):
    """Fast gradient sign method: one step of length eps."""

    traits: ClassVar[Traits] = Traits("linf", True, "one-step", False, "Goodfellow et al., 1412.6572")
    name: Literal["fgsm"] = "fgsm"

    def build(self, model: "nn.Module", num_classes: int, seed: int | None = None) -> Adversary:
        """See :class:`Attack`."""
        return torchattacks.FGSM(model, eps=self.eps)


class PGDConfig(_Stepping):
    """Projected gradient descent from a random start.

    Attributes:
        restarts: independent random starts; for every image the best end is kept.
    """

    traits: ClassVar[Traits] = Traits("linf", True, "iterative", False, "Madry et al., 1706.06083")
    name: Literal["pgd"] = "pgd"
    restarts: Count = 1

    def runs(self) -> int:
        """One for every random start."""
        return self.restarts

    def build(self, model: "nn.Module", num_classes: int, seed: int | None = None) -> Adversary:
        """See :class:`Attack`."""
        return torchattacks.PGD(model, eps=self.eps, alpha=self.alpha, steps=self.steps)


class BIMConfig(_Stepping):
    """Basic iterative method: FGSM in small steps, without a random start."""

    traits: ClassVar[Traits] = Traits("linf", True, "iterative", False, "Kurakin et al., 1607.02533")
    name: Literal["bim"] = "bim"

    def build(self, model: "nn.Module", num_classes: int, seed: int | None = None) -> Adversary:
        """See :class:`Attack`."""
        return torchattacks.BIM(model, eps=self.eps, alpha=self.alpha, steps=self.steps)


class MIMConfig(_Stepping):
    """BIM with momentum (MI-FGSM), made for transfer.

    Attributes:
        decay: how much of the earlier gradients is kept.
    """

    traits: ClassVar[Traits] = Traits("linf", True, "iterative", False, "Dong et al., 1710.06081")
    name: Literal["mim"] = "mim"
    decay: Annotated[float, Field(ge=0)] = 1.0

    def build(self, model: "nn.Module", num_classes: int, seed: int | None = None) -> Adversary:
        """See :class:`Attack`."""
        return torchattacks.MIFGSM(model, eps=self.eps, alpha=self.alpha, steps=self.steps, decay=self.decay)


class _Minimal(Attack):
    """An attack that looks for the nearest adversarial image in l2."""

    #: Largest length that counts as success; None counts every one.
    eps: Annotated[float, Field(ge=0)] | None = None

    @property
    def budget(self) -> float | None:
        """The length ``eps``."""
        return self.eps


class CWConfig(_Minimal):
    """Carlini and Wagner's l2 attack.

    torchattacks does not search for the constant c; here it is run with each of ``constants`` and the shortest success
    of an image is kept.

    Attributes:
        constants: weights of the misclassification term.
        kappa: the lead that the wrong class must get.
        steps: of Adam, for each constant.
        learning_rate: of Adam, in the space of tanh.
    """

    traits: ClassVar[Traits] = Traits("l2", True, "iterative", True, "Carlini & Wagner, 1608.04644")
    name: Literal["cw"] = "cw"
    constants: Annotated[tuple[Positive, ...], Field(min_length=1)] = (0.1, 1.0, 10.0, 100.0)
    kappa: Annotated[float, Field(ge=0)] = 0.0
    steps: Count = 100
    learning_rate: Positive = 0.05

    def runs(self) -> int:
        """One for every constant."""
        return len(self.constants)

    def build(self, model: "nn.Module", num_classes: int, seed: int | None = None) -> Adversary:
        """See :class:`Attack`."""
        return self.build_run(model, num_classes, 0)

    def build_run(self, model: "nn.Module", num_classes: int, run: int) -> Adversary:
        """The attack with constant number ``run``."""
        from qaml_qiskit.attacks.victim import Lifted

        constant = self.constants[run]
        attack = torchattacks.CW(Lifted(model), c=constant, kappa=self.kappa, steps=self.steps, lr=self.learning_rate)
        # tanh cannot leave 0 and 1: torchattacks would never move a black or white pixel.
        return lambda images, labels: attack(images.clamp(_INSET, 1 - _INSET), labels)


class DeepFoolConfig(_Minimal):
    """Repeated linearisation towards the nearest boundary, one image at a time.

    Attributes:
        steps: at most.
        overshoot: relative, of every step; also of the whole change at the end, as in the paper. Without the latter the
            steps creep up to the boundary, and rounding decides on which side the image ends.
    """

    traits: ClassVar[Traits] = Traits("l2", True, "iterative", True, "Moosavi-Dezfooli et al., 1511.04599")
    name: Literal["deepfool"] = "deepfool"
    steps: Count = 50
    overshoot: Annotated[float, Field(ge=0)] = 0.02

    def build(self, model: "nn.Module", num_classes: int, seed: int | None = None) -> Adversary:
        """See :class:`Attack`."""
        attack = torchattacks.DeepFool(model, steps=self.steps, overshoot=self.overshoot)
        return lambda images, labels: images + (1 + self.overshoot) * (attack(images, labels) - images)


class SquareConfig(_Bounded):
    """Random search over squares: needs logits only.

    Attributes:
        queries: of the model an image, at most, for each restart.
        restarts: independent random starts.
        p_init: share of the pixels in the first squares.
    """

    traits: ClassVar[Traits] = Traits("linf", False, "gradient-free", False, "Andriushchenko et al., 1912.00049")
    name: Literal["square"] = "square"
    queries: Count = 1000
    restarts: Count = 1
    p_init: Annotated[float, Field(gt=0, le=1)] = 0.8

    def build(self, model: "nn.Module", num_classes: int, seed: int | None = None) -> Adversary:
        """See :class:`Attack`."""
        return torchattacks.Square(
            model,
            eps=self.eps,
            n_queries=self.queries,
            n_restarts=self.restarts,
            p_init=self.p_init,
            seed=self.seed if seed is None else seed,
        )


class APGDConfig(_Bounded):
    """PGD that chooses its step size itself.

    Attributes:
        loss: ``ce`` (cross-entropy) or ``dlr`` (difference of logits ratio; needs three classes).
        steps: gradient steps.
        restarts: independent random starts.
        draws: gradients averaged a step, for models that are random.
        rho: share of improving steps below which the step size is halved.
    """

    traits: ClassVar[Traits] = Traits("linf", True, "iterative", False, "Croce & Hein, 2003.01690")
    name: Literal["apgd"] = "apgd"
    loss: Literal["ce", "dlr"] = "ce"
    steps: Count = 50
    restarts: Count = 1
    draws: Count = 1
    rho: Annotated[float, Field(gt=0, lt=1)] = 0.75

    def build(self, model: "nn.Module", num_classes: int, seed: int | None = None) -> Adversary:
        """See :class:`Attack`."""
        return torchattacks.APGD(
            model,
            eps=self.eps,
            steps=self.steps,
            n_restarts=self.restarts,
            seed=self.seed if seed is None else seed,
            loss=self.loss,
            eot_iter=self.draws,
            rho=self.rho,
        )


class AutoAttackConfig(_Bounded):
    """APGD, FAB and Square one after the other, each on the images that the ones before did not fool.

    Attributes:
        steps: of APGD and FAB (100 in the paper; torchattacks would use 10).
        queries: of Square (5,000 in the paper).
    """

    traits: ClassVar[Traits] = Traits("linf", True, "ensemble", False, "Croce & Hein, 2003.01690")
    name: Literal["autoattack"] = "autoattack"
    steps: Count = 100
    queries: Count = 5000

    def variant(self, num_classes: int) -> str:
        """``autoattack``, or ``autoattack-binary`` and ``autoattack-ternary`` where its members must change."""
        return {2: "autoattack-binary", 3: "autoattack-ternary"}.get(num_classes, "autoattack")

    def build(self, model: "nn.Module", num_classes: int, seed: int | None = None) -> Adversary:
        """See :class:`Attack`."""
        from qaml_qiskit.attacks.ensemble import autoattack

        seed = self.seed if seed is None else seed
        return autoattack(model, self.eps, num_classes, self.steps, self.queries, seed)
