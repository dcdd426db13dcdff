"""The run folder: what happened, written so that a kill at any moment loses at most the file being written.

A run is *open* while its command works and *complete* once ``metrics.json`` is there; that file is written last. Every
file is written under a temporary name, flushed to disk and renamed. A complete run is never written again.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np

from qaml_qiskit.environment import describe_environment
from qaml_qiskit.errors import ConfigurationError, DamagedFileError, InputError, StorageError
from qaml_qiskit.files import LOCK_FILE, FolderLock, delete_unfinished, make_folders, unfinished, write_atomically
from qaml_qiskit.formats import (
    Arrays,
    Document,
    arrays_of,
    damaged,
    npz,
    object_of,
    read_bytes,
    short,
    yaml_of,
    yaml_text,
)
from qaml_qiskit.text import printable

Value = TypeVar("Value")

#: Where runs go by default, below the working directory.
RUNS_FOLDER = Path("runs")
CONFIG_FILE = "config.yaml"
METRICS_FILE = "metrics.json"
ENVIRONMENT_FILE = "environment.json"
#: Keys of the configuration that are no options of the command.
RUN_KEYS = ("command", "resolved")

_LOST_CONFIG = "restore the file from a copy, or choose another folder with --out"


class Run:
    """One run folder. Make it with :func:`open_run` or :func:`load_run`.

    Used with ``with``, it is this process's alone until the block ends: two writers would mix their files.
    """

    def __init__(self, path: Path, config: dict[str, Any]) -> None:
        """Refer to an existing folder; nothing is read or written."""
        self.path = path
        self.config = config
        self._lock: FolderLock | None = None

    def __enter__(self) -> Self:
        """Keep other processes out, unless the run is complete: that one is only read.

        Raises:
            ConfigurationError: another process is at work in the folder.
        """
        if self._lock is None and not self.complete:
            self._lock = FolderLock(self.path)
            if self.complete:
                self.__exit__(None, None, None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    @property
    def complete(self) -> bool:
        """Whether the command that made this run has finished."""
        return (self.path / METRICS_FILE).is_file()

    def write(self, name: str, content: bytes | str) -> Path:
        """Write one file so that it is there whole or not at all.

        Raises:
            StorageError: it cannot be written, or the run folder is gone. What was written before is kept.
        """
        file = self.path / name
        if not self.path.is_dir():
            raise StorageError(
                f"cannot write {file}",
                got="a run folder that was moved or deleted",
                expected="the folder where it was",
                remedy="put it back and run the same command again to go on",
            )
        make_folders(file.parent)
        return write_atomically(file, content)

    def write_json(self, name: str, content: object) -> Path:
        """Write a JSON document; the same content gives the same bytes."""
        return self.write(name, _json(content))

    def read(self, name: str) -> bytes | None:
        """The bytes of a file, or None when the run has none of that name.

        Raises:
            DamagedFileError: it is there and cannot be read.
        """
        file = self.path / name
        return read_bytes(file, "make it readable") if file.is_file() else None

    def keep_json(self, name: str, content: object) -> None:
        """Keep a part of the result, which :meth:`kept_json` gives back."""
        self.write_json(name, {"mark": self.mark(name, _json(content)), "content": content})

    def kept_json(self, name: str) -> Any:
        """What :meth:`keep_json` kept under this name in this run; None when it is missing, damaged or something else.

        A part that is not there any more can be computed again, so its damage is nobody's trouble.
        """
        try:
            found = object_of(self.read(name) or b"", name)
            return found["content"] if found["mark"] == self.mark(name, _json(found["content"])) else None
        except DamagedFileError:
            return None

    def keep_arrays(self, name: str, arrays: Arrays) -> None:
        """Keep arrays of the result as an .npz, which :meth:`kept_arrays` gives back."""
        self.write(name, npz(**arrays, mark=np.array(self.mark(name, _contents(arrays)))))

    def kept_arrays(self, name: str) -> Arrays | None:
        """What :meth:`keep_arrays` kept, under the same conditions as :meth:`kept_json`."""
        try:
            found = arrays_of(self.read(name) or b"", name)
        except DamagedFileError:
            return None
        return found if str(found.pop("mark", "")) == self.mark(name, _contents(found)) else None

    def resolved(self, name: str, parse: Callable[[Any], Value], default: object = None) -> Value:
        """What a name of the configuration stood for when the run was made.

        Args:
            name: a key below ``resolved``.
            parse: makes the value from what is there, or raises.
            default: stands for a key that earlier versions did not write; None where all of them did.

        Raises:
            DamagedFileError: the configuration lacks it, or it does not fit.
        """
        found = self.config["resolved"]
        try:
            found = found.get(name, default)
            return parse(found)
        except (AttributeError, TypeError, ValueError) as error:
            place = f"resolved.{name} of {self.path / CONFIG_FILE}"
            got = "nothing" if found is None else short(found)
            raise damaged(place, got, "what the command wrote there", _LOST_CONFIG) from error

    def finish(self, metrics: dict[str, Any]) -> None:
        """Write the metrics, which completes the run."""
        self.write_json(METRICS_FILE, metrics)

    def metrics(self) -> Document:
        """What a complete run found.

        Raises:
            DamagedFileError: the file is damaged.
        """
        remedy = "delete the file and run the same command again: what else is in the folder is kept"
        source = str(self.path / METRICS_FILE)
        found = object_of(self.read(METRICS_FILE) or b"", source, remedy)
        for name, kind in (("results", object), ("notes", str)):
            entries = found.get(name, [])
            if not isinstance(entries, list) or not all(isinstance(entry, kind) for entry in entries):
                raise damaged(source, f"{name} = {short(entries)}", f"a list of {kind.__name__}", remedy)
        return found

    def environment(self) -> Document:
        """Versions and machine, as they were written; written anew when the file is missing or damaged."""
        try:
            found = object_of(self.read(ENVIRONMENT_FILE) or b"", ENVIRONMENT_FILE)
            if found.keys() >= {"python", "packages", "engine", "git_commit"} and isinstance(found["packages"], dict):
                return found
        except DamagedFileError:
            pass
        made = Document(describe_environment(), ENVIRONMENT_FILE)
        self.write_json(ENVIRONMENT_FILE, made)
        return made

    def mark(self, name: str, content: str = "") -> str:
        """A fingerprint of a file's place in this run, and of its content if that is given.

        It tells a part of this run from that of another run, and from another part of this one.
        """
        words = (json.dumps(self.config, sort_keys=True), name, content)
        return hashlib.sha256("\0".join(words).encode(errors="backslashreplace")).hexdigest()[:16]


def open_run(command: str, config: dict[str, Any], out: Path | None = None) -> Run:
    """Open a new run, or the unfinished one of the same command and configuration.

    The run is locked: use it in a ``with`` block, which lets go of it.

    Args:
        command: the command's name, part of a default folder's name.
        config: everything that decides the result, resolved; plain values only.
        out: the folder. By default ``runs/<command>-<hash of the configuration>``; when a complete run has that name
            already, ``-2``, ``-3`` … are tried.

    Raises:
        ConfigurationError: the folder cannot be written, is in use, is no run, belongs to another configuration, or
            (only with ``out``) holds a complete run of another kind.
    """
    full = {"command": command, **config}
    try:
        path = Path(out) if out is not None else _default_path(command, full)
        run = Run(path, full)
        _check_same(path, full)
        if not run.complete:
            make_folders(path)
            _begin(run)
    except (OSError, ValueError, StorageError) as error:
        raise ConfigurationError(
            f"cannot write to {out or RUNS_FOLDER}",
            got=getattr(error, "got", None) or getattr(error, "strerror", None) or printable(str(error)),
            expected="a folder that can be created and written, with room in it",
            remedy="mend that, or choose another folder with --out",
        ) from error
    return run


def load_run(path: Path, command: str) -> Run:
    """Refer to an existing run of one command; ``with`` locks it for writing.

    Raises:
        InputError: the folder is no run, a run of another command, or its configuration is damaged.
    """
    path = Path(path)
    file = path / CONFIG_FILE
    config = yaml_of(read_bytes(file), str(file), _LOST_CONFIG) if file.is_file() else None
    if file.is_file() and not isinstance(config, dict):
        raise damaged(str(file), "no options", "the options of a run", _LOST_CONFIG)
    found = config.get("command") if isinstance(config, dict) else None
    if config is None or found != command:
        raise InputError(
            f"{path} is no run of `qaml {command}`",
            got="a folder that is not a run" if found is None else f"a run of `qaml {printable(str(found))}`",
            expected=f"a folder that `qaml {command}` made",
            remedy="check the path",
        )
    return Run(path, Document(config, str(file), _LOST_CONFIG))


def _contents(arrays: Arrays) -> str:
    """What arrays hold, in words for a fingerprint."""
    return " ".join(
        f"{name} {array.dtype.str} {array.shape} {hashlib.sha256(array.tobytes()).hexdigest()}"
        for name, array in sorted(arrays.items())
    )


def _default_path(command: str, config: dict[str, Any]) -> Path:
    digest = hashlib.sha256(_plain(config).encode()).hexdigest()[:8]
    base = RUNS_FOLDER / f"{command}-{digest}"
    path, count = base, 1
    while (path / METRICS_FILE).is_file():
        count += 1
        path = base.with_name(f"{base.name}-{count}")
    return path


def _check_same(path: Path, config: dict[str, Any]) -> None:
    """Whether the run may use the folder: a missing or empty one, its own, or one with just its own first files."""
    if not path.exists() and not path.is_symlink():
        return
    file = path / CONFIG_FILE
    found: object = None
    if file.is_file():
        found = yaml_of(read_bytes(file), str(file), _LOST_CONFIG)
        if _plain(found) == _plain(config):
            return
    elif path.is_dir() and all(_is_beginning(entry) for entry in path.iterdir()):
        return
    differing = ["the whole file"]
    if isinstance(found, dict):
        keys = {**found, **config}
        differing = [printable(str(key)) for key in keys if _plain(found.get(key)) != _plain(config.get(key))]
    raise ConfigurationError(
        f"{path} cannot be used for this run",
        got=f"a run that differs in {', '.join(differing)}" if file.is_file() else "a folder that is not a run",
        expected="a new or empty folder, or an unfinished run of exactly the same command",
        remedy="choose another folder with --out",
    )


def _is_beginning(entry: Path) -> bool:
    """Whether a file is one of those that a run writes before its configuration."""
    return entry.name == LOCK_FILE or unfinished(entry) == CONFIG_FILE


def _begin(run: Run) -> None:
    """Lock a run and write its first files, those that are not there yet."""
    run.__enter__()
    try:
        # Somebody else may have begun, or even finished, between the look and the lock.
        _check_same(run.path, run.config)
        if not run.complete:
            delete_unfinished(run.path)
            if not (run.path / CONFIG_FILE).is_file():
                run.write(CONFIG_FILE, yaml_text(run.config))
            run.environment()
    except BaseException:
        run.__exit__(None, None, None)
        raise


def _plain(content: object) -> str:
    # A round trip turns tuples into lists, as the file has them.
    return json.dumps(content, sort_keys=True, default=str)


def _json(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
