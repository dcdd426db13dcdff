"""The interface of a contestant."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from benchmarks.problem import Array, Problem, Step


class MissingError(Exception):
    """The peer cannot take part; the message says why."""


@dataclass(frozen=True)
class Steps:
    """What a peer can do.

    Attributes:
        train: loss and gradient with respect to the weights, or None.
        attack: loss and gradient with respect to the images, or None.
        samples: a step is measured on at most this many images and scaled to the batch (None: the whole batch).
        clock: CPU seconds that its steps have taken; this process's, where they are computed in it.
    """

    train: Step | None
    attack: Step | None
    samples: int | None = None
    clock: Callable[[], float] = time.process_time


class Peer(Protocol):
    """A module of this folder."""

    key: str
    title: str
    note: str

    def version(self) -> str:
        """Name and version of the library.

        Raises:
            MissingError: if it is not installed.
        """

    def build(self, problem: Problem, weights: Array) -> Steps:
        """Steps for these weights, which must reach the computation as an argument and not as a constant."""


def require(*distributions: str) -> str:
    """The versions of installed distributions.

    Raises:
        MissingError: naming the one that is not installed.
    """
    from benchmarks.machine import package_version

    found = {name: package_version(name) for name in distributions}
    absent = [name for name, version in found.items() if version is None]
    if absent:
        raise MissingError(f"not installed: {', '.join(absent)}")
    return ", ".join(f"{name} {version}" for name, version in found.items())
