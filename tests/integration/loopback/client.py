"""Runs ``qaml`` in a process of its own against a loopback server: ``python -m tests.integration.loopback.client ...``.

The environment of :meth:`Loopback.environment` is all that a plain ``QiskitRuntimeService()`` needs. This module only
takes the waiting out of the client's retries, and can kill its own process at an exact point of the ledger:
``QAML_TEST_KILL_AT=EVENT[:CHUNK]`` right after that event is on disk, ``before-EVENT[:CHUNK]`` right before.
"""

import functools
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qiskit_ibm_runtime.api.session import PostForcelistRetry

if TYPE_CHECKING:
    import pytest

    from tests.integration.loopback.server import Loopback

KILL_AT = "QAML_TEST_KILL_AT"
_BEFORE = "before-"
#: Between two looks at a job that seems lost.
NO_PAUSES = (0.0, 0.0)


def no_backoff(retry: PostForcelistRetry) -> float:
    """Replaces ``PostForcelistRetry.get_backoff_time``: the client sleeps 15 s over five retries otherwise."""
    return 0.0


def kill_at(append: Callable[..., Any], point: str) -> Callable[..., Any]:
    """``Ledger.append`` that ends the process, with SIGKILL, around the event that ``point`` names."""
    before = point.startswith(_BEFORE)
    event, _, chunk = point.removeprefix(_BEFORE).partition(":")

    @functools.wraps(append)
    def wrapped(self: object, *arguments: Any, **fields: Any) -> Any:
        named = arguments[0] if arguments else fields.get("event")
        here = named == event and (not chunk or str(fields.get("chunk")) == chunk)
        if here and before:
            os.kill(os.getpid(), signal.SIGKILL)
        result = append(self, *arguments, **fields)
        if here:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return wrapped


def connect(server: "Loopback", monkeypatch: "pytest.MonkeyPatch", home: Path) -> None:
    """Let a plain ``QiskitRuntimeService()`` of this process reach ``server``, and its retries follow at once."""
    for name, value in (server.environment() | {"HOME": str(home)}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("qaml_qiskit.execution.reconciliation.LOOK_AGAIN", NO_PAUSES)
    monkeypatch.setattr(PostForcelistRetry, "get_backoff_time", no_backoff)


def main(arguments: list[str]) -> None:
    """Patch, and run ``qaml`` with these arguments."""
    from qaml_qiskit.cli.main import main as qaml
    from qaml_qiskit.execution import reconciliation
    from qaml_qiskit.execution.ledger import Ledger

    PostForcelistRetry.get_backoff_time = no_backoff
    reconciliation.LOOK_AGAIN = NO_PAUSES
    if point := os.environ.get(KILL_AT):
        Ledger.append = kill_at(Ledger.append, point)
    sys.argv = ["qaml", *arguments]
    qaml()


if __name__ == "__main__":
    main(sys.argv[1:])
