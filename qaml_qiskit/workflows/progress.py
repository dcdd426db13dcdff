"""How a workflow tells that it is alive, without knowing about terminals."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

#: Advances a task by a number of steps and may replace its trailing note.
Advance = Callable[[int, str], None]


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
        yield lambda steps, note="": None

    def say(self, message: str) -> None:
        """Do nothing with the message."""
