"""A trained model and labelled images, from the names that a user gives."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qaml_qiskit.artifacts.adversarial import Provenance, parse_provenance
from qaml_qiskit.datasets import check_images, load_dataset
from qaml_qiskit.deployments.references import model_path
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.formats import read_arrays
from qaml_qiskit.labels import check_labels
from qaml_qiskit.models import QVC, DataCard, StoredModel, load_model


def find_model(name: str) -> StoredModel:
    """A trained model from a run folder, a model file, or the name of a reference.

    Raises:
        InputError: as :func:`~qaml_qiskit.deployments.references.model_path`, or its files cannot be read.
    """
    return load_model(model_path(name))


def require_qvc(
    stored: StoredModel, what: str, *, got: str | None = None, remedy: str = "train one with `qaml train --model qvc`"
) -> QVC:
    """The model, which must be a QVC.

    Args:
        stored: the model.
        what: what cannot be done with another one, for the message.
        got: what was given instead; the model's kind if None.
        remedy: what to do otherwise, for the message.

    Raises:
        ConfigurationError: another kind of model.
    """
    if isinstance(stored.model, QVC):
        return stored.model
    raise ConfigurationError(what, got=got or f"a {stored.card.model.kind}", expected="a qvc", remedy=remedy)


def load_images(
    source: str, data: DataCard, data_dir: Path | None
) -> tuple[Tensor, NDArray[np.int64], NDArray[np.int64]]:
    """Images, labels and positions: the first N of the model's test set, or all of an .npz.

    Args:
        source: a number, or the path of an .npz with arrays ``images`` (N, C, H, W) in [0, 1] and ``labels`` (N,).
        data: what the model was trained for.
        data_dir: where the data sets are.

    Raises:
        InputError: too many images asked for, or a file that does not fit.
    """
    if source.isdecimal():
        count = int(source)
        test = load_dataset(data.dataset, data_dir=data_dir, classes=data.classes).test
        if not 1 <= count <= len(test):
            raise InputError(
                "cannot take the images",
                got=f"a request for {count}",
                expected=f"1 to {len(test)}, the size of the test set of {data.dataset} with these classes",
                remedy=f"give --images {len(test)} or fewer",
            )
        images, labels, indices = test.images[:count], test.labels[:count], np.arange(count)
    else:
        images, labels, indices = _read_npz(Path(source), data)
    return torch.from_numpy(images), labels, indices


def _read_npz(path: Path, data: DataCard) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Images, labels and positions from a user's file, or from adversarial images with their provenance."""
    arrays = read_arrays(
        path,
        ("images", "labels"),
        ("indices", "provenance"),
        source=f"images from {path}",
        expected="an .npz with plain arrays `images` (N, C, H, W) and `labels` (N,)",
        remedy="write it with numpy.savez(path, images=..., labels=...)",
    )
    checked = check_images(arrays["images"])
    labels = check_labels(arrays["labels"], len(checked), len(data.classes), source=str(path))
    if "provenance" not in arrays:
        return checked, labels, np.arange(len(labels))
    _check_data(path, parse_provenance(arrays["provenance"], path), data)
    indices = arrays.get("indices", np.arange(len(labels)))
    return checked, labels, indices.astype(np.int64)


def _check_data(path: Path, provenance: Provenance, data: DataCard) -> None:
    if (provenance.dataset, provenance.classes) != (data.dataset, data.classes):
        raise InputError(
            f"the images in {path} are not of the data that the model was trained for",
            got=f"{provenance.dataset}, classes {', '.join(map(str, provenance.classes))}",
            expected=f"{data.dataset}, classes {', '.join(map(str, data.classes))}",
            remedy="give images of the same data set and classes",
        )
