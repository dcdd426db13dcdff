"""All that happens on a pair of qubits at a time, applied to vectors and overlapped with them, in torch operations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from qaml_qiskit.simulation.heisenberg.channels import Channel, FloatArray, PhysicalGate, on_pair, on_sorted
from qaml_qiskit.simulation.heisenberg.propagation import Cone

#: Up to this many neighbouring numbers become part of a wider matrix.
_FEW = 4


@dataclass(eq=False)
class Place:
    """All that happens on a pair of digits before something else happens to one of them.

    Attributes:
        pair: the lower and the higher digit.
        parts: matrices on the pair in time order, and the gate whose error each is.
    """

    pair: tuple[int, int]
    parts: list[tuple[FloatArray, PhysicalGate | None]] = field(default_factory=list)

    def add(self, channel: Channel) -> None:
        """Append a channel on one or both of the digits."""
        if len(channel.qubits) == 2:
            _, matrix = on_sorted(channel.qubits, channel.transfer)
        elif channel.qubits[0] == self.pair[0]:
            matrix = on_pair(np.eye(4), channel.transfer)
        else:
            matrix = on_pair(channel.transfer, np.eye(4))
        self.parts.append((matrix, channel.source))

    @property
    def matrix(self) -> FloatArray:
        """The whole place, shape (16, 16)."""
        total = np.eye(16)
        for matrix, _ in self.parts:
            total = matrix @ total
        return total

    def slopes(self) -> list[tuple[PhysicalGate, FloatArray]]:
        """For every error, what takes its part as R − 1 makes of the whole place, shape (16, 16)."""
        behind = [np.eye(16)]
        for matrix, _ in reversed(self.parts):
            behind.append(behind[-1] @ matrix)
        before, found = np.eye(16), []
        for position, (matrix, source) in enumerate(self.parts, start=1):
            if source is not None:
                found.append((source, behind[len(self.parts) - position] @ (matrix @ before - before)))
            before = matrix @ before
        return found


def places_of(channels: Iterable[Channel], num_digits: int) -> list[Place]:
    """Channels gathered by pairs, in time order."""
    places: list[Place] = []
    last: list[Place | None] = [None] * num_digits
    waiting: list[list[Channel]] = [[] for _ in range(num_digits)]

    def open_place(low: int, high: int) -> Place:
        place = Place((low, high))
        for digit in (low, high):
            last[digit] = place
            for channel in waiting[digit]:
                place.add(channel)
            waiting[digit].clear()
        places.append(place)
        return place

    for channel in channels:
        low, high = min(channel.qubits), max(channel.qubits)
        place = last[low]
        if low == high:
            if place is None:
                waiting[low].append(channel)
            else:
                place.add(channel)
        else:
            if place is None or place is not last[high]:
                place = open_place(low, high)
            place.add(channel)
    for digit in range(num_digits):
        if waiting[digit]:
            other = digit + 1 if digit + 1 < num_digits else digit - 1
            open_place(min(digit, other), max(digit, other))
    return places


def in_line(cone: Cone) -> Cone:
    """The same with digits numbered along the line of qubits, so that neighbours lie beside each other.

    Where the qubits that meet are not a line, they are numbered in the order of a walk.
    """
    neighbours: dict[int, set[int]] = {digit: set() for digit in range(cone.num_digits)}
    for channel in cone.channels:
        if len(channel.qubits) == 2:
            for one, other in (channel.qubits, channel.qubits[::-1]):
                neighbours[one].add(other)
    order: list[int] = []
    for start in sorted(neighbours, key=lambda digit: len(neighbours[digit])):
        waiting = [start]
        while waiting:
            digit = waiting.pop()
            if digit not in order:
                order.append(digit)
                waiting += sorted(neighbours[digit], reverse=True)
    number = {digit: index for index, digit in enumerate(order)}
    channels = tuple(each._replace(qubits=tuple([number[digit] for digit in each.qubits])) for each in cone.channels)
    return Cone({qubit: number[digit] for qubit, digit in cone.digit.items()}, channels)


def applied(matrix: FloatArray, vectors: Tensor, pair: tuple[int, int], num_digits: int) -> Tensor:
    """A 16×16 matrix on two digits of vectors of shape (B, 4^D)."""
    low, high = pair
    found = torch.from_numpy(np.ascontiguousarray(matrix)).to(vectors)
    if high > low + 1:
        return _from_pair(found @ _by_pair(vectors, pair, num_digits), pair, num_digits)
    below = 4**low
    if below <= _FEW:
        wide = torch.kron(found, torch.eye(below, dtype=found.dtype))
        return (vectors.view(-1, 16 * below) @ wide.T).view(vectors.shape)
    return torch.matmul(found, vectors.view(-1, 16, below)).view(vectors.shape)


def overlap(behind: Tensor, before: Tensor, pair: tuple[int, int], num_digits: int) -> FloatArray:
    """Γ_ij = Σ_rest behind[i, rest]·before[j, rest] of observables (m, 4^D) and a state (4^D,), shape (m, 16, 16)."""
    low, high = pair
    below, count = 4**low, len(behind)
    if high > low + 1:
        observables = _by_pair(behind, pair, num_digits)
        found = observables @ _by_pair(before[None], pair, num_digits)[0].T
    elif below <= _FEW:
        found = torch.matmul(behind.view(count, -1, 16 * below).mT, before.view(-1, 16 * below))
        found = found.view(count, 16, below, 16, below).diagonal(dim1=2, dim2=4).sum(-1)
    else:
        state = before.view(-1, 16, below).mT
        found = torch.stack([torch.bmm(each.view(-1, 16, below), state).sum(0) for each in behind])
    return found.double().numpy()


def _by_pair(vectors: Tensor, pair: tuple[int, int], num_digits: int) -> Tensor:
    """Shape (B, 16, 4^(D−2)): the strings on the pair first, the higher digit the more significant."""
    low, high = pair
    shape = (len(vectors), 4 ** (num_digits - high - 1), 4, 4 ** (high - low - 1), 4, 4**low)
    return vectors.view(shape).permute(0, 2, 4, 1, 3, 5).reshape(len(vectors), 16, -1)


def _from_pair(vectors: Tensor, pair: tuple[int, int], num_digits: int) -> Tensor:
    """Undo :func:`_by_pair`."""
    low, high = pair
    shape = (len(vectors), 4, 4, 4 ** (num_digits - high - 1), 4 ** (high - low - 1), 4**low)
    return vectors.view(shape).permute(0, 3, 1, 4, 2, 5).reshape(len(vectors), -1)
