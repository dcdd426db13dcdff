"""What this process keeps of things that were given in place of names; it goes when the process ends."""

import hashlib
import os
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from qaml_qiskit.files import make_folders, write_atomically


@cache
def _folder() -> "TemporaryDirectory[str]":
    return TemporaryDirectory(prefix="qaml-")


def session_folder(name: str) -> Path:
    """A folder of this process: ``models`` by their names, ``images`` and ``runs``. It is made when it is asked for."""
    path = Path(_folder().name) / name
    make_folders(path)
    return path


def session_model(name: str) -> Path | None:
    """The folder of a model that was given to this process, by its name; None if there is none."""
    if not _folder.cache_info().currsize or Path(name).name != name:
        return None
    path = session_folder("models") / name
    return path if name and os.path.isdir(path) else None  # noqa: PTH112 - also of a name too long for a file


def in_session(path: Path) -> bool:
    """Whether a path lies among what this process keeps."""
    return bool(_folder.cache_info().currsize) and path.is_relative_to(_folder().name)


def content_name(*contents: bytes) -> str:
    """Twelve hexadecimal digits that say what is in something."""
    whole = hashlib.sha256()
    for each in contents:
        whole.update(len(each).to_bytes(8) + each)
    return whole.hexdigest()[:12]


def keep_in_session(path: Path, files: dict[str, bytes]) -> Path:
    """Write files of one thing, each whole, where they are not there yet; their names say what is in them.

    Args:
        path: of their folder.
        files: by name, in the order in which they are written.
    """
    for name, content in files.items():
        if not (path / name).is_file():
            write_atomically(path / name, content)
    return path
