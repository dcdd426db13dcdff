"""Sweeps on a Dask cluster: the same table, whatever happens to the workers."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

distributed = pytest.importorskip("distributed")

import dask  # noqa: E402

from qaml_qiskit import Outcome, SweepRequest, sweep  # noqa: E402
from qaml_qiskit.artifacts import dask_client, dask_pool  # noqa: E402
from qaml_qiskit.artifacts.mapping import HERE, Bar, Pool, compute_tasks  # noqa: E402
from qaml_qiskit.artifacts.pool import open_pool  # noqa: E402
from qaml_qiskit.errors import ConfigurationError, InputError, PartialResultError  # noqa: E402
from qaml_qiskit.progress import Advance, Silent  # noqa: E402
from tests import child  # noqa: E402
from tests.integration.conftest import Finished  # noqa: E402
from tests.integration.hardware import workspace  # noqa: E402

Qaml = Callable[..., Finished]
pytestmark = pytest.mark.first


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return workspace(tmp_path / "work")


@pytest.fixture
def in_process() -> Iterator[str]:
    """The address of a cluster of three workers in this process."""
    options = {"processes": False, "n_workers": 3, "threads_per_worker": 1, "dashboard_address": ":0"}
    with distributed.LocalCluster(**options) as cluster:
        yield cluster.scheduler_address


class Killer:
    """A progress display that kills a worker with a cell in its hands when the first cell has finished."""

    def __init__(self) -> None:
        self.killed: list[int] = []
        self.lost: list[str] = []

    @contextmanager
    def task(self, description: str, total: int, done: int = 0) -> Iterator[Callable[..., None]]:
        def advance(steps: int, note: str = "") -> None:
            if not self.killed:
                client = distributed.default_client()
                busy = next(address for address, cells in client.processing().items() if cells)
                self.lost = list(client.processing()[busy])
                self.killed.append(client.run(os.getpid, workers=[busy])[busy])
                os.kill(self.killed[0], signal.SIGKILL)

        yield advance

    def say(self, message: str) -> None:
        pass


def request(place: Path) -> SweepRequest:
    return SweepRequest(
        model=(str(place / "model"), str(place / "other")),
        images=str(place / "images.npz"),
        noise=("depolarizing", "readout"),
        strengths=(0.01, 0.1),
        attack=("pgd",),
        mitigation=("none", "readout"),
        engine="aer-sampler",
        shots=(100, 1000),
    )


@dataclass(frozen=True)
class Serial:
    """A workspace with a sweep of this process alone, in ``serial``, and what came out."""

    place: Path
    outcome: Outcome


@pytest.fixture(scope="module")
def serial(tmp_path_factory: pytest.TempPathFactory) -> Serial:
    place = workspace(tmp_path_factory.mktemp("serial") / "work")
    return Serial(place, sweep(request(place), out=place / "serial"))


def test_a_killed_worker_changes_nothing(serial: Serial) -> None:
    place, killer = serial.place, Killer()
    # Workers as copies of what has imported everything; tests/unit/artifacts starts them as a user's are.
    child.server()
    with dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}):
        spread = sweep(request(place), out=place / "spread", workers=2, progress=killer)
    assert killer.killed[0] != os.getpid()
    assert killer.lost
    assert spread.results == serial.outcome.results
    for name in ("sweep.csv", "metrics.json"):
        assert (place / "spread" / name).read_bytes() == (place / "serial" / name).read_bytes()
    cells = {path.name: path.read_bytes() for path in (place / "serial" / "cells").iterdir()}
    assert {path.name: path.read_bytes() for path in (place / "spread" / "cells").iterdir()} == cells


def values(work: Callable[[float, Advance], object], tasks: Sequence[float], pool: Pool) -> list[tuple[str, object]]:
    """Keys and values as they come."""
    return list(compute_tasks({str(task): task for task in tasks}, work, bar=Bar(Silent(), "computing"), pool=pool))


def slow_first(number: float, advance: Advance) -> float:
    time.sleep(0.2 if number == 0 else 0)
    return number * number


def test_every_task_is_answered_once_in_any_order(in_process: str) -> None:
    with open_pool(scheduler=in_process) as pool:
        found = values(slow_first, range(20), pool)
    assert found[0][0] != "0"
    assert dict(found) == {str(number): number * number for number in range(20)}
    assert len(found) == 20


def refuse(number: float, advance: Advance) -> float:
    raise InputError("cannot use this", got=number, expected="another", remedy="change it")


def test_an_error_of_a_worker_arrives_whole(in_process: str) -> None:
    with open_pool(scheduler=in_process) as pool, pytest.raises(InputError) as found:
        values(refuse, [3], pool)
    with pytest.raises(InputError) as serial:
        values(refuse, [3], HERE)
    assert str(found.value) == str(serial.value)


def lose(number: float, advance: Advance) -> float:
    raise TimeoutError("the task's own")


def test_a_foreign_error_of_a_worker_is_not_taken_for_a_lost_scheduler(in_process: str) -> None:
    with open_pool(scheduler=in_process) as pool, pytest.raises(TimeoutError, match="the task's own") as found:
        values(lose, [3], pool)
    assert "in lose" in found.value.__notes__[0]


def test_workers_with_threads_are_refused() -> None:
    options = {"processes": False, "n_workers": 1, "threads_per_worker": 2, "dashboard_address": ":0"}
    with (
        distributed.LocalCluster(**options) as cluster,
        pytest.raises(ConfigurationError, match="one thread a worker"),
        open_pool(scheduler=cluster.scheduler_address),
    ):
        pass


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense", "tcp://no-such-host.invalid:1"])
def test_an_unknown_scheduler_is_one_line(
    qaml: Qaml, place: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_client, "CONNECTING", 0.5)
    words = ("sweep", place / "model", "--images", place / "images.npz", "--out", place / "run")
    refused = qaml(*words, "--scheduler", address)
    assert refused.code == 2
    assert refused.err.splitlines()[-1].startswith("Error: no Dask scheduler answers there")
    assert address in refused.err
    assert not (place / "run").exists()


@pytest.mark.parametrize("words", [("--workers", "0"), ("--workers", "2", "--scheduler", "tcp://127.0.0.1:9")])
def test_workers_that_cannot_be(qaml: Qaml, place: Path, words: tuple[str, ...]) -> None:
    refused = qaml("sweep", place / "model", "--images", place / "images.npz", *words)
    assert refused.code == 2
    assert ("cannot spread" if "2" in words else "--workers does not fit: got 0") in refused.err


def test_without_dask(qaml: Qaml, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    words = ("sweep", place / "model", "--images", place / "images.npz", "--strengths", "0.1", "--json")
    refused = qaml(*words, "--workers", "2")
    assert refused.code == 2
    assert "qaml-qiskit[dask]" in refused.err
    assert json.loads(qaml(*words).out)["results"]


def test_a_scheduler_that_dies_in_the_middle_leaves_what_was_finished(serial: Serial) -> None:
    place = serial.place
    cluster = distributed.LocalCluster(
        processes=False, n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0"
    )

    class Closing:
        """A progress display that takes the scheduler away when the first cell has finished."""

        @contextmanager
        def task(self, description: str, total: int, done: int = 0) -> Iterator[Callable[..., None]]:
            yield lambda steps, note="": cluster.close()

        def say(self, message: str) -> None:
            pass

    with pytest.raises(PartialResultError, match=r"scheduler is gone.*run the same command"):
        sweep(request(place), out=place / "run", scheduler=cluster.scheduler_address, progress=Closing())
    kept = {path.name: path.stat().st_mtime_ns for path in (place / "run" / "cells").iterdir()}
    assert kept
    assert sweep(request(place), out=place / "run").results == serial.outcome.results
    assert kept.items() <= {path.name: path.stat().st_mtime_ns for path in (place / "run" / "cells").iterdir()}.items()


def test_a_scheduler_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_client, "CONNECTING", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with (
            pytest.raises(ConfigurationError, match="no Dask scheduler answers there"),
            open_pool(scheduler=address),
        ):
            pass


def test_a_scheduler_is_asked_from_a_notebook_too(in_process: str) -> None:
    """There an event loop runs already."""

    async def cell() -> dict[str, object]:
        with open_pool(scheduler=in_process) as pool:
            return dict(values(slow_first, range(3), pool))

    assert asyncio.run(cell()) == {"0": 0, "1": 1, "2": 4}


def sleep(seconds: float, advance: Advance) -> None:
    time.sleep(seconds)


def test_a_scheduler_that_falls_silent_is_not_waited_for(in_process: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing comes, and a sign of life is asked for in vain."""
    with open_pool(scheduler=in_process) as pool:
        monkeypatch.setattr(dask_pool, "SILENCE", 0.2)

        def silent(address: str, seconds: float) -> None:
            raise TimeoutError

        monkeypatch.setattr(dask_pool, "ask", silent)
        with pytest.raises(PartialResultError, match="scheduler is gone"):
            values(sleep, [1.0], pool)


def test_results_that_take_their_time_are_waited_for(in_process: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As those do that were lost with a worker: the scheduler lives, and they are computed again."""
    late = iter([True, False, True, True])
    result = distributed.Future.result

    def patient(future: distributed.Future, timeout: float | None = None) -> object:
        if next(late, False):
            raise TimeoutError
        return result(future, timeout=timeout)

    monkeypatch.setattr(distributed.Future, "result", patient)
    with open_pool(scheduler=in_process) as pool:
        assert dict(values(slow_first, range(5), pool)) == {str(number): number**2 for number in range(5)}
    assert next(late, None) is None


@pytest.mark.slow
def test_a_script_without_a_guard_is_told_what_to_do(place: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("from qaml_qiskit.artifacts.pool import open_pool\nwith open_pool(workers=1):\n    pass\n")
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode != 0
    lines = ended.stderr.splitlines()
    assert 'if __name__ == "__main__"' in lines[-1]
    # Only the way from the script to the pool, and nothing of the workers.
    assert len(lines) < 30
