"""A trained model and the command line, for tests of whole commands."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from qaml_qiskit import TrainRequest, train
from qaml_qiskit.cli.main import main
from tests.integration.hardware import workspace
from tests.pixel import save_pixel


@dataclass(frozen=True)
class Finished:
    """What a command left behind."""

    code: int
    out: str
    err: str

    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.out))


@pytest.fixture
def qaml(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Finished]:
    """Run ``qaml`` in this process."""

    def call(*arguments: object) -> Finished:
        monkeypatch.setattr(sys, "argv", ["qaml", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as leave:
            main()
        captured = capsys.readouterr()
        return Finished(int(leave.value.code or 0), captured.out, captured.err)

    return call


@pytest.fixture(autouse=True, scope="module")
def plain_pictures() -> Iterator[None]:
    """Pictures are put together and not drawn."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("matplotlib.figure.Figure.savefig", save_pixel)
        yield


@pytest.fixture
def far_worker() -> Iterator[str]:
    """The address of a Dask scheduler with one worker, in this process."""
    distributed = pytest.importorskip("distributed")
    options = {"processes": False, "n_workers": 1, "threads_per_worker": 1, "dashboard_address": ":0"}
    with distributed.LocalCluster(**options) as cluster:
        yield cluster.scheduler_address


def results(run: Path) -> dict[str, bytes]:
    """What a run holds in arrays, JSON and CSV, by the names of the files."""
    files = {str(path.relative_to(run)): path for path in run.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if path.suffix in (".npz", ".json", ".csv")}


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a small QVC on digits 0 to 2."""
    folder = tmp_path_factory.mktemp("trained") / "qvc"
    train(TrainRequest(classes=(0, 1, 2), layers=3, epochs=3, seed=1), out=folder)
    return folder


@pytest.fixture(scope="session")
def trained_convnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a ConvNet on the same digits."""
    folder = tmp_path_factory.mktemp("trained") / "convnet"
    train(TrainRequest(model="convnet", classes=(0, 1, 2), epochs=1, seed=1), out=folder)
    return folder


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model of two qubits and five images, in the folder that commands are given in."""
    folder = workspace(tmp_path / "work")
    (folder / "backends.yaml").unlink()
    monkeypatch.chdir(folder)
    return folder
