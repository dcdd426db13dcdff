"""How a workflow tells that it is alive, without knowing about terminals."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Advance(Protocol):
    """Moves a task on."""

    def __call__(self, steps: int, note: str = "") -> None:
        """Count ``steps`` more as done; ``note`` replaces the remark behind the bar."""


#: Opens a stretch of work that can be stopped politely, and gives a function that says whether it should stop.
Stopping = Callable[[], AbstractContextManager[Callable[[], bool]]]


@contextmanager
def never() -> Iterator[Callable[[], bool]]:
    """A :data:`Stopping` that never asks to stop."""
    yield lambda: False


def ignore(steps: int, note: str = "") -> None:
    """An :class:`Advance` that shows nothing."""


class Progress(Protocol):
    """Shows what is going on."""

    def task(self, description: str, total: int, done: int = 0) -> AbstractContextManager[Advance]:
        """Show a task of ``total`` steps, ``done`` of them finished before."""

    def say(self, message: str) -> None:
        """Show one line."""


class Silent:
    """Shows nothing."""

    @contextmanager
    def task(self, description: str, total: int, done: int = 0) -> Iterator[Advance]:
        """Do nothing with the task."""
        yield ignore

    def say(self, message: str) -> None:
        """Do nothing with the message."""


class Inside:
    """Shows tasks as remarks behind a bar that is open already.

    Args:
        advance: of that bar.
        counted: whether their steps are that bar's, too.
    """

    def __init__(self, advance: Advance, *, counted: bool = False) -> None:
        self._advance, self._counted = advance, counted

    @contextmanager
    def task(self, description: str, total: int, done: int = 0) -> Iterator[Advance]:
        """Say how far the task is."""

        def advance(steps: int, note: str = "") -> None:
            nonlocal done
            done += steps
            self._advance(steps if self._counted else 0, f"{description}, {done} of {total}")

        advance(0)
        yield advance

    def say(self, message: str) -> None:
        """Say it behind the bar."""
        self._advance(0, message)
