"""IDX files under the names that MNIST and its relatives have: images, and labels beside them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from qaml_qiskit.datasets.files.format import ALL, TEST, TRAIN, FileFormat, FilePart, TableOptions, cannot_read
from qaml_qiskit.datasets.idx import read_idx
from qaml_qiskit.datasets.images import from_bytes

_PREFIXES = {TRAIN: "train", TEST: "t10k"}
_IMAGES = ("images-idx3-ubyte", "images.idx3-ubyte")
_EXPECTED = "train-images-idx3-ubyte and train-labels-idx1-ubyte, perhaps t10k-… of both; plain or gzipped"


def read_pairs(path: Path, options: TableOptions) -> Mapping[str, FilePart]:
    """Read a pair of images and labels, or both pairs of a folder.

    Raises:
        InputError: a file is missing or damaged, or labels do not fit the images.
    """
    return {part: _part(*files) for part, files in _pairs(path).items()}


def _part(images_file: Path, labels_file: Path) -> FilePart:
    pixels, labels = read_idx(images_file, axes=3), read_idx(labels_file, axes=1)
    if len(pixels) != len(labels):
        raise cannot_read(
            labels_file, f"{len(labels)} labels for {len(pixels)} images", "one label an image", "replace the file"
        )
    return FilePart(labels.astype(np.str_), lambda positions: from_bytes(pixels[positions][:, None]))


def _pairs(path: Path) -> dict[str, tuple[Path, Path]]:
    if path.is_file():
        return {ALL: (path, _labels_of(path))}
    found = {part: _images_in(path, prefix) for part, prefix in _PREFIXES.items()}
    return {part: (images, _labels_of(images)) for part, images in found.items() if images is not None}


def _images_in(folder: Path, prefix: str) -> Path | None:
    names = [f"{prefix}-{images}{zipped}" for images in _IMAGES for zipped in ("", ".gz")]
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _labels_of(images: Path) -> Path:
    name = images.name.removesuffix(".gz").replace("images", "labels").replace("idx3", "idx1")
    for file in (images.with_name(name), images.with_name(f"{name}.gz")):
        if file.is_file():
            return file
    raise cannot_read(images.with_name(name), "No such file", _EXPECTED, "put the labels beside the images")


def _is_idx(path: Path) -> bool:
    if path.is_dir():
        return _images_in(path, _PREFIXES[TRAIN]) is not None
    return any(path.name.removesuffix(".gz").endswith(images) for images in _IMAGES)


IDX = FileFormat(
    "IDX files", _is_idx, read_pairs, lambda path: tuple(file for pair in _pairs(path).values() for file in pair)
)
