"""A request from Python is refused in the words of the command line, and leaves as little."""

from pathlib import Path

import pytest

import qaml_qiskit as qaml
from qaml_qiskit.cli.commands import COMMANDS
from qaml_qiskit.cli.options import request_class
from qaml_qiskit.errors import QamlError
from qaml_qiskit.workflows.fields import Exists, Installed, marks
from tests.integration.hardware import workspace

#: What a command needs beside the fields that must be given, so that it has a use for all of its names.
MORE = {
    "attack": {"audit": True},
    "calibrate": {"target": "poor-readout", "validation": "work/images.npz"},
    "certify": {"model": "work/model@poor-readout"},
    "conformal": {"model": "work/model@poor-readout", "validation": "work/images.npz"},
    "detect": {"models": "work/model@poor-readout", "sources": "work/model", "validation": "work/images.npz"},
    "states": {"attack": "fgsm"},
    "substitute": {"victim": "work/model@poor-readout"},
    "sweep": {"noise": "device"},
    "transfer": {"sources": "work/model", "victims": "work/other@poor-readout"},
    "tamper": {"target": "poor-readout"},
    "uncertainty": {"models": "work/model@poor-readout", "validation": "work/images.npz"},
}


def names() -> list[tuple[str, str]]:
    """Every command with every field that names a model, a target or a recipe."""
    kinds = {command.name: kind for command in COMMANDS.values() if (kind := request_class(command)) is not None}
    return [
        (command, field)
        for command, kind in kinds.items()
        for field, info in kind.model_fields.items()
        if any(isinstance(mark, Exists) and not isinstance(mark, Installed) for mark in marks(info))
    ]


@pytest.mark.parametrize(("command", "field"), names())
def test_a_name_of_nothing_is_refused_alike(
    command: str, field: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace(tmp_path / "work")
    monkeypatch.chdir(tmp_path)
    kind = request_class(COMMANDS[command])
    assert kind is not None
    values: dict[str, object] = {name: "work/model" for name, info in kind.model_fields.items() if info.is_required()}
    if (images := kind.model_fields.get("images")) is not None and images.annotation is str:
        values["images"] = "work/images.npz"
    # What names no registered ansatz is a file by its ending; an anomaly names a target behind a word.
    nothing = {"ansatz": "nowhere.qpy", "anomalies": "drift:nowhere"}.get(field, "nowhere")
    request = kind.model_validate({**values, **MORE.get(command, {}), field: nothing})
    before = set(tmp_path.rglob("*"))
    with pytest.raises(QamlError, match="nowhere") as told:
        request.check()
    with pytest.raises(QamlError) as found:
        getattr(qaml, COMMANDS[command].function)(request)
    assert str(found.value) == str(told.value)
    assert set(tmp_path.rglob("*")) == before
