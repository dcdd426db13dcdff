"""What every data set is to the rest of the package: images, labels and the names of the classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qaml_qiskit.datasets.arrays import class_labels, in_order, pixels_of
from qaml_qiskit.datasets.classes import Binarise
from qaml_qiskit.datasets.images import check_images
from qaml_qiskit.datasets.memory import Rows, prepared_arrays
from qaml_qiskit.datasets.pixels import size_of
from qaml_qiskit.datasets.preparation import DataPreparation
from qaml_qiskit.datasets.preparing import Asked, PreparedData
from qaml_qiskit.datasets.sources import DataSource
from qaml_qiskit.errors import InputError

#: Classes that are all named where a data set is printed.
_FEW = 10


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images with their labels.

    Args:
        name: the name under which the data set is known, such as ``"mnist"``.
        images: N×C×H×W in [0, 1]; kept as ``float32``.
        labels: N integers in 0..len(class_names)−1; kept as ``int64``.
        class_names: the name of each label.

    Raises:
        InputError: images or labels that cannot be used, or numbers of them that differ.
    """

    name: str
    images: NDArray[np.float32]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "class_names", tuple(self.class_names))
        object.__setattr__(self, "images", check_images(self.images))
        object.__setattr__(self, "labels", _checked_labels(self.labels, len(self.images), len(self.class_names)))

    def __repr__(self) -> str:
        shape = "×".join(map(str, self.image_shape))
        return f"Dataset({self.name!r}: {len(self):,} images of {shape}; {_told_classes(self.class_names)})"

    @classmethod
    def from_arrays(
        cls, images: ArrayLike, labels: ArrayLike, *, name: str = "arrays", class_names: Sequence[str] | None = None
    ) -> "Dataset":
        """Images and labels in any usual layout.

        Args:
            images: N×H×W, N×C×H×W or N×H×W×C, or N×D features; ``uint8``, or numbers in [0, 1].
            labels: N or N×1; integers or texts.
            name: how the data set is called.
            class_names: every label as a text, in the order that numbers them from 0; those that there are, in order
                of their value or by the alphabet, when left out.

        Raises:
            InputError: arrays that cannot be used, or a label without a name.
        """
        pixels = pixels_of(images, "the images")
        found = class_labels(labels, len(pixels), "the labels")
        names = in_order(found) if class_names is None else tuple(class_names)
        if strange := sorted(set(found.tolist()) - set(names)):
            raise InputError(
                "cannot use the labels",
                got=f"the label {strange[0]!r}",
                expected=f"one of {', '.join(names)}",
                remedy="name every class",
            )
        return cls(name, pixels, np.array([names.index(each) for each in found.tolist()], dtype=np.int64), names)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def num_classes(self) -> int:
        """How many classes there are, whether or not each of them has an image."""
        return len(self.class_names)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """C, H and W of every image."""
        _, channels, height, width = self.images.shape
        return channels, height, width

    def take(self, indices: Sequence[int] | NDArray[np.integer]) -> "Dataset":
        """Return the images at these indices, in this order, as a copy.

        Args:
            indices: integers in 0..N−1; repetitions are allowed, negative ones are not.

        Raises:
            InputError: no indices, indices that are not integers, or one outside 0..N−1.
        """
        chosen = np.asarray(indices)
        if chosen.ndim != 1 or chosen.size == 0 or chosen.dtype.kind not in "iu":
            raise InputError(
                f"cannot take images from {self.name!r}",
                got=f"indices of type {chosen.dtype} and shape {chosen.shape}",
                expected="a list of at least one integer",
                remedy="pass positions, for example numpy.flatnonzero(mask) for a mask",
            )
        outside = np.flatnonzero((chosen < 0) | (chosen >= len(self)))
        if outside.size:
            raise InputError(
                f"cannot take images from {self.name!r}",
                got=f"index {chosen[outside[0]]}",
                expected=f"indices in 0..{len(self) - 1}",
                remedy="ask for fewer images or count from 0",
            )
        return Dataset(self.name, self.images[chosen], self.labels[chosen], self.class_names)


