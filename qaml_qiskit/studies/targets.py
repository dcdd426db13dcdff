"""What attacked images shall be named, and training sets that are made of such images alone.

The construction of Ilyas et al., Adversarial examples are not bugs, they are features (2019), section 3.2: every
training image is led by an attack to a label t and learned as t. A model that learned nothing else, and is right about
clean test images more often than by chance, found something in the perturbations that belongs to the classes.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.artifacts import AdversarialImages
from qaml_qiskit.datasets import Dataset
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.formats import npz

#: ``random``: any label, drawn evenly, the true one among them, so that it tells nothing of the image. ``next``: the
#: label behind the true one, so that whoever learns what is left of the image is wrong about clean ones.
TargetRule = Literal["random", "next"]


def target_labels(rule: TargetRule, labels: NDArray[np.integer], num_classes: int, seed: int) -> NDArray[np.int64]:
    """What each image shall be named, shape (N,).

    Args:
        rule: see :data:`TargetRule`.
        labels: true ones, shape (N,).
        num_classes: m.
        seed: of the draw.
    """
    if rule == "next":
        return (np.asarray(labels, dtype=np.int64) + 1) % num_classes
    return np.random.default_rng(seed).integers(num_classes, size=len(labels), dtype=np.int64)


def check_every_class(targets: NDArray[np.integer], labels: NDArray[np.integer]) -> None:
    """Refuse targets from which some classes of a test part cannot be learned.

    Args:
        targets: shape (N,).
        labels: of the test part.

    Raises:
        ConfigurationError: a class is the target of fewer than two images; one is set aside for validation.
    """
    for label in np.unique(labels):
        found = int((np.asarray(targets) == label).sum())
        if found < 2:
            raise ConfigurationError(
                "too few images are led to a class to learn it",
                got=f"{len(targets)} images, of which {found} have the target {label}",
                expected="at least two of every class",
                remedy="attack more images",
            )


def training_file(made: AdversarialImages, test: Dataset) -> bytes:
    """An .npz that ``qaml train --dataset`` reads: attacked images with their targets as labels, and clean test images.

    Args:
        made: with targets.
        test: as it is, with true labels.

    Raises:
        ConfigurationError: images that were attacked without targets, or a class that is no image's target.
    """
    if made.targets is None:
        raise ConfigurationError(
            "there is nothing to learn these images as",
            got="images that were attacked without targets",
            expected="a target an image",
            remedy="attack with targets",
        )
    check_every_class(made.targets, test.labels)
    return npz(train_images=made.images, train_labels=made.targets, test_images=test.images, test_labels=test.labels)
