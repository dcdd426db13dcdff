"""Arrays as .npz files, our own and those that somebody else may have written. No pickled object is ever read."""

import io
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.errors import InputError

Arrays = dict[str, NDArray[Any]]
_BROKEN = (OSError, KeyError, ValueError, TypeError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error)


def read_arrays(path: Path, required: Sequence[str], optional: Sequence[str], *, expected: str, remedy: str) -> Arrays:
    """Some arrays of an .npz by name; others in it are not touched.

    Args:
        path: the file.
        required: arrays that must be there.
        optional: arrays that are read where they are there.
        expected: what the file should hold, for the message.
        remedy: what to do otherwise, for the message.

    Raises:
        InputError: no readable .npz, a required array is missing, or one of them holds pickled objects.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            names = [*required, *(name for name in optional if name in archive.files)]
            return {name: archive[name] for name in names}
    except _BROKEN as error:
        raise InputError(
            f"cannot read images from {path}", got=_said(error), expected=expected, remedy=remedy
        ) from error


def npz(**arrays: NDArray[Any]) -> bytes:
    """The bytes of an .npz; the same arrays give the same bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def arrays_of(content: bytes) -> Arrays:
    """The inverse of :func:`npz`."""
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _said(error: Exception) -> str:
    if isinstance(error, TypeError):
        # A single array, as numpy.save writes it, is no archive.
        return "a file that is no .npz archive"
    text = getattr(error, "strerror", None) or " ".join(str(error.args[0] if error.args else error).split())
    # numpy's own words go on to say how to read them all the same.
    return "a file that is no .npz, or holds pickled objects" if "pickle" in text else text or type(error).__name__
