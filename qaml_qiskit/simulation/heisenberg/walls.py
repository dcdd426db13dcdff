"""A circuit as walls of gates that are trained, with what is fixed between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from qaml_qiskit.simulation.heisenberg.channels import Channel, FloatArray, on_sorted
from qaml_qiskit.simulation.heisenberg.propagation import Cone
from qaml_qiskit.simulation.heisenberg.varying import Varying, samples

#: A run of channels is undone for the gradients of its gates: what it may amplify of the rounding of a sum.
_CONDITION = 100.0


@dataclass(frozen=True, eq=False)
class TrainedRun:
    """Channels on the same one or two digits with nothing between them, some of which are trained.

    Attributes:
        digits: ascending.
        channels: in time order.
        leaf: stands for their product, shape (4, 4) or (16, 16).
    """

    digits: tuple[int, ...]
    channels: tuple[Channel, ...]
    leaf: Varying

    @classmethod
    def of(cls, channels: Sequence[Channel]) -> TrainedRun:
        """A run of channels on the same digits."""
        digits = tuple(sorted(channels[0].qubits))
        product = reduce(lambda behind, each: each @ behind, (_generic(each) for each in channels))
        return cls(digits, tuple(channels), Varying(product))


@dataclass(frozen=True, eq=False)
class Walls:
    """A circuit: ``fixed[0]``, then ``runs[0]``, ``fixed[1]``, ``runs[1]`` and so on.

    Attributes:
        runs: of every wall, on digits that are not shared.
        fixed: channels in time order, one list more than there are walls.
    """

    runs: tuple[tuple[TrainedRun, ...], ...]
    fixed: tuple[tuple[Channel, ...], ...]

    @property
    def all_runs(self) -> tuple[TrainedRun, ...]:
        """Of all walls, in their order."""
        return tuple(run for wall in self.runs for run in wall)


def walls_of(cone: Cone) -> Walls:
    """Every gate that is trained as early as it can be; channels on one digit join the gates beside them."""
    builder = _Builder(cone.num_digits)
    for channel in cone.channels:
        builder.add(channel)
    return builder.finished()


class _Builder:
    def __init__(self, num_digits: int) -> None:
        self._level = [0] * num_digits
        self._waiting: list[list[Channel]] = [[] for _ in range(num_digits)]
        self._runs: list[list[TrainedRun]] = []
        self._fixed: list[list[Channel]] = [[]]

    def add(self, channel: Channel) -> None:
        if len(channel.qubits) == 1:
            self._waiting[channel.qubits[0]].append(channel)
            return
        for digit in channel.qubits:
            self._flush(digit)
        level = max(self._level[digit] for digit in channel.qubits)
        if channel.free is None:
            self._fixed[level].append(channel)
        else:
            level += 1
            self._wall(level).append(TrainedRun.of([channel]))
        for digit in channel.qubits:
            self._level[digit] = level

    def finished(self) -> Walls:
        for digit in range(len(self._level)):
            self._flush(digit)
        return Walls(tuple(map(tuple, self._runs)), tuple(map(tuple, self._fixed)))

    def _flush(self, digit: int) -> None:
        for piece in _pieces(self._waiting[digit]):
            if any(each.free is not None for each in piece):
                self._level[digit] += 1
                self._wall(self._level[digit]).append(TrainedRun.of(piece))
            else:
                self._fixed[self._level[digit]] += piece
        self._waiting[digit].clear()

    def _wall(self, level: int) -> list[TrainedRun]:
        while len(self._runs) < level:
            self._runs.append([])
            self._fixed.append([])
        return self._runs[level - 1]


def _pieces(channels: Sequence[Channel]) -> Iterator[list[Channel]]:
    """Channels on one digit in pieces that can be undone."""
    piece, condition = list[Channel](), 1.0
    for channel in channels:
        own = 1.0 if channel.free is not None else float(np.linalg.cond(channel.transfer))
        if condition * own > _CONDITION:
            if piece:
                yield piece
            piece, condition = [], 1.0
            if own > _CONDITION:
                yield [channel]
                continue
        piece.append(channel)
        condition *= own
    if piece:
        yield piece


def _generic(channel: Channel) -> FloatArray:
    """The channel's matrix on ascending digits, at generic angles where it varies."""
    return on_sorted(channel.qubits, channel.transfer if channel.free is None else samples(channel.free))[1]
