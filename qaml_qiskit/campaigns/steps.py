"""Commands as steps of something larger: each is found by its fingerprint where it was run already, or run now."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import qaml_qiskit
from qaml_qiskit.artifacts import METRICS_FILE
from qaml_qiskit.workflows.request import Request


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
        words = json.dumps([self.command, self.request.model_dump(mode="json")], sort_keys=True)
        for text in sorted(self.depends, key=len, reverse=True):
            words = words.replace(text, self.depends[text])
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

    def place(self, step: CommandStep) -> Path:
        """Where a step's run is, finished or not."""
        return self.folder / f"{step.name}-{step.fingerprint}"

    def has(self, step: CommandStep) -> bool:
        """Whether a step's run is finished."""
        return (self.place(step) / METRICS_FILE).is_file()

    def run(self, step: CommandStep) -> Path:
        """Run a step, go on with it, or find it finished.

        Raises:
            QamlError: as the command.
        """
        function = getattr(qaml_qiskit, step.command)
        place = self.place(step)
        if not self.has(step):
            around = {name: value for name, value in self.around.items() if name in function.around}
            function(step.request, out=place, **around)
        return place
