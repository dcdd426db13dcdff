"""What makes honest probabilities of logits, as a value: fitted to images that were set aside, and kept as JSON."""

from abc import ABC, abstractmethod
from typing import Annotated, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from qaml_qiskit.confidence.probabilities import Floats
from qaml_qiskit.errors import InputError
from qaml_qiskit.labels import check_labels


class Recalibration(BaseModel, ABC):
    """A way from logits to probabilities that was fitted to images which the model did not learn from.

    Attributes:
        images: how many it was fitted to.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    #: Images for every class that it takes to fit it.
    least_images: ClassVar[int] = 0

    images: Annotated[int, Field(ge=1)]

    @abstractmethod
    def probabilities(self, logits: Floats) -> NDArray[np.float64]:
        """Shape (N, m), rows that add up to one, from logits of that shape."""

    @classmethod
    def fit(cls, logits: Floats, labels: NDArray[np.integer]) -> Self:
        """The one that suits these images best.

        Args:
            logits: shape (N, m), of images that the model did not learn from.
            labels: shape (N,).

        Raises:
            InputError: fewer images than it takes, logits that are not finite, or labels that are no classes.
        """
        values, classes = checked(logits, labels)
        cls.check_images(*values.shape)
        return cls._fitted(values, classes)

    @classmethod
    def check_images(cls, count: int, num_classes: int) -> None:
        """Refuse to fit it to too few images.

        Raises:
            InputError: fewer than it takes.
        """
        least = cls.least_images * num_classes
        if count < least:
            raise InputError(
                f"too few images to fit {cls.__name__.lower()}",
                got=f"{count} for {num_classes} classes",
                expected=f"at least {least}, {cls.least_images} a class",
                remedy="give more validation images, or fit a temperature",
            )

    @classmethod
    @abstractmethod
    def _fitted(cls, logits: NDArray[np.float64], labels: NDArray[np.int64]) -> Self:
        """:meth:`fit`, of what was checked."""


def checked(logits: Floats, labels: NDArray[np.integer]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Logits in double precision, and labels.

    Raises:
        InputError: no image, logits that are not finite, or labels that are no classes.
    """
    values = np.asarray(logits, dtype=np.float64)
    if values.ndim != 2 or not values.size or not np.isfinite(values).all():
        raise InputError(
            "nothing can be fitted to these logits",
            got=f"shape {values.shape}" + ("" if np.isfinite(values).all() else " with numbers that are not finite"),
            expected="finite logits of at least one image, shape (N, m)",
            remedy="give the logits of validation images",
        )
    return values, check_labels(labels, *values.shape)
