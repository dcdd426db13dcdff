"""Processes of their own at the price of a fork: one server imports everything once, and every child is its copy."""

import contextlib
import faulthandler
import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from unittest.mock import patch

_ROOT = Path(__file__).parents[1]
_PRELOAD = "tests.preload"
#: One thread for everything: a fork takes no other threads along.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}
#: Seconds after which a child counts as hung: many times what the slowest command takes on a busy machine.
PATIENCE = 120
#: Bytes of address space that a child may take beyond what it has after its start.
MEMORY = 4 << 30


@dataclass(frozen=True)
class Ended:
    """How a child ended.

    Attributes:
        code: its exit code; negative for the signal that ended it.
        out: what it wrote to standard output.
        err: what it wrote to standard error; for a child that hung, with its stack.
        hung: whether it was still there after :data:`PATIENCE`.
    """

    code: int
    out: str
    err: str
    hung: bool


def server() -> ForkServerContext:
    """The context whose processes are forks of one that has imported everything and started no thread."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([_PRELOAD])
    with contextlib.chdir(_ROOT), patch.dict(os.environ, _ONE_THREAD):
        forkserver.ensure_running()
    return context


class Child:
    """A process that runs a function.

    Args:
        process: started.
        log: the folder with the files that its output goes to.
    """

    def __init__(self, process: BaseProcess, log: Path) -> None:
        self._process = process
        self._log = log

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.is_alive()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        if self._process.pid is not None:
            os.kill(self._process.pid, number)

    def wait(self) -> Ended:
        """Wait for its end; at most :data:`PATIENCE` seconds, then it is ended."""
        self._process.join(PATIENCE)
        if hung := self.alive:
            # The fault handler answers with the stack of every thread.
            self.signal(signal.SIGABRT)
            self._process.join(PATIENCE)
        code = self._process.exitcode
        self._process.close()
        out, err = ((self._log / name).read_text(errors="replace") for name in ("out", "err"))
        return Ended(-signal.SIGABRT if code is None else code, out, err, hung)


def start(function: Callable[..., None], *arguments: object, folder: Path, environment: dict[str, str]) -> Child:
    """Call a function in a child whose working directory is ``folder``."""
    log = folder.with_name(f"{folder.name}.log")
    log.mkdir(exist_ok=True)
    process = server().Process(target=_bounded, args=(function, arguments, folder, log, environment))
    process.start()
    return Child(process, log)


def run(function: Callable[..., None], *arguments: object, folder: Path, environment: dict[str, str]) -> Ended:
    """Call a function in a child whose working directory is ``folder``, and wait for its end."""
    return start(function, *arguments, folder=folder, environment=environment).wait()


def qaml(arguments: list[str]) -> None:
    """The command line, as a child's function; leaves through SystemExit."""
    sys.argv = ["qaml", *arguments]
    from qaml_qiskit.cli.main import main

    main()


def unwaited_sync(descriptor: int) -> None:
    """In place of ``os.fsync``: only a loss of power would show the difference, and no test waits for a disk."""
    os.fstat(descriptor)


def _bounded(
    function: Callable[..., None], arguments: tuple[object, ...], folder: Path, log: Path, environment: dict[str, str]
) -> None:
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(log / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    faulthandler.enable(2)
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else 0
    limit = pages * os.sysconf("SC_PAGE_SIZE") + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # The server goes on without a word when its imports fail, and then every child would import for itself.
    assert _PRELOAD in sys.modules, f"the server could not import {_PRELOAD}"
    os.chdir(folder)
    os.environ.update(environment)
    sys.stdin = open(os.devnull)  # noqa: PTH123, SIM115 - it lives as long as the process
    function(*arguments)
