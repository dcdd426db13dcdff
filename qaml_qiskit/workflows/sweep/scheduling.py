"""Many independent cells, one after the other or on a Dask cluster; the answers are the same.

Dask is an optional dependency. A cell must be picklable, its function importable, and neither may depend on anything
else: then a cell that a lost worker took with it is computed again, and the order of the answers does not matter.
"""

import importlib
import logging
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from qaml_qiskit.errors import ConfigurationError

Task = TypeVar("Task")
Answer = TypeVar("Answer")

#: Cells that are with the scheduler for every worker: one that runs and one that waits.
_IN_FLIGHT = 2
#: Seconds to reach a scheduler, and for its first worker to appear.
_CONNECTING, _STARTING = 5, 60
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
        distributed = _dask()
        width = max(1, len(self._client.nthreads()))
        waiting, running = list(reversed(tasks)), {}
        finished = distributed.as_completed()

        def submit() -> None:
            future = self._client.submit(function, waiting[-1], pure=False)
            running[future.key] = waiting.pop()
            finished.add(future)

        for _ in range(min(len(waiting), _IN_FLIGHT * width)):
            submit()
        for future in finished:
            task = running.pop(future.key)
            answer = _answer(future, distributed)
            if waiting:
                submit()
            yield task, answer


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
    with dask.config.set(settings), _client(distributed, cluster) as client:
        _check_workers(client, cluster)
        yield Scheduling(client)


@contextmanager
def _client(distributed: Any, cluster: Cluster) -> Iterator[Any]:
    if cluster.scheduler is None:
        with _deaf_children():
            local = distributed.LocalCluster(
                n_workers=cluster.workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
                memory_limit=0,
                silence_logs=logging.CRITICAL,
            )
        with local, distributed.Client(local) as client:
            yield client
        return
    try:
        client = distributed.Client(cluster.scheduler, timeout=_CONNECTING)
    except (OSError, TimeoutError, ValueError, TypeError) as error:
        raise ConfigurationError(
            "no Dask scheduler answers there",
            got=f"{cluster.scheduler} ({type(error).__name__})",
            expected="the address of a running `dask scheduler`, such as tcp://host:8786",
            remedy="check the address, or use --workers for processes on this machine",
        ) from error
    with client:
        yield client


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


def _answer(future: Any, distributed: Any) -> Any:
    try:
        return future.result()
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
