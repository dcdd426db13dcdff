"""An image walks through whole commands: no call goes up to a higher floor, but for what was handed down on purpose."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import qaml_qiskit as qaml
from tests.unit.test_import_rule import FLOOR, PACKAGE

#: Who may call whom above: what is called was given to the caller, which knows nothing of where it comes from.
HANDED_DOWN = {
    ("attacks", "models"): "the attacked module",
    ("attacks", "deployments"): "the attacked module",
    ("models", "deployments"): "the averages that a head is set behind",
    ("artifacts", "studies"): "the work of a map, and what its values are written as",
    ("artifacts", "workflows"): "the request, which says what of it is written",
    ("formats", "models"): "the schema that a file is read by",
}
COMMANDS: dict[str, Callable[[str, Path], object]] = {
    "run": lambda model, out: qaml.run(
        qaml.RunRequest(model=model, target="ideal", images="2", shots=20, mitigation="none"), out=out
    ),
    "attack": lambda model, out: qaml.attack(
        qaml.AttackRequest(model=model, images="2", attack=("fgsm",), noise="depolarizing", strength=0.01), out=out
    ),
    "sweep": lambda model, out: qaml.sweep(
        qaml.SweepRequest(model=model, images="2", strengths=(0.01,), attack=("fgsm",)), out=out
    ),
    "certify": lambda model, out: qaml.certify(qaml.CertifyRequest(model=model, images="2"), out=out),
}


class Walk:
    """Notes every call from a room to a higher one, while it is entered with ``with``."""

    def __init__(self) -> None:
        self.upward: set[tuple[str, str, str]] = set()
        self._rooms: dict[str, str] = {}

    def __enter__(self) -> "Walk":
        sys.setprofile(self._note)
        return self

    def __exit__(self, *error: object) -> None:
        sys.setprofile(None)

    def _room(self, frame: FrameType) -> str:
        """The room that a frame is in; empty for other packages, and while a module is being imported."""
        file = frame.f_code.co_filename
        if file not in self._rooms:
            inside = file.startswith(f"{PACKAGE}/")
            self._rooms[file] = file[len(f"{PACKAGE}/") :].partition("/")[0].removesuffix(".py") if inside else ""
        return "" if frame.f_code.co_name == "<module>" else self._rooms[file]

    def _note(self, frame: FrameType, event: str, argument: Any) -> None:
        if event != "call" or not (room := self._room(frame)) or room not in FLOOR:
            return
        before = frame.f_back
        while before is not None and self._room(before) not in FLOOR:
            before = before.f_back
        caller = self._room(before) if before is not None else room
        # The ground that imports others when they are touched runs the bodies of their classes.
        if FLOOR[room] > FLOOR[caller] and caller not in ("lazy", "registry"):
            self.upward.add((caller, room, frame.f_code.co_qualname))


@pytest.mark.parametrize("command", COMMANDS)
def test_no_call_goes_up(trained: Path, tmp_path: Path, command: str) -> None:
    with Walk() as walk:
        COMMANDS[command](str(trained), tmp_path / "run")
    # A closure is what somebody above gave along, to be told of progress.
    known = {way for way in walk.upward if way[:2] in HANDED_DOWN or "<locals>" in way[2]}
    assert walk.upward == known
