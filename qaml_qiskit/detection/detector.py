"""What a detector is: settings, what it learns from images that were set aside, and a score an image."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict
from torch import Tensor

from qaml_qiskit.deployments import Deployment
from qaml_qiskit.errors import ConfigurationError


@dataclass(frozen=True)
class Seen:
    """N images, and what every model says of them: exactly, under noise, or by the shots of a device.

    Attributes:
        images: shape (N, C, H, W).
        logits: of every model, each of shape (N, m); the first model is the classifier that is watched.
        views: the logits of every model for changed copies of the images, by the names that
            :meth:`Detector.views` gives them.
    """

    images: Tensor
    logits: tuple[Tensor, ...]
    views: Mapping[str, tuple[Tensor, ...]] = field(default_factory=dict)


class FittedDetector(ABC):
    """A detector that has learned what it needs; all of it are tensors, so that it can be differentiated."""

    @abstractmethod
    def scores(self, seen: Seen) -> Tensor:
        """A number an image, the higher the more suspicious, shape (N,), in double precision.

        Differentiable in what is seen, unless :meth:`surrogate` says otherwise.
        """

    def surrogate(self, seen: Seen) -> Tensor:
        """What an attacker who knows the detector makes small in place of scores without a slope, shape (N,)."""
        return self.scores(seen)


class Detector(BaseModel, ABC):
    """A way to tell images that the classifier should not be believed about. Its fields are its settings."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    #: As it is registered in :data:`qaml_qiskit.detection.DETECTORS`; where a class says none, its own name.
    name: ClassVar[str]
    #: How many models it asks, at least; the first of them is watched. One that asks one ignores the others.
    least_models: ClassVar[int] = 1
    #: Whether :meth:`fit` reads images that were set aside.
    learns: ClassVar[bool] = False
    #: A threshold that means something by itself, so that no image need set it; an alarm is a score above it.
    own_threshold: ClassVar[float | None] = None

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        if not hasattr(cls, "name"):
            cls.name = cls.__name__

    def check(self, models: Sequence[Deployment]) -> None:
        """Refuse models that it cannot watch.

        Raises:
            ConfigurationError: too few of them, or of another kind.
        """
        if len(models) < self.least_models:
            raise ConfigurationError(
                f"the detector {self.name} has too few models",
                got=f"{len(models)}: {', '.join(each.name for each in models)}",
                expected=f"at least {self.least_models} for the same data",
                remedy="add to --models, or choose a --detector that asks one model, such as confidence",
            )

    def prepared(self, images: Tensor) -> "Detector":
        """The detector with what its views need of clean images; itself where they need nothing.

        Called once, with the images that :meth:`fit` will see, before a model is asked about anything; what it gives
        makes all views, and is fitted.

        Args:
            images: shape (N, C, H, W), that no model learned from.
        """
        return self

    def views(self, images: Tensor) -> dict[str, Tensor]:
        """Changed copies of the images, shape (N, C, H, W) each, that the models are asked about, too, by name.

        Their slopes, where a change has none, are those that an attacker would put in its place (Athalye et al. 2018,
        1802.00420, section 4.1).
        """
        return {}

    @abstractmethod
    def fit(self, models: Sequence[Deployment], seen: Seen, labels: Tensor) -> FittedDetector:
        """Learn from clean images that no model learned from.

        Args:
            models: as they are asked; each has a temperature.
            seen: the images, and what the models say of them; of no image where the detector does not learn.
            labels: shape (N,).
        """
