"""Arrays of an .npz: the layout of MedMNIST, ``train_images``, ``train_labels``, …, or ``images`` and ``labels``."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.datasets.arrays import class_labels, pixels_of
from qaml_qiskit.datasets.files.format import (
    ALL,
    TEST,
    TRAIN,
    VALIDATION,
    FileFormat,
    FilePart,
    TableOptions,
    cannot_read,
)
from qaml_qiskit.formats import read_arrays
from qaml_qiskit.text import shortened

_PREFIXES = {TRAIN: "train_", VALIDATION: "val_", TEST: "test_", ALL: ""}
_EXPECTED = "an .npz with plain arrays `train_images`, `train_labels`, `test_images` and `test_labels` (and perhaps "
_EXPECTED += "`val_images` and `val_labels`), or `images` and `labels`"
_REMEDY = "write it with numpy.savez(path, images=..., labels=...)"


def read_npz(path: Path, options: TableOptions) -> Mapping[str, FilePart]:
    """Read all parts that the file has.

    Raises:
        InputError: a damaged file, pickled objects, missing arrays, or arrays that are no images with labels.
    """
    names = [prefix + kind for prefix in _PREFIXES.values() for kind in ("images", "labels")]
    arrays = read_arrays(path, (), names, source=f"the data in {path}", expected=_EXPECTED, remedy=_REMEDY)
    parts = {}
    for part, prefix in _PREFIXES.items():
        images, labels = (arrays.get(prefix + kind) for kind in ("images", "labels"))
        if (images is None) != (labels is None):
            missing = prefix + ("labels" if labels is None else "images")
            raise cannot_read(path, f"no array {missing!r}", _EXPECTED, "write images and labels of every part")
        if images is not None and labels is not None:
            parts[part] = _part(path, prefix, images, labels)
    if TRAIN not in parts and ALL not in parts:
        with np.load(path, allow_pickle=False) as archive:
            there = shortened(", ".join(map(repr, archive.files)) or "none", 200)
        raise cannot_read(path, f"the arrays {there}", _EXPECTED, _REMEDY)
    if ALL in parts and len(parts) > 1:
        others = " and ".join(f"`{_PREFIXES[part]}images`" for part in parts if part != ALL)
        raise cannot_read(path, f"`images` beside {others}", _EXPECTED, "write every image into one part")
    return parts


def _part(path: Path, prefix: str, images: NDArray[np.generic], labels: NDArray[np.generic]) -> FilePart:
    pixels = pixels_of(images, f"the array `{prefix}images` in {path}")
    names = class_labels(labels, len(pixels), f"the array `{prefix}labels` in {path}")
    return FilePart(names, lambda positions: pixels[positions])


NPZ = FileFormat("an .npz", lambda path: path.suffix.lower() == ".npz" and path.is_file(), read_npz)
