"""A client of Dask, which is an optional dependency: connected to a scheduler, or with workers of its own.

What does not fit is said before any work: no scheduler, no workers, workers with threads, or with other versions of
what results depend on.
"""

import asyncio
import importlib
import logging
import multiprocessing
import platform
import signal
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from qaml_qiskit.environment import package_versions
from qaml_qiskit.errors import ConfigurationError, PartialResultError
from qaml_qiskit.text import printable

#: Seconds to reach a scheduler, and for its first worker to appear.
CONNECTING, _STARTING = 5, 60
#: What a scheduler that is not there, or not any more, ends in.
GONE = (OSError, TimeoutError)
#: How often a task may take its worker with it, or be lost with a worker, before that is taken for the task's fault.
LOSSES = 5
#: What results depend on to the last digit, and what is sent between processes.
_PACKAGES = ("qaml-qiskit", "torch", "qiskit", "qiskit-aer", "numpy")

#: Versions of Python and packages by name; None for what is not installed.
Versions = Mapping[str, str | None]


@contextmanager
def open_client(workers: int | None, scheduler: str | None) -> Iterator[Any]:
    """Connect to a scheduler, or start one with its workers on this machine; both end with the block.

    Raises:
        ConfigurationError: Dask is not installed, no scheduler answers, or its workers do not fit.
    """
    distributed = dask_distributed()
    dask = importlib.import_module("dask")
    # Tasks carry their images, and the scheduler holds only a few tasks at a time.
    settings = {
        "distributed.scheduler.allowed-failures": LOSSES,
        "distributed.admin.large-graph-warning-threshold": "1GB",
    }
    # What Dask logs of connections that it lost goes on for pages; what matters is said once, here.
    quiet = distributed.utils.silence_logging_cmgr(logging.CRITICAL)
    with dask.config.set(settings), quiet, _client(distributed, workers, scheduler) as client:
        _check_workers(client, scheduler)
        yield client


@contextmanager
def _client(distributed: Any, workers: int | None, scheduler: str | None) -> Iterator[Any]:
    if scheduler is None:
        with _local(distributed, workers) as local, distributed.Client(local) as client:
            yield client
        return
    try:
        # The client itself would wait for minutes where something listens and does not answer.
        ask(scheduler, CONNECTING)
        client = distributed.Client(scheduler, timeout=CONNECTING)
    except (*GONE, ValueError, TypeError) as error:
        raise ConfigurationError(
            "no Dask scheduler answers there",
            got=f"{scheduler} ({type(error).__name__})",
            expected="the address of a running `dask scheduler`, such as tcp://host:8786",
            remedy="check the address, or use --workers for processes on this machine",
        ) from error
    try:
        yield client
    finally:
        # One that is gone is not waited for.
        client.close(timeout=CONNECTING)


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


def _check_workers(client: Any, scheduler: str | None) -> None:
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
                expected="one thread a worker, because tasks in one process would share their random numbers",
                remedy=f"start workers with `dask worker {scheduler} --nworkers 4 --nthreads 1`",
            )
    try:
        theirs = client.run(result_versions)
    except Exception as error:
        # Most likely the package is missing there, or so old that it does not know the question.
        raise packages_differ(f"{type(error).__name__}: {printable(str(error))}") from error
    check_versions(result_versions(), theirs)


def result_versions() -> Versions:
    """The versions of what results depend on, in this process."""
    packages = package_versions()
    return {"python": platform.python_version(), **{name: packages[name] for name in _PACKAGES}}


def check_versions(ours: Versions, workers: Mapping[str, Versions]) -> None:
    """Compare the versions of workers, by their addresses, with those of this process.

    Raises:
        ConfigurationError: one of them differs; the worker and the package are named.
    """
    for address, theirs in workers.items():
        differing = [name for name, version in ours.items() if theirs.get(name) != version]
        if differing:
            raise packages_differ(
                f"{_told(theirs, differing)} in {address}",
                f"{_told(ours, differing)}, as in this process: other versions give other last digits",
            )


def _told(versions: Versions, names: list[str]) -> str:
    return ", ".join(f"{name} {printable(str(versions.get(name) or 'missing'))}" for name in names)


def packages_differ(got: str, expected: str = "workers with the same packages as this process") -> ConfigurationError:
    """The error of workers that have other packages than this process."""
    return ConfigurationError(
        "the Dask workers do not fit",
        got=got,
        expected=expected,
        remedy="install qaml-qiskit where the workers run, in the same environment as here",
    )


def ask(address: str, seconds: float) -> None:
    """Whether a scheduler answers within so many seconds; raises one of :data:`GONE` otherwise."""

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


def scheduler_lost(error: BaseException) -> PartialResultError:
    """The error of a scheduler that has gone while there was work."""
    return PartialResultError(
        "the Dask scheduler is gone",
        got=f"no answer ({type(error).__name__})",
        expected="a scheduler that lives as long as the work",
        remedy="what was finished is kept: start the scheduler again and run the same command to go on",
    )


def dask_distributed() -> Any:
    """The package ``distributed``.

    Raises:
        ConfigurationError: it is not installed.
    """
    try:
        return importlib.import_module("distributed")
    except ImportError as error:
        raise ConfigurationError(
            "Dask is not installed",
            got="a request to spread the work",
            expected="the package distributed",
            remedy="pip install 'qaml-qiskit[dask]', or leave out --workers and --scheduler",
        ) from error
