"""Folders of images: a sub-folder a class, perhaps below folders ``train``, ``val`` and ``test``. Read by Pillow."""

import re
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

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
from qaml_qiskit.datasets.images import from_bytes
from qaml_qiskit.formats import said

if TYPE_CHECKING:
    from PIL.Image import Image

_PARTS = {
    TRAIN: re.compile("train(ing)?", re.IGNORECASE),
    VALIDATION: re.compile("val(id(ation)?)?", re.IGNORECASE),
    TEST: re.compile("test(ing)?", re.IGNORECASE),
}
_ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm", ".pnm"}
#: Pillow's modes without colour; 16-bit ones are the second.
_GREY, _DEEP = ("1", "L", "LA"), ("I", "I;16", "I;16B", "I;16L")
_DEEPEST = 65535
_MEASURED = "F"


def read_folder(path: Path, options: TableOptions) -> Mapping[str, FilePart]:
    """Find all images, look at their heads, and read each when it is wanted.

    Images are grey where all of them are, and in colour otherwise; transparency is dropped.

    Raises:
        InputError: a class without images, or a file that is no image; it is named.
    """
    found = {part: _by_class(folder) for part, folder in _parts(path).items()}
    modes = {_mode(file) for classes in found.values() for files in classes.values() for file in files}
    colour = not modes <= {*_GREY, *_DEEP}
    return {part: _part(classes, colour=colour) for part, classes in found.items()}


def image_files(path: Path) -> tuple[Path, ...]:
    """Every image that is read."""
    return tuple(file for folder in _parts(path).values() for files in _by_class(folder).values() for file in files)


def _parts(path: Path) -> dict[str, Path]:
    folders = _folders(path)
    found = {
        part: folder for part, name in _PARTS.items() for folder in folders if name.fullmatch(folder.name) is not None
    }
    return found if TRAIN in found else {ALL: path}


def _by_class(folder: Path) -> dict[str, list[Path]]:
    classes = {each.name: sorted(file for file in each.iterdir() if _is_image(file)) for each in _folders(folder)}
    for name, files in classes.items():
        if not files:
            raise cannot_read(
                folder / name,
                "no image in it",
                f"images ({', '.join(sorted(_ENDINGS))}) in the folder of every class",
                "put some there, or take the folder away",
            )
    if not classes:
        raise cannot_read(folder, "no sub-folder", "a sub-folder a class", "sort the images into a folder a class")
    return classes


def _folders(path: Path) -> list[Path]:
    return sorted(each for each in path.iterdir() if each.is_dir() and not each.name.startswith((".", "__")))


def _is_image(file: Path) -> bool:
    # A link that leads nowhere is none either, but is named when it is opened.
    return file.suffix.lower() in _ENDINGS and not file.name.startswith(".") and not file.is_dir()


def _part(classes: Mapping[str, Sequence[Path]], *, colour: bool) -> FilePart:
    files = [file for each in classes.values() for file in each]
    labels = np.array([name for name, each in classes.items() for _ in each], dtype=np.str_)

    return FilePart(labels, lambda positions: _Images([files[position] for position in positions], colour))


@dataclass(frozen=True)
class _Images(Collection[NDArray[np.float32]]):
    """Images that are decoded one after the other."""

    files: Sequence[Path]
    colour: bool

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        return (_decoded(file, colour=self.colour) for file in self.files)

    def __contains__(self, image: object) -> bool:
        return any(each is image for each in self)


def _mode(file: Path) -> str:
    with _opened(file) as image:
        mode = str(image.mode)
    if mode == _MEASURED:
        raise cannot_read(
            file,
            "pixels that are numbers with fractions, whose black and white are not known",
            "whole numbers of 8 or 16 bits",
            "scale the pixels to [0, 1] and give them as an .npz",
        )
    return mode


def _decoded(file: Path, *, colour: bool) -> NDArray[np.float32]:
    """An image as C×H×W in [0, 1]."""
    with _opened(file) as image:
        if image.mode in _DEEP:
            grey = np.asarray(image).astype(np.float32) / _DEEPEST
            return np.repeat(grey[None].clip(0, 1), 3 if colour else 1, axis=0)
        pixels = np.asarray(image.convert("RGB" if colour else "L"))
    return from_bytes(pixels.transpose(2, 0, 1) if colour else pixels[None])


@contextmanager
def _opened(file: Path) -> Iterator["Image"]:
    """An image, whose content is read by what is done with it."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            # Of large images Pillow warns; it refuses those that are out of all proportion.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(file) as image:
                yield image
    except Exception as error:  # Pillow raises whatever it stumbles over
        raise cannot_read(
            file, f"a damaged image ({said(error)})", "an intact image", "replace the file or take it away"
        ) from error


def _has_images(path: Path) -> bool:
    return path.is_dir() and any(
        _is_image(file)
        for folder in _folders(path)
        for inside in (folder, *_folders(folder))
        for file in inside.iterdir()
    )


FOLDER = FileFormat("a folder of images", _has_images, read_folder, image_files)
