"""The run folder: what happened, written so that a kill at any moment loses at most the file being written.

A run is *open* while its command works and *complete* once ``metrics.json`` is there; that file is written last. Every
file is written under a temporary name, flushed to disk and renamed. A complete run is never written again.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from qaml_qiskit.artifacts.codecs import Codec, json_text
from qaml_qiskit.artifacts.mapping import HERE, Bar, Pool, Together, Work, compute_tasks
from qaml_qiskit.environment import describe_environment
from qaml_qiskit.errors import DamagedFileError, StorageError
from qaml_qiskit.files import FolderLock, make_folders, write_atomically
from qaml_qiskit.formats import (
    Document,
    damaged,
    object_of,
    read_bytes,
    short,
)

Task = TypeVar("Task")
Value = TypeVar("Value")

#: Where runs go by default, below the working directory.
RUNS_FOLDER = Path("runs")
CONFIG_FILE = "config.yaml"
METRICS_FILE = "metrics.json"
ENVIRONMENT_FILE = "environment.json"
#: Keys of the configuration that are no options of the command.
RUN_KEYS = ("command", "resolved")

LOST_CONFIG = "restore the file from a copy, or choose another folder with --out"


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
        return self.write(name, json_text(content))

    def read(self, name: str) -> bytes | None:
        """The bytes of a file, or None when the run has none of that name.

        Raises:
            DamagedFileError: it is there and cannot be read.
        """
        file = self.path / name
        return read_bytes(file, "make it readable") if file.is_file() else None

    def keep(self, key: str, value: Value, codec: Codec[Value]) -> Value:
        """Keep a part of the result under ``key`` and the codec's suffix; :meth:`kept` gives it back.

        Returns:
            The value as it would be read from its file.
        """
        for suffix, further in codec.beside:
            self.write(key + suffix, further(value))
        name = key + codec.suffix
        mark = partial(self.mark, name)
        content = codec.encode(value, mark)
        self.write(name, content)
        return codec.decode(content, mark)

    def kept(self, key: str, codec: Codec[Value]) -> Value | None:
        """What :meth:`keep` kept under this key in this run; None when it is missing, damaged or something else.

        A part that is not there any more can be computed again, so its damage is nobody's trouble.
        """
        name = key + codec.suffix
        if not all((self.path / (key + suffix)).is_file() for suffix, _ in codec.beside):
            return None
        try:
            return codec.decode(self.read(name) or b"", partial(self.mark, name))
        except (DamagedFileError, KeyError, TypeError, ValueError):
            return None

    def map(
        self,
        tasks: Mapping[str, Task],
        work: Work[Task, Value],
        codec: Codec[Value],
        *,
        bar: Bar,
        pool: Pool = HERE,
        together: Together[Task] | None = None,
    ) -> dict[str, Value]:
        """The values of many tasks: those that are kept are read, the others are computed and kept as they finish.

        Losing a worker, killing the process or running it twice changes no byte; see
        :func:`~qaml_qiskit.artifacts.mapping.compute_tasks`.

        Args:
            tasks: by their keys, the names of their files in the run without the codec's suffix.
            work: computes one of them; importable, or an object that is pickled without what it remembers.
            codec: how values are kept.
            bar: shows what goes on; nothing is shown when everything is kept.
            pool: where the values are computed.
            together: which tasks, one after the other in ``tasks``, share a part of the work and go to one worker.

        Returns:
            By the keys, in the order of ``tasks``; each as it is read from its file.

        Raises:
            QamlError: of a task, of the pool, or of the disk. What was finished before is kept.
        """
        read = {key: self.kept(key, codec) for key in tasks}
        found = {key: value for key, value in read.items() if value is not None}
        missing = {key: task for key, task in tasks.items() if key not in found}
        done = list(found)
        for key, value in compute_tasks(missing, work, bar=bar, pool=pool, together=together, kept=done):
            found[key] = self.keep(key, value, codec)
        return {key: found[key] for key in tasks}

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
            raise damaged(place, got, "what the command wrote there", LOST_CONFIG) from error

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
        for name, kind, told in (("results", dict, "object"), ("notes", str, "str")):
            entries = found.get(name, [])
            if not isinstance(entries, list) or not all(isinstance(entry, kind) for entry in entries):
                raise damaged(source, f"{name} = {short(entries)}", f"a list of {told}", remedy)
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