@dataclass(frozen=True)
class Split:
    """A data set in its parts.

    Args:
        train: the images to fit on.
        test: the images to measure on; same shape and same classes.
        validation: the images to choose an epoch by, where the data have such a part.
        classes: the classes kept, in the order of the labels: by their numbers in a data set that is known by name, by
            their names elsewhere; as :func:`load_dataset` takes them. All labels when left out.
        source: what own data were read from.
        preparation: what was done to the data, with what was fitted to the training part.
        notes: what a user should know of how the data were read.
        loaded: the arguments of :func:`load_dataset`, where it gave these data.

    Raises:
        InputError: parts whose classes or image shapes differ.
    """

    train: Dataset
    test: Dataset
    validation: Dataset | None = None
    classes: tuple[int | str, ...] = ()
    source: DataSource | None = None
    preparation: DataPreparation | None = None
    notes: tuple[str, ...] = ()
    loaded: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of(cls, found: PreparedData, loaded: Mapping[str, Any] | None = None) -> "Split":
        """What was read and prepared."""
        parts = {part: Dataset(found.name, *arrays, found.class_names) for part, arrays in found.parts.items()}
        return cls(
            **parts,
            classes=found.classes,
            source=found.source,
            preparation=found.preparation,
            notes=found.notes,
            loaded=loaded,
        )

    def __repr__(self) -> str:
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        sizes = " + ".join(f"{len(part):,} {name}" for name, part in parts.items() if part is not None)
        shape = "×".join(map(str, self.train.image_shape))
        return f"Split({self.train.name!r}: {sizes} images of {shape}; {_told_classes(self.train.class_names)})"

    @classmethod
    def from_arrays(
        cls,
        images: Rows,
        labels: ArrayLike,
        test_images: Rows | None = None,
        test_labels: ArrayLike | None = None,
        validation_images: Rows | None = None,
        validation_labels: ArrayLike | None = None,
        *,
        name: str = "arrays",
        classes: Sequence[int | str] | None = None,
        resize: Sequence[int] | None = None,
        grey: bool = False,
        binarise: Binarise | None = None,
        pca: int | None = None,
        seed: int = 0,
    ) -> "Split":
        """Arrays or tables at hand as a data set, with the checks and steps of :func:`load_dataset`.

        Args:
            images: N×H×W, N×C×H×W or N×H×W×C, or N×D features; ``uint8``, or numbers in [0, 1]. Or a table of pandas,
                without its labels.
            labels: N or N×1; integers or texts.
            test_images: the test part; 30 per cent of each class, chosen by a hash, when left out.
            test_labels: its labels.
            validation_images: the validation part, if there is one.
            validation_labels: its labels.
            name: how the data set is called.
            classes: see :func:`load_dataset`, as for everything below.
            resize: height and width.
            grey: whether colours become grey.
            binarise: two groups of classes.
            pca: how many principal components.
            seed: of the choice of a test part.

        Raises:
            ConfigurationError: classes or steps that do not fit the data.
            InputError: arrays that cannot be used, or images without labels.
        """
        given = {
            "train": (images, labels),
            "test": (test_images, test_labels),
            "validation": (validation_images, validation_labels),
        }
        parts: dict[str, tuple[Rows, ArrayLike]] = {}
        for part, (rows, its_labels) in given.items():
            if (rows is None) != (its_labels is None) or (part == "train" and rows is None):
                raise InputError(
                    f"the {part} part is not complete",
                    got="nothing" if rows is its_labels else "images alone" if its_labels is None else "labels alone",
                    expected="images and labels",
                    remedy="give both, or leave both out",
                )
            if rows is not None and its_labels is not None:
                parts[part] = rows, its_labels
        return cls.of(prepared_arrays(name, parts, Asked(classes, binarise, size_of(resize), grey, pca), seed))

    def __post_init__(self) -> None:
        if not self.classes:
            object.__setattr__(self, "classes", tuple(range(self.train.num_classes)))
        train = (self.train.class_names, self.train.image_shape)
        for other in (self.test, self.validation):
            if other is not None and (other.class_names, other.image_shape) != train:
                raise InputError(
                    "cannot pair these training and test images",
                    got=f"classes and shapes {train} and {(other.class_names, other.image_shape)}",
                    expected="the same classes and the same image shape in both",
                    remedy="load both parts from the same data set with the same classes",
                )


def _told_classes(names: Sequence[str]) -> str:
    few = ", ".join(names) if len(names) <= _FEW else f"{names[0]}, {names[1]}, …, {names[-1]}"
    return f"{len(names)} classes: {few}"


def _checked_labels(labels: ArrayLike, count: int, num_classes: int) -> NDArray[np.int64]:
    array = np.asarray(labels)
    if array.shape != (count,) or array.dtype.kind not in "iu":
        raise InputError(
            "cannot use these labels",
            got=f"labels of type {array.dtype} and shape {array.shape} for {count} images",
            expected="one integer label an image",
            remedy="pair every image with one label",
        )
    outside = np.flatnonzero((array < 0) | (array >= num_classes))
    if outside.size:
        raise InputError(
            f"cannot use the label of image {outside[0]}",
            got=array[outside[0]],
            expected=f"a label in 0..{num_classes - 1}",
            remedy="number the classes from 0 and name every one of them",
        )
    return array.astype(np.int64, copy=False)
