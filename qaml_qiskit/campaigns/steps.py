"""Commands as steps of something larger: each is found by its fingerprint where it was run already, or run now."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import qaml_qiskit
from qaml_qiskit.artifacts import METRICS_FILE, RUNS_FOLDER
from qaml_qiskit.artifacts.run import CONFIG_FILE
from qaml_qiskit.campaigns.naming import renamed, texts
from qaml_qiskit.datasets.references import is_path
from qaml_qiskit.datasets.sources import fingerprint
from qaml_qiskit.errors import ConfigurationError, InUseError, unknown_name
from qaml_qiskit.files import FolderLock, make_folders
from qaml_qiskit.workflows.request import Request

#: Where steps run, unless another folder is named: every reproduction and every benchmark looks there.
STEPS_FOLDER = RUNS_FOLDER / "steps"
#: Below the folder of a pool, a lock for every step that was ever run there.
_LOCKS = ".locks"


@dataclass(frozen=True)
class CommandStep:
    """A command with its fields.

    Attributes:
        name: of the folder, before the fingerprint.
        command: a function of :mod:`qaml_qiskit` that takes a request, such as ``transfer``.
        fields: of the request.
        depends: by the text that stands in the fields for what the result depends on (a model's folder), its
            fingerprint, which takes the text's place: where a folder lies decides nothing.
    """

    name: str
    command: str
    fields: Mapping[str, Any]
    depends: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def request(self) -> Request:
        """The request; refused as the command refuses it."""
        return request_class(self.command).model_validate(dict(self.fields))

    def words(self, depends: Mapping[str, str] | None = None) -> dict[str, Any]:
        """What is asked for, as JSON has it, with fingerprints in place of what the result depends on.

        Args:
            depends: the fingerprints, if they are others than :attr:`depends`.
        """
        told: dict[str, Any] = renamed(
            self.request.model_dump(mode="json"), self.depends if depends is None else depends
        )
        return told

    @property
    def fingerprint(self) -> str:
        """Eight hexadecimal digits of everything that decides the result: of files of one's own, what is in them.

        Data sets of the catalogue and targets are told by their names, whatever lies there.
        """
        words = self.words()
        read = dict(_contents(words))
        told = json.dumps([self.command, words, *([read] if read else [])], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()[:8]


def request_class(command: str) -> type[Request]:
    """The class of a command's request.

    Raises:
        ConfigurationError: there is no such command.
    """
    kind: type[Request] | None = getattr(getattr(qaml_qiskit, command, None), "request_class", None)
    if kind is None:
        known = [name for name in dir(qaml_qiskit) if hasattr(getattr(qaml_qiskit, name), "request_class")]
        raise unknown_name("there is no such command", command, known)
    return kind


def _contents(words: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The files and folders that stand in fields, each with the fingerprint of what is in it."""
    dataset = words.get("dataset")
    for text in texts(words):
        # Another word, such as the name of an attack, means no file that happens to have it.
        is_own_data = text == dataset and is_path(text)
        if is_own_data or "/" in text or Path(text).suffix:
            states = _states(Path(text))
            if states:
                yield text, _content(Path(text), states)


def _states(place: Path) -> tuple[tuple[Path, int, int], ...]:
    """A file, or all files of a folder, with the time of its last change and its size; none where nothing is there."""
    try:
        files = place.rglob("*") if place.is_dir() else [place]
        found = [(file, file.stat()) for file in files if file.is_file()]
    except (OSError, ValueError):
        # A text that no file can have for its name.
        return ()
    return tuple((file, state.st_mtime_ns, state.st_size) for file, state in found)


@lru_cache(maxsize=256)
def _content(place: Path, files: tuple[tuple[Path, int, int], ...]) -> str:
    """Of files as they were last written: all steps of a plan ask for the same ones, again and again."""
    return fingerprint(place, [file for file, _, _ in files])


@dataclass(frozen=True)
class StepPool:
    """Runs of steps, in one folder.

    Attributes:
        folder: where they are.
        around: what functions take beside a request and which decides no result: ``data_dir``, ``workers``,
            ``scheduler``, ``progress``, ``stopping``; each is given to those that take it, unless it is None.
    """

    folder: Path
    around: Mapping[str, Any] = field(default_factory=dict)

    def check_folder(self) -> None:
        """See that steps can be run in the folder, before anything is begun; nothing is made.

        Raises:
            ConfigurationError: a file is in its place, it cannot be written, or it is a run itself.
        """
        above = next(path for path in (self.folder, *self.folder.absolute().parents) if os.path.lexists(path))
        is_run = (self.folder / CONFIG_FILE).is_file()
        if is_run or not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
            raise ConfigurationError(
                f"steps cannot be kept in {self.folder}",
                got="the folder of a run" if is_run else f"{above}, which is no folder that can be written",
                expected="a folder of steps, or one that can be made",
                remedy="choose another folder with --steps-dir",
            )

    def place(self, step: CommandStep) -> Path:
        """Where a step's run is, finished or not; whatever name it was begun under."""
        fingerprint = step.fingerprint
        begun = sorted(self.folder.glob(f"*-{fingerprint}"), key=lambda path: not (path / METRICS_FILE).is_file())
        return begun[0] if begun else self.folder / f"{step.name}-{fingerprint}"

    def finished(self, step: CommandStep) -> Path | None:
        """Where a step's run is, if it is finished."""
        place = self.place(step)
        return place if (place / METRICS_FILE).is_file() else None

    def run(self, step: CommandStep, starting: Callable[[], None] = lambda: None) -> Path:
        """Run a step, go on with it, or find it finished.

        Args:
            step: the step.
            starting: called before the command is, if it is.

        Raises:
            InUseError: another process is at work on it.
            QamlError: as the command.
        """
        place = self.run_unless_busy(step, starting)
        if place is None:
            raise InUseError(
                f"{self.place(step)} is in use",
                got="a second process",
                expected="one process at a time on a step",
                remedy="wait for the other process, or stop it",
            )
        return place

    def run_unless_busy(self, step: CommandStep, starting: Callable[[], None] = lambda: None) -> Path | None:
        """:meth:`run`; None where another process is at work on the step.

        Args:
            step: the step.
            starting: called before the command is, if it is.

        Raises:
            QamlError: as the command.
        """
        if (place := self.finished(step)) is not None:
            return place
        make_folders(self.folder / _LOCKS)
        try:
            lock = FolderLock(self.folder / _LOCKS, step.fingerprint)
        except InUseError:
            return None
        with lock:
            # Somebody else may have finished it between the look and the lock.
            place = self.place(step)
            if not (place / METRICS_FILE).is_file():
                starting()
                self._call(step, place)
        return place

    def _call(self, step: CommandStep, place: Path) -> None:
        function = getattr(qaml_qiskit, step.command)
        given = {name: value for name, value in self.around.items() if value is not None}
        around = {name: value for name, value in given.items() if name in function.around}
        function(step.request, out=place, **around)
