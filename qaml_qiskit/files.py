"""Writing files so that a kill at any moment leaves the old content or the new, never half of it.

Everything that the package writes passes through here. What cannot be written becomes a StorageError; a lock keeps a
second process out of a folder.
"""

import fcntl
import os
import re
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from qaml_qiskit.errors import InUseError, StorageError

#: Holds a folder's lock; its content is the number of the process.
LOCK_FILE = ".lock"

#: Names of unfinished files, hard to guess so that nobody plants a link there; earlier versions left the digits out.
_TEMPORARY = re.compile(r"\.(?P<name>.+?)(\.[0-9a-f]{16})?\.tmp")
#: Never through a link, and not handed on to child processes.
_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC


def write_atomically(file: Path, content: bytes | str, *, private: bool = False) -> Path:
    """Write under a temporary name, flush to disk, rename. The folder directly above is made when it is missing.

    Args:
        file: where; whatever has that name is replaced, a link itself and not what it points to.
        content: text is written as UTF-8.
        private: whether only the owner may read it.

    Raises:
        StorageError: it cannot be written; what was there before is still there.
    """
    # A file name that is not UTF-8 has lone surrogates; written as \udcff they mean the same in JSON and YAML.
    data = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(8)}.tmp")
    try:
        _make(file.parent, private=private)
        try:
            _write(temporary, os.O_CREAT | os.O_EXCL, data, private=private)
            temporary.replace(file)
        except OSError:
            with suppress(OSError):
                temporary.unlink()
            raise
        _sync_names(file.parent)
    except OSError as error:
        raise _cannot_write(file, error) from error
    return file


def append(file: Path, content: bytes, *, private: bool = False) -> None:
    """Add to the end of a file, which is made when it is missing, and wait until the disk has it.

    Raises:
        StorageError: it cannot be written; a part of ``content`` may be there.
    """
    try:
        _write(file, os.O_CREAT | os.O_APPEND, content, private=private)
    except OSError as error:
        raise _cannot_write(file, error) from error


def cut_off(file: Path, size: int) -> None:
    """Keep the first so many bytes of a file.

    Raises:
        StorageError: it cannot be written.
    """
    try:
        os.truncate(file, size)
    except OSError as error:
        raise _cannot_write(file, error) from error


def make_folders(path: Path) -> None:
    """Make a folder and those above it that are missing.

    Raises:
        StorageError: it cannot be made, or a file is in the way.
    """
    try:
        for folder in (*reversed(path.parents), path):
            if not folder.is_dir():
                _make(folder, private=False)
    except OSError as error:
        raise _cannot_write(path, error) from error


def delete(path: Path) -> None:
    """Delete a file, or a folder with all that is in it; what is not there, or cannot be deleted, is passed over."""
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def unfinished(entry: Path) -> str | None:
    """The name that an unfinished file of :func:`write_atomically` was to get; None for any other file."""
    found = _TEMPORARY.fullmatch(entry.name)
    return found["name"] if found else None


def delete_unfinished(folder: Path) -> None:
    """Delete what kills left behind in a folder and below it. Only for who holds the folder's lock."""
    for entry in list(folder.rglob(".*.tmp")):
        if unfinished(entry) is not None and not entry.is_dir():
            delete(entry)


class FolderLock:
    """Keeps other processes off a folder until it is released; it ends with the process, however that ends.

    Args:
        folder: must be there.
        name: of the file in it that is locked; locks of different names do not exclude each other.

    Raises:
        InUseError: another process, or another part of this one, holds it.
        StorageError: the folder cannot be written.
    """

    def __init__(self, folder: Path, name: str = LOCK_FILE) -> None:
        self._descriptor: int | None = None
        try:
            self._descriptor = os.open(folder / name, os.O_RDWR | os.O_CREAT | _FLAGS, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._descriptor, 0)
            os.write(self._descriptor, str(os.getpid()).encode())
        except BlockingIOError as error:
            holder = _holder(folder / name)
            self.release()
            raise InUseError(
                f"{folder} is in use",
                got=f"a second process; the first has number {holder}",
                expected="one process at a time on a run",
                remedy="wait for the other process, or stop it",
            ) from error
        except OSError as error:
            self.release()
            raise _cannot_write(folder / name, error) from error
        except BaseException:
            # A traceback that somebody keeps, such as a notebook, would keep the lock.
            self.release()
            raise

    def release(self) -> None:
        """Let others in; more than once changes nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def __del__(self) -> None:
        self.release()


def _holder(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace").strip()[:20] or "unknown"
    except OSError:
        return "unknown"


def _write(file: Path, how: int, data: bytes, *, private: bool) -> None:
    descriptor = os.open(file, os.O_WRONLY | how | _FLAGS, 0o600 if private else 0o644)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make(folder: Path, *, private: bool) -> None:
    """One folder, unless it is there."""
    try:
        folder.mkdir(0o700 if private else 0o755)
    except FileExistsError:
        if not folder.is_dir():
            raise


def _sync_names(folder: Path) -> None:
    """Make the disk keep the new name, where the file system can be asked to."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _cannot_write(file: Path, error: OSError) -> StorageError:
    return StorageError(
        f"cannot write {file}",
        got=error.strerror or type(error).__name__,
        expected="a folder that is there, can be written and has room",
        remedy="what was finished before is kept: mend that, then run the same command again to go on",
    )
