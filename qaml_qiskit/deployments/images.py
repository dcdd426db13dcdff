"""Labelled images for deployments: loaded, and checked against all that will read them."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qaml_qiskit.artifacts.adversarial import AdversarialImages, Provenance, parse_provenance
from qaml_qiskit.artifacts.fingerprints import digest
from qaml_qiskit.datasets import Dataset, check_images, load_dataset, load_rows, load_split, load_test, told_data
from qaml_qiskit.deployments import refusals
from qaml_qiskit.deployments.deployment import Deployment
from qaml_qiskit.errors import DataWarning, InputError
from qaml_qiskit.formats import Arrays, read_arrays
from qaml_qiskit.labels import check_labels
from qaml_qiskit.models import DataCard, check_batch, predict
from qaml_qiskit.models.store import UNNAMED_DATA

#: Rounding of a pixel's change in float32.
_ROUNDING = 1e-5
#: How likely it is, in any order, that a class is not among the first images, before a user is told.
_UNLIKELY = 0.01


@dataclass(frozen=True)
class Batch:
    """Clean images.

    Attributes:
        images: shape (N, C, H, W), in [0, 1].
        labels: shape (N,).
        indices: their positions in the test set or file, shape (N,).
        origin: the number of test images, or the file as it was given.
    """

    images: Tensor
    labels: NDArray[np.int64]
    indices: NDArray[np.int64]
    origin: str

    def first(self, count: int) -> "Batch":
        """Some of them."""
        return self.at(np.arange(min(count, len(self))))

    def at(self, rows: NDArray[np.integer]) -> "Batch":
        """Those in some places of this batch."""
        return Batch(self.images[rows], self.labels[rows], self.indices[rows], self.origin)

    def with_images(self, images: NDArray[np.float32]) -> "Batch":
        """The same labels and positions for other images of them, such as attacked ones, shape (N, C, H, W)."""
        return Batch(torch.from_numpy(images), self.labels, self.indices, self.origin)

    def __len__(self) -> int:
        return len(self.labels)


def load_batch(source: str, deployments: Sequence[Deployment], data_dir: Path | None, *, or_all: bool = False) -> Batch:
    """Images that every one of these deployments can read.

    Args:
        source: as for :func:`load_images`.
        deployments: at least one.
        data_dir: where the data sets are.
        or_all: take the whole test set where it has fewer images.

    Raises:
        ConfigurationError: the deployments were trained for different data.
        InputError: as :func:`load_images`; images of another shape, or one that a model cannot read.
    """
    check_alike(deployments)
    card = deployments[0].card
    images, labels, indices = load_images(source, card.data, data_dir, or_all=or_all, shape=card.model.image_shape)
    check_batch(images, card.model.image_shape)
    check_readable(deployments, images)
    return Batch(images, labels, indices, f"{len(labels)}" if source.isdecimal() else source)


def load_training(
    source: str, deployments: Sequence[Deployment], data_dir: Path | None, *, or_all: bool = False
) -> tuple[Batch, Dataset]:
    """The first N training images of the data that deployments were trained for, and the whole test part beside them.

    Args:
        source: N, as text.
        deployments: at least one.
        data_dir: where the data sets are.
        or_all: take the whole training part where it has fewer images.

    Raises:
        ConfigurationError: the deployments were trained for different data.
        InputError: a file, a model that does not know its data, or too many images asked for.
    """
    check_alike(deployments)
    data = deployments[0].card.data
    if not source.isdecimal() or data.dataset == UNNAMED_DATA:
        raise InputError(
            "cannot take training images",
            got=f"the file {source}" if not source.isdecimal() else "a model that does not know its data",
            expected="a number of images, and a model of a data set that is known or at a path",
            remedy="give --images N, or leave out --part",
        )
    split = load_split(data.dataset, data.classes, data.source, data.preparation, data_dir)
    images, labels, indices = _first(split.train, int(source), data.dataset, or_all=or_all, part="training")
    check_readable(deployments, images)
    return Batch(images, labels, indices, f"{len(labels)} of training"), split.test


def check_alike(deployments: Iterable[Deployment]) -> None:
    """Raise ConfigurationError unless all were trained for the same data, in images of the same shape."""
    first, *others = deployments
    for other in others:
        for what, mine, its in (
            ("the shape of the images", first.card.model.image_shape, other.card.model.image_shape),
            ("the data set", first.card.data.told, other.card.data.told),
            ("the classes", first.card.data.classes, other.card.data.classes),
            ("the preparation of the data", first.card.data.prepared, other.card.data.prepared),
        ):
            if mine != its:
                raise refusals.differ(first.name, other.name, what, f"{mine} and {its}")


def load_images(
    source: str,
    data: DataCard,
    data_dir: Path | None,
    *,
    or_all: bool = False,
    shape: tuple[int, int, int] | None = None,
) -> tuple[Tensor, NDArray[np.int64], NDArray[np.int64]]:
    """Images, labels and positions: the first N of the model's test set, or all of a file.

    Args:
        source: a number; or the path of an .npz with arrays ``images`` (N, C, H, W) in [0, 1] and ``labels`` (N,), such
            as the model takes them; or that of data as own data sets are, which are prepared as the training data were.
        data: what the model was trained for.
        data_dir: where the data sets are.
        or_all: take the whole test set where it has fewer images.
        shape: of the model's images, where there is a model.

    Raises:
        InputError: too many images asked for, or a file that does not fit.
    """
    if not source.isdecimal():
        images, labels, indices = _read_file(Path(source), data, shape)
        return torch.from_numpy(images), labels, indices
    if data.dataset == UNNAMED_DATA:
        raise InputError(
            "cannot take the images",
            got=f"a request for {source} of a model that does not know its data",
            expected="images with their labels",
            remedy="give them, or deploy what load_model or train give, which have a card",
        )
    test = load_test(data.dataset, data.classes, data.source, data.preparation, data_dir)
    return _first(test, int(source), data.dataset, or_all=or_all)


def load_images_of(
    source: str, dataset: str, how: Mapping[str, Any]
) -> tuple[Tensor, NDArray[np.int64], NDArray[np.int64]]:
    """As :func:`load_images`, of a data set before there is a model.

    Args:
        source: a number or a path.
        dataset: a name or a path.
        how: keywords of :func:`load_dataset`.
    """
    split = load_dataset(dataset, **how)
    if source.isdecimal():
        return _first(split.test, int(source), split.test.name)
    return load_images(source, DataCard.of(split), None, shape=split.test.image_shape)


def _first(
    test: Dataset, count: int, dataset: str, *, or_all: bool = False, part: str = "test"
) -> tuple[Tensor, NDArray[np.int64], NDArray[np.int64]]:
    count = min(count, len(test)) if or_all else count
    if not 1 <= count <= len(test):
        raise InputError(
            "cannot take the images",
            got=f"a request for {count}",
            expected=f"1 to {len(test)}, the size of the {part} set of {dataset} with these classes",
            remedy=f"give --images {len(test)} or fewer",
        )
    _tell_of_order(test.labels, count, test.class_names, part)
    return torch.from_numpy(test.images[:count]), test.labels[:count], np.arange(count)


def _tell_of_order(labels: NDArray[np.int64], count: int, class_names: Sequence[str], part: str) -> None:
    """Warn where the first images lack a class that as many in any order would hardly lack: data in order of class."""
    absent = np.setdiff1d(labels, labels[:count])
    if any((labels != label).mean() ** count < _UNLIKELY for label in absent.tolist()):
        there = ", ".join(class_names[label] for label in np.unique(labels[:count]).tolist())
        warnings.warn(
            f"The first {count} images of the {part} part are of the classes {there} alone, since it is in order of "
            f"class: figures of them say nothing of the others. --images {len(labels)} takes all.",
            DataWarning,
            stacklevel=2,
        )


def check_readable(deployments: Iterable[Deployment], images: Tensor) -> None:
    """Refuse a black image that one of the models cannot encode."""
    black = (images.flatten(1).amax(1) <= 0).nonzero().flatten().tolist()
    for deployment in deployments if black else ():
        try:
            predict(deployment.stored.model, images[black[:1]])
        except InputError as error:
            raise InputError(
                f"{deployment.name} cannot read image {black[0]}",
                got="pixels that are all zero",
                expected="at least one pixel above zero",
                remedy="leave the image out",
            ) from error


def _read_file(
    path: Path, data: DataCard, shape: tuple[int, int, int] | None
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Images, labels and positions from a user's file, or from adversarial images with their provenance."""
    if path.suffix.lower() == ".npz" or not path.exists():
        arrays = read_arrays(
            path,
            (),
            ("images", "labels", "indices", "provenance", "test_images", "train_images"),
            source=f"images from {path}",
            expected="an .npz with plain arrays `images` (N, C, H, W) and `labels` (N,)",
            remedy="write it with numpy.savez(path, images=..., labels=...)",
        )
        if not _is_raw(arrays, data, shape):
            return _as_they_are(path, arrays, data)
    rows, indices, notes = load_rows(path, data.classes, data.source, data.preparation)
    for note in notes:
        warnings.warn(note, DataWarning, stacklevel=2)
    return rows.images, rows.labels, indices


