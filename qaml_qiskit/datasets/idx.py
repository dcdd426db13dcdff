"""The IDX format of MNIST and its relatives, read strictly.

Format (http://yann.lecun.com/exdb/mnist/): two zero bytes, one byte for the element type, one for the number of axes,
each axis as a big-endian 32-bit integer, then the elements in C order.
"""

import gzip
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.errors import InputError

_GZIP_MAGIC = b"\x1f\x8b"
_UNSIGNED_BYTE = 0x08
# No data set in IDX form comes near: a header that asks for more is damaged, and must not allocate what it claims.
_LARGEST_PAYLOAD = 2**30


def read_idx(path: Path, *, axes: int) -> NDArray[np.uint8]:
    """Read one IDX file of unsigned bytes, plain or gzipped (told apart by content, not by name).

    Args:
        path: the file.
        axes: how many axes it must have: 3 for images (N×H×W), 1 for labels (N).

    Returns:
        The elements, read-only, in the shape that the header gives.

    Raises:
        InputError: an unreadable file, a damaged gzip stream, a wrong magic number, or too few or too many bytes;
            the message names the file.
    """
    try:
        with path.open("rb") as plain:
            zipped = plain.read(2) == _GZIP_MAGIC
            plain.seek(0)
            if not zipped:
                return _parse(path, plain, axes)
            with gzip.GzipFile(fileobj=plain, mode="rb") as unzipped:
                return _parse(path, cast(BinaryIO, unzipped), axes)
    except EOFError as error:
        raise _damaged(path, "a gzip stream that ends too early", "a complete gzip file") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise _damaged(path, f"a damaged gzip stream ({error})", "an intact gzip file") from error
    except OSError as error:
        raise _damaged(path, f"{type(error).__name__}: {error.strerror or error}", "a readable file") from error


def _parse(path: Path, stream: BinaryIO, axes: int) -> NDArray[np.uint8]:
    magic = stream.read(4)
    expected_magic = bytes([0, 0, _UNSIGNED_BYTE, axes])
    if magic != expected_magic:
        raise _damaged(
            path,
            f"magic number {magic.hex() or '(an empty file)'}",
            f"{expected_magic.hex()} (unsigned bytes, {axes} {'axis' if axes == 1 else 'axes'})",
        )
    header = stream.read(4 * axes)
    if len(header) < 4 * axes:
        raise _damaged(path, f"a header of {4 + len(header)} bytes", f"{4 + 4 * axes} bytes")
    shape = tuple(int(size) for size in np.frombuffer(header, dtype=">u4"))
    size = 1
    for length in shape:
        size *= length
    if not 0 < size <= _LARGEST_PAYLOAD:
        raise _damaged(path, f"a header that announces shape {shape}", f"1 to {_LARGEST_PAYLOAD} elements")
    # One byte more than announced shows trailing bytes, and makes gzip compare its checksum at the end of the stream.
    payload = stream.read(size + 1)
    if len(payload) < size:
        raise _damaged(path, f"only {len(payload)} bytes of data", f"{size} bytes for the announced shape {shape}")
    if len(payload) > size:
        raise _damaged(path, "trailing bytes after the data", f"{size} bytes for the announced shape {shape}")
    return np.frombuffer(payload, dtype=np.uint8).reshape(shape)


def _damaged(path: Path, got: str, expected: str) -> InputError:
    return InputError(
        f"cannot read the IDX file {path}",
        got=got,
        expected=expected,
        remedy="replace it by the official file (`qaml data verify` checks, `qaml data fetch` downloads)",
    )
