"""Two machines on one folder: the lease keeps the second out, and a dead holder keeps nobody out for long."""

import itertools
import json
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.execution import Ledger, lease
from qaml_qiskit.execution.lease import GONE, LEASE_FILE, host_lease


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A lease that another machine holds."""
    file = tmp_path / LEASE_FILE
    file.write_text(json.dumps({"host": "another", "mark": "x"}))
    return file


def test_another_machine_is_told_who_holds_the_folder(tmp_path: Path, elsewhere: Path) -> None:
    with pytest.raises(ConfigurationError, match="a process on another"), Ledger(tmp_path / "jobs.jsonl").exclusive():
        pass
    assert elsewhere.exists()


def test_a_holder_without_a_sign_of_life_is_gone(tmp_path: Path, elsewhere: Path) -> None:
    old = elsewhere.stat().st_mtime - GONE - 1
    os.utime(elsewhere, (old, old))
    with host_lease(tmp_path):
        assert json.loads(elsewhere.read_text())["host"] != "another"
    assert not elsewhere.exists()


def leave(file: Path, host: str, age: float) -> None:
    """A lease of another machine, last touched some seconds ago."""
    file.write_text(json.dumps({"host": host, "mark": host}))
    then = file.stat().st_mtime - age
    os.utime(file, (then, then))


def after_each_look(monkeypatch: pytest.MonkeyPatch, work: Callable[[int], None]) -> None:
    """Do something between the look at a lease and what follows from it; told how many looks there were before."""
    look, looks = lease._refuse_if_alive, itertools.count()

    def looking(file: Path, content: bytes) -> None:
        look(file, content)
        work(next(looks))

    monkeypatch.setattr(lease, "_refuse_if_alive", looking)


def test_of_two_that_find_a_stale_lease_one_takes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / LEASE_FILE
    leave(file, "another", GONE + 1)
    after_each_look(monkeypatch, lambda _: leave(file, "third", 0))
    with pytest.raises(ConfigurationError, match="a process on third"), host_lease(tmp_path):
        pass
    assert json.loads(file.read_text())["mark"] == "third"
    assert list(tmp_path.iterdir()) == [file]


def test_a_lease_is_taken_after_any_number_of_stale_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / LEASE_FILE
    leave(file, "another", GONE + 1)
    after_each_look(monkeypatch, lambda looks: leave(file, f"another-{looks}", GONE + 1) if looks < 4 else None)
    with host_lease(tmp_path):
        assert json.loads(file.read_text())["host"] == socket.gethostname()
    assert list(tmp_path.iterdir()) == []


def test_a_lease_that_was_taken_over_is_not_kept_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qaml_qiskit.execution.lease.BEAT", 0.001)
    with host_lease(tmp_path):
        (beat,) = (thread for thread in threading.enumerate() if thread.name == "lease")
        leave(tmp_path / LEASE_FILE, "another", 0)
        beat.join(60)
        assert not beat.is_alive()


def test_a_process_of_this_machine_that_was_killed_leaves_nothing_in_the_way(
    tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "another")
    with host_lease(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_holder_touches_its_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touched = threading.Event()
    monkeypatch.setattr("qaml_qiskit.execution.lease.BEAT", 0.001)
    monkeypatch.setattr("os.utime", lambda file: touched.set())
    with host_lease(tmp_path):
        assert touched.wait(60)


def test_a_lease_that_was_taken_over_is_left_alone(tmp_path: Path) -> None:
    with host_lease(tmp_path):
        (tmp_path / LEASE_FILE).write_text(json.dumps({"host": "another", "mark": "x"}))
    assert (tmp_path / LEASE_FILE).exists()


def test_a_folder_that_cannot_be_written_is_no_trouble_of_the_lease(tmp_path: Path) -> None:
    with host_lease(tmp_path / "missing"):
        pass