def _is_raw(arrays: Arrays, data: DataCard, shape: tuple[int, int, int] | None) -> bool:
    """Whether arrays are data before their preparation, and not images as the model takes them."""
    images = arrays.get("images")
    if images is None:
        return "test_images" in arrays or "train_images" in arrays
    if "provenance" in arrays:
        return False
    in_bytes = images.dtype == np.uint8 and images.size > 0 and images.max() > 1
    others = data.preparation is not None and images.shape[1:] != shape
    return bool(in_bytes or images.ndim == 3 or others)


def _as_they_are(
    path: Path, arrays: Arrays, data: DataCard
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    for name in ("images", "labels"):
        if name not in arrays:
            raise InputError(
                f"cannot read images from {path}",
                got=f"no array {name!r}",
                expected="an .npz with plain arrays `images` (N, C, H, W) and `labels` (N,)",
                remedy="write it with numpy.savez(path, images=..., labels=...)",
            )
    checked = check_images(arrays["images"])
    labels = check_labels(arrays["labels"], len(checked), len(data.classes), source=str(path))
    if "provenance" not in arrays:
        return checked, labels, np.arange(len(labels))
    check_data(str(path), parse_provenance(arrays["provenance"], path), data)
    indices = arrays.get("indices", np.arange(len(labels)))
    return checked, labels, indices.astype(np.int64)


def check_data(name: str, provenance: Provenance, data: DataCard) -> None:
    """Raise InputError where adversarial images are not of the data that a model was trained for."""
    if (provenance.dataset, provenance.classes, provenance.data) != (data.dataset, data.classes, data.fingerprint):
        raise InputError(
            f"the images in {name} are not of the data that the model was trained for",
            got=f"{told_data(provenance.dataset, provenance.data)}, classes {', '.join(map(str, provenance.classes))}",
            expected=f"{data.told}, classes {', '.join(map(str, data.classes))}",
            remedy="give images of the same data set and classes",
        )


def check_made_from(name: str, file: AdversarialImages, batch: Batch) -> None:
    """Raise InputError unless adversarial images belong to the clean ones, and keep the budget that they claim."""
    told, images = file.provenance, batch.images
    same = file.images.shape == tuple(images.shape) and told.images_digest == digest(images)
    if not same or (file.labels != batch.labels).any():
        raise InputError(
            f"the images in {name} were not made from these clean images",
            got=f"{len(file.images)} images made from {told.images}",
            expected=f"images made from the {len(images)} clean ones that are used here",
            remedy="give the same --images as when they were made",
        )
    change = (file.images - images.numpy()).reshape(len(images), -1)
    sizes = np.abs(change).max(1) if told.norm == "linf" else np.linalg.norm(change, axis=1)
    if told.eps is not None and sizes.max() > told.eps + _ROUNDING:
        raise InputError(
            f"the images in {name} do not keep their budget",
            got=f"a change of {sizes.max():.4g} in {told.norm}",
            expected=f"at most {told.eps:g}, as their provenance says",
            remedy="make the file again with `qaml attack`",
        )
