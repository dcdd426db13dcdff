"""Commands as steps of something larger: each is found by its fingerprint where it was run already, or run now."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import qaml_qiskit
from qaml_qiskit.artifacts import METRICS_FILE, RUNS_FOLDER
from qaml_qiskit.artifacts.run import CONFIG_FILE
from qaml_qiskit.campaigns.naming import renamed
from qaml_qiskit.errors import ConfigurationError, InUseError
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

    @property
    def request(self) -> Request:
        """The request; refused as the command refuses it."""
        kind: type[Request] = getattr(qaml_qiskit, self.command).request_class
        return kind.model_validate(dict(self.fields))

    @property
    def fingerprint(self) -> str:
        """Eight hexadecimal digits of everything that decides the result."""
        told = renamed(self.request.model_dump(mode="json"), self.depends)
        words = json.dumps([self.command, told], sort_keys=True)
        return hashlib.sha256(words.encode()).hexdigest()[:8]


@dataclass(frozen=True)
class StepPool:
    """Runs of steps, in one folder.

    Attributes:
        folder: where they are.
        around: what functions take beside a request: ``data_dir``, ``backends``, ``workers``, ``scheduler``,
            ``compute``, ``progress``, ``stopping``; each is given to those that take it.
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

    def has(self, step: CommandStep) -> bool:
        """Whether a step's run is finished."""
        return (self.place(step) / METRICS_FILE).is_file()

    def run(self, step: CommandStep) -> Path:
        """Run a step, go on with it, or find it finished.

        Raises:
            InUseError: another process is at work on it.
            QamlError: as the command.
        """
        place = self.run_unless_busy(step)
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
        if self.has(step):
            return self.place(step)
        make_folders(self.folder / _LOCKS)
        try:
            lock = FolderLock(self.folder / _LOCKS, step.fingerprint)
        except InUseError:
            return None
        with lock:
            # Somebody else may have finished it between the look and the lock.
            if not self.has(step):
                starting()
                self._call(step, self.place(step))
        return self.place(step)

    def _call(self, step: CommandStep, place: Path) -> None:
        function = getattr(qaml_qiskit, step.command)
        around = {name: value for name, value in self.around.items() if name in function.around}
        function(step.request, out=place, **around)
