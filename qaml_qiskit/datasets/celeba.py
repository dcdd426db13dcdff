"""CelebA: aligned faces with and without one attribute, brought to 3×32×32.

Liu, Luo, Wang and Tang, "Deep Learning Face Attributes in the Wild", ICCV 2015. The authors' partition is by person:
part 0 is the training part and part 2 the test part here; part 1, for validation, is left out.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.datasets.images import from_bytes
from qaml_qiskit.datasets.spec import DatasetSpec, RawPart, RawSplit, SourceFile
from qaml_qiskit.errors import InputError, unknown_name

DEFAULT_ATTRIBUTE = "Black_Hair"

_ATTRIBUTES = "list_attr_celeba.txt"
_PARTITION = "list_eval_partition.txt"
_ARCHIVE = "img_align_celeba.zip"
_FOLDER = "img_align_celeba"
_OFFICIAL_SIZE = (178, 218)  # width, height
_CROP = (0, 20, 178, 198)  # the central 178×178 square: left, top, right, bottom
_SIDE = 32
_TRAIN_PART, _TEST_PART = "0", "2"
# The lists name files to open: anything but a plain image name could lead out of the folder.
_IMAGE_NAME = re.compile(r"\d{6}\.jpg")


def read_celeba(folder: Path, *, attribute: str = DEFAULT_ATTRIBUTE) -> RawSplit:
    """Read CelebA from the folder with the two lists and ``img_align_celeba.zip`` or ``img_align_celeba/``.

    An image of 178×218 is cropped to its central 178×178 square and reduced to 32×32 with a box filter: each pixel
    is the mean of the original pixels whose centres lie in the area that it covers. Decoding takes about 1 ms an
    image; only images that are asked for are decoded.

    Args:
        folder: where the files lie.
        attribute: one of the 40 attributes of the list; label 1 has it, label 0 does not.

    Raises:
        ConfigurationError: an unknown attribute.
        InputError: a list that is not in the official format, or a missing or damaged image.
    """
    labels = _read_attribute(folder / _ATTRIBUTES, attribute)
    partition = _read_partition(folder / _PARTITION)
    if labels.keys() != partition.keys():
        odd = sorted(labels.keys() ^ partition.keys())[0]
        raise _damaged(folder / _PARTITION, f"{odd} in only one of the two lists", f"the images of {_ATTRIBUTES}")

    def part(wanted: str) -> RawPart:
        names = [name for name, number in partition.items() if number == wanted]
        return RawPart(
            np.array([labels[name] for name in names], dtype=np.int64),
            lambda positions: _read_images(folder, [names[position] for position in positions]),
        )

    return RawSplit((f"not {attribute}", attribute), part(_TRAIN_PART), part(_TEST_PART))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}", "a readable text file") from error


def _read_attribute(path: Path, attribute: str) -> dict[str, int]:
    """Return 1 or 0 for each image. The list: a count, a line of attribute names, a line of ±1 for each image."""
    lines = _lines(path)
    if len(lines) < 2 or not lines[0].strip().isdigit():
        raise _damaged(path, f"a first line {lines[0] if lines else ''!r}", "the number of images")
    count, names = int(lines[0]), lines[1].split()
    if attribute not in names:
        raise unknown_name("CelebA has no such attribute", attribute, names)
    column = 1 + names.index(attribute)
    labels: dict[str, int] = {}
    for number, line in enumerate(lines[2:], start=3):
        fields = line.split()
        if len(fields) != 1 + len(names) or fields[column] not in ("1", "-1"):
            raise _damaged(path, f"line {number}: {line[:60]!r}", f"an image name and {len(names)} values 1 or -1")
        labels[_image_name(path, number, fields[0])] = int(fields[column] == "1")
    if len(labels) != count or len(lines) != 2 + count:
        raise _damaged(
            path, f"{len(lines) - 2} lines for {len(labels)} images", f"{count} images, as its first line says"
        )
    return labels


def _read_partition(path: Path) -> dict[str, str]:
    partition: dict[str, str] = {}
    for number, line in enumerate(_lines(path), start=1):
        fields = line.split()
        if len(fields) != 2 or fields[1] not in ("0", "1", "2"):
            raise _damaged(path, f"line {number}: {line[:60]!r}", "an image name and 0, 1 or 2")
        name = _image_name(path, number, fields[0])
        if name in partition:
            raise _damaged(path, f"line {number}: {name} a second time", "every image once")
        partition[name] = fields[1]
    return partition


def _image_name(path: Path, number: int, name: str) -> str:
    if not _IMAGE_NAME.fullmatch(name):
        raise _damaged(path, f"line {number}: image name {name[:60]!r}", "a name such as 000001.jpg")
    return name


def _read_images(folder: Path, names: list[str]) -> NDArray[np.float32]:
    pixels = np.empty((len(names), 3, _SIDE, _SIDE), dtype=np.uint8)
    with _opened(folder) as content_of:
        for position, name in enumerate(names):
            pixels[position] = _decode(folder / _FOLDER / name, content_of(name))
    return from_bytes(pixels)


@contextmanager
def _opened(folder: Path) -> Iterator[Callable[[str], bytes]]:
    """Give a function from an image's name to its bytes, from the archive or from its unpacked form."""
    archive = folder / _ARCHIVE
    try:
        if archive.exists():
            with zipfile.ZipFile(archive) as opened:
                yield lambda name: opened.read(f"{_FOLDER}/{name}")
        else:
            yield lambda name: (folder / _FOLDER / name).read_bytes()
    except KeyError as error:
        raise _damaged(archive, str(error.args[0]), "every image of the lists") from error
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError) as error:
        raise _damaged(archive if archive.exists() else folder / _FOLDER, f"{error}", "readable images") from error


def _decode(path: Path, content: bytes) -> NDArray[np.uint8]:
    # Pillow is needed for this data set alone.
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as image:
            if image.size != _OFFICIAL_SIZE:
                raise _damaged(path, "{}×{} pixels".format(*image.size), "178×218, the aligned and cropped images")
            small = image.convert("RGB").crop(_CROP).resize((_SIDE, _SIDE), Image.Resampling.BOX)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise _damaged(path, f"a damaged image ({error})", "an intact JPEG file") from error
    return np.asarray(small, dtype=np.uint8).transpose(2, 0, 1)


def _damaged(path: Path, got: str, expected: str) -> InputError:
    return InputError(
        f"cannot read CelebA from {path}",
        got=got,
        expected=expected,
        remedy="replace it by the official file (`qaml data verify celeba` compares checksums)",
    )


CELEBA = DatasetSpec(
    name="celeba",
    description="faces with or without an attribute, 3×32×32 colour, 162,770 + 19,962 images (1.4 GB, by hand)",
    homepage="https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
    class_names=(f"not {DEFAULT_ATTRIBUTE}", DEFAULT_ATTRIBUTE),
    read=read_celeba,
    folder="celeba",
    files=(
        SourceFile(_ATTRIBUTES, "md5:75e246fa4810816ffd6ee81facbd244c"),
        SourceFile(_PARTITION, "md5:d32c9cbf5e040fd4025c592c306e6668"),
        SourceFile(
            _ARCHIVE,
            "md5:00d2c5bc6d35e252742224ab0c1e8fcb",
            replaced_by=(SourceFile(f"{_FOLDER}/", ""),),
        ),
    ),
    options=("attribute",),
    by_hand="its authors hand the files out themselves, for research that is not commercial",
)
