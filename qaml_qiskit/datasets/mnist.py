"""MNIST and Fashion-MNIST: 28×28 grey images in ten classes, four IDX files each.

LeCun, Cortes and Burges, "The MNIST database of handwritten digits" (1998); Xiao, Rasul and Vollgraf,
arXiv:1708.07747 (2017). Both have 60,000 training and 10,000 test images in a fixed, already shuffled order.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.datasets.idx import read_idx
from qaml_qiskit.datasets.images import from_bytes
from qaml_qiskit.datasets.spec import DatasetSpec, RawPart, RawSplit, SourceFile
from qaml_qiskit.errors import InputError

_SIDE = 28
_DIGITS = tuple(str(digit) for digit in range(10))
_GARMENTS = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

_MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
_FASHION_MIRRORS = (
    # No TLS at the authors' own host: the checksum is what vouches for the content, here as everywhere.
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
)


def _idx_file(stem: str, mirrors: tuple[str, ...], zipped_sha256: str, plain_sha256: str) -> SourceFile:
    name = f"{stem}.gz"
    return SourceFile(
        path=name,
        checksum=f"sha256:{zipped_sha256}",
        urls=tuple(mirror + name for mirror in mirrors),
        replaced_by=(SourceFile(stem, f"sha256:{plain_sha256}"),),
    )


def read_mnist(folder: Path) -> RawSplit:
    """Read MNIST from the folder that holds its four IDX files, gzipped or plain.

    Raises:
        InputError: a damaged file, images that are not 28×28, or labels that do not fit the images.
    """
    return RawSplit(_DIGITS, _read_part(folder, "train"), _read_part(folder, "t10k"))


def read_fashion_mnist(folder: Path) -> RawSplit:
    """Read Fashion-MNIST from the folder that holds its four IDX files, gzipped or plain.

    Raises:
        InputError: a damaged file, images that are not 28×28, or labels that do not fit the images.
    """
    return RawSplit(_GARMENTS, _read_part(folder, "train"), _read_part(folder, "t10k"))


def _read_part(folder: Path, prefix: str) -> RawPart:
    images_path = _zipped_or_plain(folder, f"{prefix}-images-idx3-ubyte")
    labels_path = _zipped_or_plain(folder, f"{prefix}-labels-idx1-ubyte")
    labels = read_idx(labels_path, axes=1)
    pixels = read_idx(images_path, axes=3)
    if pixels.shape[1:] != (_SIDE, _SIDE):
        raise InputError(
            f"cannot use {images_path}",
            got=f"images of {pixels.shape[1]}×{pixels.shape[2]} pixels",
            expected=f"{_SIDE}×{_SIDE}",
            remedy="replace it by the official file",
        )
    if len(labels) != len(pixels):
        raise InputError(
            f"cannot pair {labels_path} with {images_path.name}",
            got=f"{len(labels)} labels for {len(pixels)} images",
            expected="as many labels as images",
            remedy="take both files from the same part of the same data set",
        )
    outside = np.flatnonzero(labels >= len(_DIGITS))
    if outside.size:
        raise InputError(
            f"cannot use {labels_path}",
            got=f"label {labels[outside[0]]} at position {outside[0]}",
            expected=f"labels in 0..{len(_DIGITS) - 1}",
            remedy="replace it by the official file",
        )

    def read(positions: NDArray[np.intp]) -> NDArray[np.float32]:
        # The whole part in its own order is the usual wish, and then a copy of the bytes would be for nothing.
        everything = len(positions) == len(pixels) and bool((np.diff(positions) == 1).all())
        return from_bytes((pixels if everything else pixels[positions])[:, None])

    return RawPart(labels.astype(np.int64), read)


def _zipped_or_plain(folder: Path, stem: str) -> Path:
    zipped = folder / f"{stem}.gz"
    return zipped if zipped.exists() else folder / stem


MNIST = DatasetSpec(
    name="mnist",
    description="handwritten digits, 28×28 grey, ten classes, 60,000 + 10,000 images (12 MB)",
    homepage="http://yann.lecun.com/exdb/mnist/",
    class_names=_DIGITS,
    read=read_mnist,
    folder="mnist",
    files=(
        _idx_file(
            "train-images-idx3-ubyte",
            _MNIST_MIRRORS,
            "0b367032e93c5d0cea0925647cfdb18614af8ee15f83e6f2fc2ad904a6835971",
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        _idx_file(
            "train-labels-idx1-ubyte",
            _MNIST_MIRRORS,
            "1787548bbe0bff1ec2ecdc0ef292b02df999e2d1a6002d27500982c652b17203",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        _idx_file(
            "t10k-images-idx3-ubyte",
            _MNIST_MIRRORS,
            "1a1a05eab793c14bb050b398624a11b0ffd1a2953baed553b1b9bd079e2a20be",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        _idx_file(
            "t10k-labels-idx1-ubyte",
            _MNIST_MIRRORS,
            "b91679a0acfe4ba0e50a2437a903084cba1f5f92592b016a25a7dfd00455798b",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
)

FASHION_MNIST = DatasetSpec(
    name="fashion-mnist",
    description="photographs of garments, 28×28 grey, ten classes, 60,000 + 10,000 images (31 MB)",
    homepage="https://github.com/zalandoresearch/fashion-mnist",
    class_names=_GARMENTS,
    read=read_fashion_mnist,
    folder="fashion-mnist",
    files=(
        _idx_file(
            "train-images-idx3-ubyte",
            _FASHION_MIRRORS,
            "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        ),
        _idx_file(
            "train-labels-idx1-ubyte",
            _FASHION_MIRRORS,
            "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        ),
        _idx_file(
            "t10k-images-idx3-ubyte",
            _FASHION_MIRRORS,
            "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        ),
        _idx_file(
            "t10k-labels-idx1-ubyte",
            _FASHION_MIRRORS,
            "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
    ),
)
