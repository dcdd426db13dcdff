"""What every attack on images is: parameters that are checked, traits, and a way to build it on a model."""

import contextlib
import io
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from qaml_qiskit.attacks.traits import Traits
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.lazy import library
from qaml_qiskit.seeds import Seed

if TYPE_CHECKING:
    from torch import Tensor, nn

#: The library behind the attacks of the package; loaded when one is built.
torchattacks = library("torchattacks")

#: An attack ready to run: images (N, C, H, W) and labels (N,) to adversarial images.
Adversary = Callable[["Tensor", "Tensor"], "Tensor"]

Pixels = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]


class Attack(BaseModel, ABC):
    """An attack and its parameters. Unknown parameters are refused.

    A subclass adds parameters as fields, gives ``traits`` and ``name``, and builds the attack. It need not clip, seed
    or measure anything: :func:`~qaml_qiskit.attacks.run_attack` does.

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
    def build(self, model: "nn.Module", num_classes: int, run: int = 0) -> Adversary:
        """The attack on ``model``, which is frozen.

        What it draws from torch's global random numbers is seeded with ``seed + run`` by whoever runs it.

        Args:
            model: maps images (N, C, H, W) to logits (N, m).
            num_classes: m.
            run: its number, below ``runs()``.

        Raises:
            ConfigurationError: the attack is not defined for so few classes.
        """

    def build_targeted(self, model: "nn.Module", num_classes: int, run: int = 0) -> Adversary:
        """As :meth:`build`, of images and the labels that the model shall give them.

        An attack of torchattacks is told so; another one whose traits say ``targeted`` has this method of its own.

        Raises:
            ConfigurationError: it only leads away from labels, or is not defined for so few classes.
        """
        self.check_targeted()
        adversary = self.build(model, num_classes, run)
        with contextlib.redirect_stdout(io.StringIO()):
            # torchattacks prints its mode.
            adversary.set_mode_targeted_by_function(lambda images, labels: labels)  # type: ignore[attr-defined]
        return adversary

    def check_targeted(self) -> None:
        """Raise ConfigurationError unless the attack can be told what the model shall say."""
        if not self.traits.targeted:
            raise ConfigurationError(
                "this attack takes no targets",
                got=self.name,
                expected="an attack that can lead towards a label, such as pgd, bim, mim or fgsm",
                remedy="choose another attack, or leave out the targets",
            )

    def runs(self) -> int:
        """How many times the attack is run, of which the best result an image is kept."""
        return 1

    def variant(self, num_classes: int) -> str:
        """The name under which results with ``num_classes`` classes must be reported."""
        del num_classes
        return self.name

    @property
    def can_be_audited(self) -> bool:
        """Whether the audit takes this attack: one in l∞ that reads gradients, with a strength above 0."""
        return self.traits.norm == "linf" and self.traits.white_box and bool(self.budget)


class BoundedAttack(Attack):
    """An attack inside a ball that is known beforehand: in l∞, unless its traits say otherwise."""

    #: Largest change of a pixel.
    eps: Pixels = 0.1

    @property
    def budget(self) -> float:
        """The radius ``eps``."""
        return self.eps


class SteppingAttack(BoundedAttack):
    """An attack that goes step by step along the sign of a gradient."""

    steps: Count = 20
    #: In pixel units; by default 2.5·eps/steps, which can cross the ball and come back.
    step_size: Positive | None = None
    #: A step as a share of eps, where one is to fit all strengths of a grid.
    step_share: Annotated[Positive | None, Field(exclude_if=lambda share: share is None)] = None

    @property
    def alpha(self) -> float:
        """The step size that is used."""
        return self.step_size or (self.step_share or 2.5 / self.steps) * self.eps

    @model_validator(mode="after")
    def _one_step(self) -> Self:
        if self.step_size is not None and self.step_share is not None:
            raise ConfigurationError(
                "the length of a step is said twice",
                got=f"step_size={self.step_size:g} and step_share={self.step_share:g}",
                expected="a size in pixel units, or a share of eps",
                remedy="leave one of them out",
            )
        return self


class MinimalAttack(Attack):
    """An attack that looks for the nearest adversarial image in l2."""

    #: Largest length that counts as success; None counts every one.
    eps: Annotated[float, Field(ge=0)] | None = None

    @property
    def budget(self) -> float | None:
        """The length ``eps``."""
        return self.eps
