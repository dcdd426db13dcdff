"""Setting a part of the training images aside."""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from qaml_qiskit.datasets.base import Dataset, Split
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.seeds import Seed


class HeldOut(BaseModel):
    """How a training chose its images and those that it set aside, so that the same can be found again.

    Whatever is fitted to a trained model's predictions, such as a temperature or a detector's threshold, is fitted to
    images that were set aside: neither learned from nor in the test part.

    Attributes:
        fraction: the share set aside of every class, where the data have no validation part of their own.
        seed: of the choice of these.
        train_images: how many training images were drawn before, of which the others are a part; None for all.
        train_seed: of that draw.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    fraction: Annotated[float, Field(gt=0, lt=1)]
    seed: Seed = 0
    train_images: Annotated[int, Field(ge=1)] | None = None
    train_seed: Seed = 0

    def parts(self, split: Split) -> tuple[Dataset, Dataset]:
        """What is learned from, and what is set aside.

        Raises:
            InputError: fewer training images than were drawn, or a class with a single one.
        """
        drawn = self._drawn(split.train)
        if split.validation is not None:
            return split.train.take(drawn), split.validation
        held_out = self.places(split.train)
        return split.train.take(np.setdiff1d(drawn, held_out)), split.train.take(held_out)

    def places(self, train: Dataset) -> NDArray[np.int64]:
        """Where in the whole training part the images are that were set aside, in ascending order.

        Raises:
            InputError: as :meth:`parts`.
        """
        drawn = self._drawn(train)
        found: NDArray[np.int64] = drawn[_held_out(train.take(drawn), self.fraction, self.seed)]
        return found

    def _drawn(self, train: Dataset) -> NDArray[np.int64]:
        count = len(train) if self.train_images is None else self.train_images
        if count > len(train):
            raise InputError(
                "not enough training images",
                got=f"a request for {count}",
                expected=f"at most {len(train)} in {train.name} with these classes",
                remedy="ask for fewer images",
            )
        if self.train_images is None:
            return np.arange(count)
        return np.sort(np.random.default_rng(self.train_seed).permutation(len(train))[:count])


def validation_split(train: Dataset, fraction: float, seed: int) -> tuple[Dataset, Dataset]:
    """Split training images in two, class by class.

    Of every class, ``fraction`` of its images, rounded, but at least one and never all of them, are drawn at random
    for validation. Both parts keep the order of ``train``.

    Args:
        train: the images to split.
        fraction: the share to set aside, strictly between 0 and 1.
        seed: of the draw; the same seed gives the same parts.

    Returns:
        What remains for training, and the validation images.

    Raises:
        ConfigurationError: a fraction outside (0, 1).
        InputError: a class with a single image, which cannot be in both parts.
    """
    if not 0 < fraction < 1:
        raise ConfigurationError(
            "cannot set validation images aside",
            got=f"fraction {fraction}",
            expected="a number strictly between 0 and 1",
            remedy="choose for example 0.1",
        )
    held_out = _held_out(train, fraction, seed)
    return train.take(np.flatnonzero(~held_out)), train.take(np.flatnonzero(held_out))


def _held_out(train: Dataset, fraction: float, seed: int) -> NDArray[np.bool_]:
    """Which images are set aside, shape (N,)."""
    generator = np.random.default_rng(seed)
    held_out = np.zeros(len(train), dtype=bool)
    for label in np.unique(train.labels):
        members = np.flatnonzero(train.labels == label)
        if len(members) < 2:
            raise InputError(
                "cannot set validation images aside",
                got=f"one image of class {train.class_names[label]!r}",
                expected="at least two images of every class",
                remedy="use more images or leave the class out",
            )
        count = min(max(round(fraction * len(members)), 1), len(members) - 1)
        held_out[generator.permutation(members)[:count]] = True
    return held_out
