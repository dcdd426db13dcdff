"""Setting a part of the training images aside."""

import numpy as np

from qaml_qiskit.datasets.base import Dataset
from qaml_qiskit.errors import ConfigurationError, InputError


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
    return train.take(np.flatnonzero(~held_out)), train.take(np.flatnonzero(held_out))
