"""A running server for tests in the same process."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from qiskit_ibm_runtime.api.session import PostForcelistRetry

from tests.integration.loopback.client import no_backoff
from tests.integration.loopback.server import MANILA, Loopback


def connect(server: Loopback, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Let a plain ``QiskitRuntimeService()`` of this process reach ``server``, and its retries follow at once."""
    for name, value in (server.environment() | {"HOME": str(home)}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(PostForcelistRetry, "get_backoff_time", no_backoff)


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
