"""Many independent cells, one after the other or on a Dask cluster; the answers are the same.

Dask is an optional dependency. A cell must be picklable, its function importable, and neither may depend on anything
else: then a cell that a lost worker took with it is computed again, and the order of the answers does not matter.
"""

import asyncio
import importlib
import logging
import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, Queue
from typing import Any, Generic, TypeVar

from qaml_qiskit.errors import ConfigurationError, PartialResultError

Task = TypeVar("Task")
Answer = TypeVar("Answer")

#: Cells that are with the scheduler for every worker: one that runs and one that waits.
_IN_FLIGHT = 2
#: Seconds to reach a scheduler, and for its first worker to appear.
_CONNECTING, _STARTING = 5, 60
#: Seconds without news after which the scheduler is asked for a sign of life.
_SILENCE = 30
#: What a scheduler that is not there, or not any more, ends in.
_GONE = (OSError, TimeoutError)
#: How often a cell may take its worker with it, or be lost with a worker, before that is taken for the cell's fault.
_LOSSES = 5


@dataclass(frozen=True)
class Cluster:
    """Where cells are computed.

    Attributes:
        workers: processes on this machine; None for this process alone.
        scheduler: the address of a running Dask scheduler; None for no such.
    """

    workers: int | None = None
    scheduler: str | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and (self.workers < 1 or self.scheduler is not None):
            raise ConfigurationError(
                "cannot spread the work like this",
                got=f"{self.workers} workers" + (f" and the scheduler {self.scheduler}" if self.scheduler else ""),
                expected="at least one worker on this machine, or the address of a scheduler, not both",
                remedy="give --workers or --scheduler",
            )

    @property
    def is_this_process(self) -> bool:
        """Whether nothing is spread."""
        return self.workers is None and self.scheduler is None


class Scheduling(Generic[Task, Answer]):
    """Computes cells in this process or on an open cluster. Make it with :func:`open_cluster`."""

    def __init__(self, client: Any = None) -> None:
        self._client = client

    def run(
        self, function: Callable[[Task], Answer], tasks: Sequence[Task], done: Callable[[Task, Answer], None]
    ) -> None:
        """Compute every task; ``done`` is called in this process as each finishes, in any order.

        Raises:
            QamlError: one that ``function`` raised, or a task that cost too many workers.
        """
        if self._client is None:
            for task in tasks:
                done(task, function(task))
            return
        for task, answer in self._spread(function, tasks):
            done(task, answer)

    def _spread(self, function: Callable[[Task], Answer], tasks: Sequence[Task]) -> Iterator[tuple[Task, Any]]:
        width = max(1, len(self._client.nthreads()))
        waiting, running = list(reversed(tasks)), {}
        finished: Queue[Any] = Queue()

        def submit() -> None:
            future = self._client.submit(function, waiting[-1], pure=False)
            running[future.key] = waiting.pop(), future
            future.add_done_callback(finished.put)

        for _ in range(min(len(waiting), _IN_FLIGHT * width)):
            submit()
        while running:
            future = self._next(finished)
            task, _ = running.pop(future.key)
            answer = _answer(future)
            if waiting:
                submit()
            yield task, answer

    def _next(self, finished: "Queue[Any]") -> Any:
        """The next future that ended; while none does, the scheduler is asked whether it still lives."""
        while True:
            try:
                return finished.get(timeout=_SILENCE)
            except Empty:
                try:
                    _ask(self._client.scheduler.address, _SILENCE)
                except _GONE as error:
                    raise _lost(error) from error


@contextmanager
def open_cluster(cluster: Cluster) -> Iterator[Scheduling[Any, Any]]:
    """Connect to a scheduler, or start one with its workers on this machine; both end with the block.

    Raises:
        ConfigurationError: Dask is not installed, no scheduler answers, or its workers do not fit.
    """
    if cluster.is_this_process:
        yield Scheduling()
        return
    distributed = _dask()
    dask = importlib.import_module("dask")
    # Cells carry their images, and the scheduler holds only a few cells at a time.
    settings = {
        "distributed.scheduler.allowed-failures": _LOSSES,
        "distributed.admin.large-graph-warning-threshold": "1GB",
    }
    # What Dask logs of connections that it lost goes on for pages; what matters is said once, here.
    quiet = distributed.utils.silence_logging_cmgr(logging.CRITICAL)
    with dask.config.set(settings), quiet, _client(distributed, cluster) as client:
        _check_workers(client, cluster)
        yield Scheduling(client)


