"""``qaml`` in a child that ends itself at an exact point: the n-th time it touches the disk or the network."""

import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from qiskit_ibm_runtime.api import session

from qaml_qiskit.execution import reconciliation
from tests import child
from tests.integration.loopback.client import NO_PAUSES, no_backoff

#: Where a child writes how many points it passed.
COUNT_FILE = "points"
_TOUCHES = ("open", "os.rename", "os.mkdir", "os.remove", "os.link", "os.rmdir", "os.truncate", "os.chmod")


@dataclass(frozen=True)
class Kill:
    """A signal to itself at the ``point``-th touch, counted from 1. Point 0 is never."""

    number: signal.Signals = signal.SIGKILL
    point: int = 0


def qaml(arguments: list[str], kill: Kill, workspace: Path) -> None:
    """Run ``qaml`` with these arguments; leaves through SystemExit, or by the signal.

    A point is just before a file in ``workspace`` is opened, made, renamed or removed, before a flush to the disk,
    and before and after bytes leave through a socket.
    """
    points = _Points(kill)
    home = str(workspace)

    def audit(event: str, details: tuple[Any, ...]) -> None:
        if event in _TOUCHES and str(details[0]).startswith(home):
            points.reached()

    def relative(event: str, details: tuple[Any, ...]) -> None:
        audit(event, (str(workspace / str(details[0])) if details else "",))

    session.PostForcelistRetry.get_backoff_time = no_backoff
    reconciliation.LOOK_AGAIN = NO_PAUSES
    # The client looks through the stack before every request, for a header; that takes two thirds of a command's time.
    session.inspect = SimpleNamespace(stack=list)
    os.fsync = _around(os.fsync, points, after=False)
    socket.socket.sendall = _around(socket.socket.sendall, points, after=True)
    sys.addaudithook(relative)
    try:
        child.qaml(arguments)
    finally:
        count, points.kill = points.count, Kill()
        workspace.with_name(COUNT_FILE).write_text(str(count))


class _Points:
    def __init__(self, kill: Kill) -> None:
        self.kill = kill
        self.count = 0

    def reached(self) -> None:
        self.count += 1
        if self.count == self.kill.point:
            os.kill(os.getpid(), self.kill.number)


def _around(function: Callable[..., Any], points: _Points, *, after: bool) -> Callable[..., Any]:
    def wrapped(*arguments: Any) -> Any:
        points.reached()
        result = function(*arguments)
        if after:
            points.reached()
        return result

    return wrapped
