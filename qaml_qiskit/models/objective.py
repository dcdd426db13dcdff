"""What a training makes small."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from pydantic import BaseModel, ConfigDict, JsonValue
from torch import Tensor, nn


class ObjectiveCard(BaseModel):
    """Which objective a model was trained with, as its card says it: plain values, readable without the objective."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: str
    settings: dict[str, JsonValue]


class Objective(BaseModel, ABC):
    """The loss of a step. Its fields are its settings; it holds no state, so a stopped training goes on bit for bit."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    #: As it is registered in :data:`qaml_qiskit.defences.DEFENCES`; where a class says none, its own name.
    name: ClassVar[str]
    #: Whether it changes images before the model sees them: then a training hands over images, never states that were
    #: prepared from them once for all epochs.
    changes_images: ClassVar[bool] = False

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        if not hasattr(cls, "name"):
            cls.name = cls.__name__

    @property
    def validated_images(self) -> str:
        """What :meth:`validated` gives, in words that follow "the validation images, "."""
        return "changed by the defence"

    @abstractmethod
    def loss(
        self, model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """The loss, differentiable, shape (), and the logits that the accuracy of training is counted from, (N, m).

        Args:
            model: in training mode.
            images: a batch, as the model takes them.
            labels: shape (N,).
            generator: of what the objective draws itself; it depends on the training's seed and the step alone, and
                so do torch's global random numbers, which dropout, attacks and noise layers draw from.
        """

    def validated(self, model: nn.Module, images: Tensor, labels: Tensor) -> Tensor | None:
        """The validation images by whose loss the best epoch is chosen, such as attacked ones; None for them as is.

        Args:
            model: as it is after an epoch, in evaluation mode.
            images: all validation images.
            labels: shape (N,).
        """
        return None

    def check(self, model: nn.Module) -> None:
        """Raise ConfigurationError where the model cannot be trained so."""

    def memory(self, model: nn.Module, batch: int) -> int:
        """Bytes that a step with so many images takes, beyond what the model takes for one without randomness."""
        return 0

    @property
    def card(self) -> ObjectiveCard:
        """The name and the settings."""
        return ObjectiveCard(name=self.name, settings=self.model_dump(mode="json"))


class Clean(Objective):
    """The cross-entropy of the images as they are."""

    name = "clean"

    def loss(
        self, model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Nothing is random."""
        logits = model(images)
        return nn.functional.cross_entropy(logits, labels), logits