@contextmanager
def _client(distributed: Any, cluster: Cluster) -> Iterator[Any]:
    if cluster.scheduler is None:
        with _local(distributed, cluster.workers) as local, distributed.Client(local) as client:
            yield client
        return
    try:
        # The client itself would wait for minutes where something listens and does not answer.
        _ask(cluster.scheduler, _CONNECTING)
        client = distributed.Client(cluster.scheduler, timeout=_CONNECTING)
    except (*_GONE, ValueError, TypeError) as error:
        raise ConfigurationError(
            "no Dask scheduler answers there",
            got=f"{cluster.scheduler} ({type(error).__name__})",
            expected="the address of a running `dask scheduler`, such as tcp://host:8786",
            remedy="check the address, or use --workers for processes on this machine",
        ) from error
    try:
        yield client
    finally:
        # One that is gone is not waited for.
        client.close(timeout=_CONNECTING)


def _local(distributed: Any, workers: int | None) -> Any:
    """A cluster of processes on this machine."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        # A worker that runs the user's script from its top and came to the call that is starting it: the process that
        # waits for it says what is wrong.
        raise SystemExit(0)
    with _deaf_children():
        try:
            return distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address="127.0.0.1:0",
                memory_limit=0,
                silence_logs=logging.CRITICAL,
            )
        except RuntimeError:
            # What Dask says goes on for pages and is about its own processes.
            raise ConfigurationError(
                "the worker processes did not start",
                got="processes that ended before they could work",
                expected="""a script that works below `if __name__ == "__main__":`, as every worker reads it again""",
                remedy="put the call below that line, or leave out workers",
            ) from None


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Processes started meanwhile do not hear a Ctrl-C: it is meant for this process, which then ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)


def _check_workers(client: Any, cluster: Cluster) -> None:
    try:
        client.wait_for_workers(1, timeout=_STARTING)
    except TimeoutError as error:
        raise ConfigurationError(
            "the Dask scheduler has no workers",
            got=f"none within {_STARTING} s",
            expected="at least one",
            remedy="start some with `dask worker ADDRESS --nworkers 4 --nthreads 1`",
        ) from error
    for address, threads in client.nthreads().items():
        if threads != 1:
            raise ConfigurationError(
                "the Dask workers do not fit",
                got=f"{threads} threads in {address}",
                expected="one thread a worker, because cells in one process would share their random numbers",
                remedy=f"start workers with `dask worker {cluster.scheduler} --nworkers 4 --nthreads 1`",
            )


def _ask(address: str, seconds: float) -> None:
    """Whether a scheduler answers within so many seconds; raises one of :data:`_GONE` otherwise."""

    async def ask() -> None:
        comm = await importlib.import_module("distributed.comm").connect(address, timeout=seconds)
        try:
            await comm.write({"op": "identity", "reply": True})
            await comm.read()
        finally:
            comm.abort()

    # In a thread of its own: a notebook has an event loop already, and no second one can run in its thread.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(asyncio.wait_for(ask(), seconds))).result()


def _lost(error: BaseException) -> PartialResultError:
    return PartialResultError(
        "the Dask scheduler is gone",
        got=f"no answer ({type(error).__name__})",
        expected="a scheduler that lives as long as the work",
        remedy="what was finished is kept: start the scheduler again and run the same command to go on",
    )


def _answer(future: Any) -> Any:
    distributed = _dask()
    try:
        return future.result(timeout=_SILENCE)
    except (*_GONE, CancelledError, asyncio.CancelledError) as error:
        raise _lost(error) from error
    except ImportError as error:
        raise ConfigurationError(
            "the Dask workers do not fit",
            got=f"{type(error).__name__}: {error}",
            expected="workers with the same packages as this process",
            remedy="install qaml-qiskit where the workers run, in the same version",
        ) from error
    except distributed.scheduler.KilledWorker as error:
        raise ConfigurationError(
            "a cell was lost with its worker again and again",
            got=f"{_LOSSES + 1} lost workers",
            expected="workers that live as long as a cell takes",
            remedy="look into the workers' logs; a worker that needs more memory than there is gets killed",
        ) from error


def _dask() -> Any:
    try:
        return importlib.import_module("distributed")
    except ImportError as error:
        raise ConfigurationError(
            "Dask is not installed",
            got="a request to spread the work",
            expected="the package distributed",
            remedy="pip install 'qaml-qiskit[dask]', or leave out --workers and --scheduler",
        ) from error
