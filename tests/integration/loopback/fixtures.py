"""A running server for tests in the same process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.hardware import workspace
from tests.integration.loopback.client import connect
from tests.integration.loopback.server import MANILA, Loopback


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Loopback]:
    """A server with ``loopback_torino``, on which a plain ``QiskitRuntimeService()`` lands."""
    with Loopback() as server:
        connect(server, monkeypatch, tmp_path / "home")
        yield server


@pytest.fixture
def small_loopback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Loopback]:
    """The same with the five qubits of ``loopback_manila``."""
    with Loopback({MANILA: "manila"}) as server:
        connect(server, monkeypatch, tmp_path / "home")
        yield server


@pytest.fixture
def server(small_loopback: Loopback) -> Loopback:
    """The small server, under the name that tests of whole runs call it."""
    return small_loopback


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a model, images and a backends.yaml for that server."""
    return workspace(tmp_path / "work")


@pytest.fixture
def run(place: Path) -> Path:
    """Where a run goes."""
    return place / "run"
