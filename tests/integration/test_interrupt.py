"""A command that is stopped or killed leaves a run that the same command finishes to the same result."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from qaml_qiskit.artifacts.training import CHECKPOINT_FILE
from tests.integration.conftest import Finished

ARGUMENTS = ["train", "--epochs", "20", "--layers", "2", "--classes", "0,1,2", "--json"]
START_SECONDS = 60


def qaml(out: str, *, first: list[str] | None = None) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-c",
        "from qaml_qiskit.cli.main import main; main()",
        *(first or ARGUMENTS),
        "--out",
        out,
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not path.exists():
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.005)


def finish(out: Path) -> dict[str, bytes]:
    process = qaml(out)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return {name: (out / name).read_bytes() for name in ("model.safetensors", "metrics.json", "predictions.npz")}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return finish(tmp_path_factory.mktemp("undisturbed") / "run")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_stopped_training_resumes_to_the_same_weights(
    number: signal.Signals, tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    """The signal comes once the first checkpoint is there, anywhere in an epoch."""
    run = tmp_path / "run"
    process = qaml(run)
    wait_for(run / CHECKPOINT_FILE, process)
    os.kill(process.pid, number)
    output, errors = process.communicate(timeout=60)
    if number != signal.SIGKILL and process.returncode != 0:
        assert process.returncode == 6
        assert output == b""
        assert b"run the same command again" in errors.lower()
        assert b"Traceback" not in errors
    assert finish(run) == undisturbed
    assert not (run / CHECKPOINT_FILE).exists()


def test_corrupt_checkpoint_is_named(tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = qaml(run)
    checkpoint = run / CHECKPOINT_FILE
    wait_for(checkpoint, process)
    process.kill()
    process.communicate(timeout=60)
    checkpoint.write_bytes(b"torn")
    again = qaml(run)
    _, errors = again.communicate(timeout=60)
    assert again.returncode == 2
    assert b"corrupt checkpoint" in errors
    assert checkpoint.read_bytes() == b"torn"


def test_an_interrupted_command_says_that_what_was_finished_is_kept(
    monkeypatch: pytest.MonkeyPatch, qaml: Callable[..., Finished]
) -> None:
    def interrupted(data_dir: Path | None = None) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("qaml_qiskit.list_data", interrupted)
    finished = qaml("data", "list")
    assert finished.code == 130
    assert finished.err.startswith("Error: interrupted. What was finished is kept")
