"""Where the tasks of a map are computed: in this process, in others on this machine, or on a Dask scheduler."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from qaml_qiskit.artifacts.mapping import HERE, Pool
from qaml_qiskit.errors import ConfigurationError


def open_pool(workers: int | None = None, scheduler: str | None = None) -> AbstractContextManager[Pool]:
    """This process, new worker processes on this machine, or the workers of a Dask scheduler; used with ``with``.

    The processes, or the connection, begin and end with the block; what cannot be is refused by the call itself.

    Args:
        workers: processes on this machine; None for this process alone.
        scheduler: the address of a running Dask scheduler; None for no such.

    Raises:
        ConfigurationError: both are given, or no worker; or, where the block begins, Dask is not installed, no
            scheduler answers, it has no workers, or they have other threads or versions than are needed.
    """
    if workers is not None and (not isinstance(workers, int) or workers < 1 or scheduler is not None):
        raise ConfigurationError(
            "cannot spread the work like this",
            got=f"{workers} workers" + (f" and the scheduler {scheduler}" if scheduler else ""),
            expected="at least one worker on this machine, or the address of a scheduler, not both",
            remedy="give --workers or --scheduler",
        )
    if workers is None and scheduler is None:
        return nullcontext(HERE)
    return _dask_pool(workers, scheduler)


@contextmanager
def _dask_pool(workers: int | None, scheduler: str | None) -> Iterator[Pool]:
    # Dask is optional, and slow to import.
    from qaml_qiskit.artifacts.dask_client import open_client
    from qaml_qiskit.artifacts.dask_pool import DaskPool

    with open_client(workers, scheduler) as client:
        yield DaskPool(client)
