"""A mistake, a help text and a version are answered before torch or Qiskit are imported."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from qaml_qiskit.cli.commands import COMMANDS

#: What takes seconds to import, and what draws.
HEAVY = ("torch", "torchattacks", "qiskit", "qiskit_aer", "qiskit_ibm_runtime", "qiskit_machine_learning", "matplotlib")

#: Runs command lines one after the other and says after which one something heavy was there.
SCRIPT = """
import contextlib, io, json, sys
from qaml_qiskit.cli import main
heavy, calls = json.loads(sys.argv[1]), json.loads(sys.argv[2])
found = []
for arguments in calls:
    sys.argv = ["qaml", *arguments]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main.main()
        except SystemExit as leave:
            code = leave.code
    there = [name for name in heavy if name in sys.modules]
    found.append({"arguments": arguments, "code": code, "heavy": there, "said": out.getvalue() + err.getvalue()})
    if there:
        break
print(json.dumps(found))
"""

WRONG = [
    ["train", "--encoding", "aproximate"],
    ["train", "--layers", "0"],
    ["attack", "model", "--attack", "pgdd"],
    ["attack", "model", "--eps", "2"],
    ["attack", "model", "--audit", "--attack", "square"],
    ["transfer", "--sources", "model"],
    ["sweep", "model", "--noise", "depolarising"],
    ["sweep", "model", "--attack", "pdg"],
    ["certify", "model", "--noise", "readout"],
    ["calibrate", "model", "--method", "plat"],
    ["calibrate", "model", "--shots", "10"],
    ["tamper", "model", "--part", "wieghts"],
    ["run", "model", "--mitigation", "zen"],
    ["plan", "model", "--shots", "0"],
    ["submit", "model", "--mode", "btach"],
    ["forecast", "model", "--shots", "0"],
    ["frontier", "model", "--eps", "7"],
    ["decide", "model", "--round", "2000"],
    ["monitor", "stream.csv", "clean.csv"],
    ["encode", "--encoding", "angel"],
    ["resources", "--encoding", "angel"],
    ["demo", "--eps", "7"],
    ["data", "verify", "mnits"],
    ["run", "nowhere"],
    ["transfer", "--sources", "mnist-qvc20@readout:0.1", "--victims", "mnist-qvc200"],
    ["sweep", "nowhere"],
    ["run", "mnist-qvc200", "--target", "fake-torrino"],
    ["plan", "mnist-qvc200", "--recipe", "levle3"],
    ["demo", "--target", "fake-torrino"],
    ["resources", "--recipe", "quick,levle3"],
    ["certify", "mnist-qvc200", "--noise", "dephasing", "--strength", "0.1"],
    ["certify", "mnist-qvc200", "--noise", "bit-flip", "--strength", "1.5"],
    ["transfer", "--sources", "mnist-qvc200", "--victims", "mnist-qvc200@bit-flip:2"],
    ["transfer", "--sources", "mnist-qvc200", "--victims", "mnist-qvc200@fake-torrino"],
    ["runs", "compare", "nowhere"],
    ["runs", "list", "nowhere"],
    ["init", "--nowhere"],
    ["status"],
    ["train", "--epoch", "3"],
    ["runn"],
]


def called(calls: list[list[str]], folder: Path) -> list[dict[str, object]]:
    command = [sys.executable, "-c", SCRIPT, json.dumps(HEAVY), json.dumps(calls)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def test_help_and_version_load_nothing_heavy(tmp_path: Path) -> None:
    calls = [["--version"], ["--help"], ["data"], *([*command.split(), "--help"] for command in COMMANDS)]
    found = called(calls, tmp_path)
    assert [(row["arguments"], row["heavy"], row["code"]) for row in found] == [(call, [], 0) for call in calls]


def test_wrong_options_are_answered_before_anything_heavy_is_loaded(tmp_path: Path) -> None:
    found = called(WRONG, tmp_path)
    assert [(row["arguments"], row["heavy"], row["code"]) for row in found] == [(call, [], 2) for call in WRONG]
    assert list(tmp_path.iterdir()) == []


def test_a_workspace_and_the_list_of_data_need_nothing_heavy(tmp_path: Path) -> None:
    found = called([["init"], ["data", "list"]], tmp_path)
    assert [(row["heavy"], row["code"]) for row in found] == [([], 0)] * 2


def test_the_front_door_loads_nothing_heavy_before_it_is_used() -> None:
    script = (
        "import sys, qaml_qiskit as qaml; dir(qaml), qaml.AttackRequest, qaml.load_dataset; "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize(
    "room", ["workflows", "deployments", "attacks", "execution", "noise", "models", "simulation", "encodings"]
)
def test_importing_a_room_loads_nothing_heavy(room: str) -> None:
    script = f"import sys, qaml_qiskit.{room}; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
