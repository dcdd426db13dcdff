"""Tasks on the workers of an open Dask client; the values are the same as in this process.

The work is sent once: it becomes a value of its own on the scheduler, which every worker fetches when it first needs
it, and makes again when the workers that had it are lost. A worker keeps the work with what it remembers until the
next one comes.
"""

import asyncio
import pickle
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass
from queue import Empty, Queue
from typing import Any, TypeVar
from uuid import uuid4

import cloudpickle

from qaml_qiskit.artifacts.dask_client import GONE, LOSSES, ask, dask_distributed, packages_differ, scheduler_lost
from qaml_qiskit.artifacts.mapping import Counted, Work
from qaml_qiskit.artifacts.threads import one_thread
from qaml_qiskit.errors import ConfigurationError, QamlError
from qaml_qiskit.progress import ignore
from qaml_qiskit.text import printable

Task = TypeVar("Task")
Value = TypeVar("Value")

#: Groups of tasks that are with the scheduler for every worker: one that runs and one that waits.
_IN_FLIGHT = 2
#: Seconds without news after which the scheduler is asked for a sign of life.
SILENCE = 30
#: The last work of every worker of this process, by the worker's address.
_WORKS: dict[str, tuple[str, Work[Any, Any]]] = {}


@dataclass(frozen=True)
class _Failure:
    """What a task ended in on its worker."""

    error: Exception


class DaskPool:
    """The workers of an open client."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def values(
        self, groups: list[dict[str, Task]], work: Work[Task, Value], shown: Counted
    ) -> Iterator[tuple[str, Value]]:
        """See :class:`qaml_qiskit.artifacts.mapping.Pool`.

        Raises:
            QamlError: one of a task, a task that cost too many workers, or a scheduler that is gone.
        """
        token, sent = uuid4().hex, self._sent(work)
        waiting, running = list(reversed(groups)), {}
        finished: Queue[Any] = Queue()

        def submit() -> None:
            group = waiting.pop()
            future = self._client.submit(_compute, sent, token, list(group.values()), pure=False)
            running[future.key] = list(group), future
            future.add_done_callback(finished.put)

        for _ in range(min(len(waiting), _IN_FLIGHT * max(1, len(self._client.nthreads())))):
            submit()
        while running:
            ended = self._awaited(lambda seconds: finished.get(timeout=seconds))
            keys, future = running.pop(ended.key)
            values = self._values(future)
            if waiting:
                submit()
            yield from zip(keys, values, strict=True)

    def _sent(self, work: Work[Any, Any]) -> Any:
        """The work with every worker that there is: tasks go where it is, so that it must not be with one alone."""
        sent = self._client.submit(_same, _pickled(work), pure=False)
        try:
            self._awaited(lambda seconds: sent.result(timeout=seconds))
            self._client.replicate([sent])
        except (*GONE, CancelledError, asyncio.CancelledError) as error:
            raise scheduler_lost(error) from error
        return sent

    def _values(self, future: Any) -> list[Any]:
        """Those of a group that ended; what was lost with its worker since then is computed again, however long."""
        try:
            found = self._awaited(lambda seconds: future.result(timeout=seconds))
        except (*GONE, CancelledError, asyncio.CancelledError) as error:
            raise scheduler_lost(error) from error
        except ImportError as error:
            raise packages_differ(f"{type(error).__name__}: {error}") from error
        except dask_distributed().scheduler.KilledWorker as error:
            raise ConfigurationError(
                "a task was lost with its worker again and again",
                got=f"{LOSSES + 1} lost workers",
                expected="workers that live as long as a task takes",
                remedy="look into the workers' logs; a worker that needs more memory than there is gets killed",
            ) from error
        if isinstance(found, _Failure):
            raise found.error
        return found

    def _awaited(self, wait: Callable[[float], Any]) -> Any:
        """What ``wait`` finds within so many seconds; as long as it does not, the scheduler must give signs of life."""
        while True:
            try:
                return wait(SILENCE)
            except (Empty, TimeoutError):
                try:
                    ask(self._client.scheduler.address, SILENCE)
                except GONE as error:
                    raise scheduler_lost(error) from error


def _pickled(work: Work[Any, Any]) -> bytes:
    try:
        content: bytes = cloudpickle.dumps(work)
    except QamlError:
        raise
    except Exception as error:
        raise ConfigurationError(
            "the work cannot be sent to workers",
            got=f"{type(error).__name__}: {printable(str(error))}",
            expected="models, images and parts that can be pickled",
            remedy="leave out workers and scheduler, or give a network as a .pt2 or as package.module:factory",
        ) from error
    return content


def _same(content: bytes) -> bytes:
    """A value that is made from its own task, so that it can be made again."""
    return content


def _compute(content: bytes, token: str, tasks: list[Any]) -> list[Any] | _Failure:
    """On a worker: the values of a group of tasks."""
    address = dask_distributed().get_worker().address
    if _WORKS.get(address, ("", None))[0] != token:
        _WORKS[address] = token, pickle.loads(content)
    work = _WORKS[address][1]
    try:
        with one_thread():
            return [work(task, ignore) for task in tasks]
    except QamlError as error:
        return _Failure(error)
    except Exception as error:
        # The lines of the worker would be lost on the way.
        error.add_note("".join(traceback.format_exception(error)))
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:
            raise error from None
        return _Failure(error)
