"""A trained model and labelled images, from the names that a user gives."""

import zipfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qaml_qiskit.datasets import check_images, load_dataset
from qaml_qiskit.errors import InputError
from qaml_qiskit.models import DataCard, StoredModel, load_model
from qaml_qiskit.runs import RUNS_FOLDER


def find_model(name: str) -> StoredModel:
    """A trained model from a run folder, a model file, or the name of a reference in ``runs/reference``."""
    path, reference = Path(name), RUNS_FOLDER / "reference" / name
    if not path.exists() and reference.is_dir():
        path = reference
    if not path.exists():
        raise InputError(
            "there is no such model",
            got=repr(name),
            expected="a run folder, a model.safetensors, or the name of a reference in runs/reference",
            remedy="train one with `qaml train`",
        )
    return load_model(path)


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
                remedy="ask for another number",
            )
        images, labels = test.images[:count], test.labels[:count]
    else:
        images, labels = _read_npz(Path(source), len(data.classes))
    return torch.from_numpy(images), labels, np.arange(len(labels))


def _read_npz(path: Path, num_classes: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            images, labels = archive["images"], archive["labels"]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(
            f"cannot read images from {path}",
            got=getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__,
            expected="an .npz with plain arrays `images` (N, C, H, W) and `labels` (N,)",
            remedy="write it with numpy.savez(path, images=..., labels=...)",
        ) from error
    checked = check_images(images)
    fits = labels.shape == (len(checked),) and labels.dtype.kind in "iu"
    if not fits or labels.min() < 0 or labels.max() >= num_classes:
        raise InputError(
            f"the labels in {path} do not fit",
            got=f"{labels.dtype} of shape {labels.shape}" + (f", {labels.min()} to {labels.max()}" if fits else ""),
            expected=f"{len(checked)} integers from 0 to {num_classes - 1}",
            remedy="give every image the index of its class",
        )
    return checked, labels.astype(np.int64)
