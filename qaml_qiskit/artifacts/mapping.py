"""Many independent tasks of one work: what they show, how one of them is computed, and where."""

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import Protocol, TypeVar

from qaml_qiskit.progress import Advance, Progress

Task = TypeVar("Task")
Value = TypeVar("Value")

#: Computes one task, and tells of its steps. It is importable, or can be pickled; then it is pickled without what it
#: remembers between tasks. Neither the task nor the work may depend on anything else: then a task that a lost worker
#: took with it is computed again, and the order of the values does not matter.
Work = Callable[[Task, Advance], Value]
#: Tasks of which this says the same are computed together, by one worker, one after the other.
Together = Callable[[Task], Hashable]


@dataclass(frozen=True)
class Bar:
    """What a reader sees of a map.

    Attributes:
        progress: is told.
        description: of all the work.
        told: what a task is to a reader, by its key; the key itself where it is missing.
        steps: of a task, by its key; 1 where it is missing.
    """

    progress: Progress
    description: str
    told: Mapping[str, str] = field(default_factory=dict)
    steps: Mapping[str, int] = field(default_factory=dict)

    @contextmanager
    def over(self, keys: Collection[str], kept: Collection[str]) -> Iterator["Counted"]:
        """Show the work of some keys, of which the kept ones are done."""
        total, done = (sum(map(self._steps, each)) for each in (keys, kept))
        with self.progress.task(self.description, total, done) as advance:
            yield Counted(self, advance)

    def _steps(self, key: str) -> int:
        return self.steps.get(key, 1)

    def name(self, key: str) -> str:
        """What a task is to a reader."""
        return self.told.get(key, key)


class Counted:
    """An open bar, on which no task moves by more or less than its own steps."""

    def __init__(self, bar: Bar, advance: Advance) -> None:
        self._bar, self._advance = bar, advance
        self._left: dict[str, int] = {}

    def begin(self, key: str) -> Advance:
        """Show that a task is under way; what comes back moves the bar inside of it."""
        self._left[key] = self._bar.steps.get(key, 1)
        self._advance(0, self._bar.name(key))

        def advance(steps: int, note: str = "") -> None:
            moved = min(steps, self._left[key])
            self._left[key] -= moved
            self._advance(moved, f"{self._bar.name(key)}: {note}" if note else self._bar.name(key))

        return advance

    def end(self, key: str) -> None:
        """Show that a task is done."""
        self._advance(self._left.pop(key, self._bar.steps.get(key, 1)), f"{self._bar.name(key)} is done")


class Pool(Protocol):
    """Where tasks are computed; see :func:`qaml_qiskit.artifacts.pool.open_pool`."""

    def values(
        self, groups: list[dict[str, Task]], work: Work[Task, Value], shown: Counted
    ) -> Iterator[tuple[str, Value]]:
        """The value of every task by its key, as each is there, in any order."""


class Here:
    """This process: one task after the other."""

    def values(
        self, groups: list[dict[str, Task]], work: Work[Task, Value], shown: Counted
    ) -> Iterator[tuple[str, Value]]:
        """See :class:`Pool`."""
        from qaml_qiskit.artifacts.threads import one_thread

        for group in groups:
            for key, task in group.items():
                advance = shown.begin(key)
                with one_thread():
                    value = work(task, advance)
                yield key, value


#: The pool that is this process.
HERE = Here()


def compute_tasks(
    tasks: Mapping[str, Task],
    work: Work[Task, Value],
    *,
    bar: Bar,
    pool: Pool = HERE,
    together: Together[Task] | None = None,
    kept: Collection[str] = (),
) -> Iterator[tuple[str, Value]]:
    """The values of tasks by their keys, as each is there, in any order; nothing is written.

    Every task is computed with one thread, so that its value is the same to the last digit wherever that happens.

    Args:
        tasks: by their keys.
        work: computes one of them.
        bar: shows them.
        pool: where.
        together: which tasks, one after the other in ``tasks``, are computed together: those that share a part of the
            work that ``work`` remembers.
        kept: keys of further tasks that were done before, for the bar.

    Raises:
        QamlError: of a task, or of the pool. Any other exception of a task arrives as it is, too.
    """
    if not tasks:
        return
    shared = (lambda key: key) if together is None else (lambda key: together(tasks[key]))
    groups = [{key: tasks[key] for key in keys} for _, keys in groupby(tasks, shared)]
    with bar.over([*tasks, *kept], kept) as shown:
        for key, value in pool.values(groups, work, shown):
            yield key, value
            # Whoever asked has written it by now.
            shown.end(key)
