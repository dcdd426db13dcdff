"""A command that is stopped or killed leaves a run that the same command finishes to the same result."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from qaml_qiskit.artifacts.training import CHECKPOINT_FILE
from tests import child
from tests.child import Child
from tests.integration.conftest import Finished

ARGUMENTS = ["train", "--epochs", "20", "--layers", "2", "--classes", "0,1,2", "--json"]
START_SECONDS = 60


def training(run: Path) -> Child:
    return child.start(child.qaml, [*ARGUMENTS, "--out", str(run)], folder=run.parent, environment={})


def wait_for(path: Path, process: Child) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not path.exists():
        assert process.alive, process.wait().err
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.005)


def finish(run: Path) -> dict[str, bytes]:
    ended = training(run).wait()
    assert ended.code == 0, ended.err
    return {name: (run / name).read_bytes() for name in ("model.safetensors", "metrics.json", "predictions.npz")}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return finish(tmp_path_factory.mktemp("undisturbed") / "run")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_stopped_training_resumes_to_the_same_weights(
    number: signal.Signals, tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    """The signal comes once the first checkpoint is there, anywhere in an epoch."""
    run = tmp_path / "runs" / "run"
    run.parent.mkdir()
    process = training(run)
    wait_for(run / CHECKPOINT_FILE, process)
    process.signal(number)
    ended = process.wait()
    if number != signal.SIGKILL and ended.code != 0:
        assert ended.code == 6
        assert ended.out == ""
        assert "run the same command again" in ended.err.lower()
        assert "Traceback" not in ended.err
    assert finish(run) == undisturbed
    assert not (run / CHECKPOINT_FILE).exists()


def test_corrupt_checkpoint_is_named(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "run"
    run.parent.mkdir()
    process = training(run)
    checkpoint = run / CHECKPOINT_FILE
    wait_for(checkpoint, process)
    process.signal(signal.SIGKILL)
    assert process.wait().code == -signal.SIGKILL
    checkpoint.write_bytes(b"torn")
    again = training(run).wait()
    assert again.code == 2
    assert "corrupt checkpoint" in again.err
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
