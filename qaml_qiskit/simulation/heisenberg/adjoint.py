"""Gradients of noisy observables by every gate that is trained: the adjoint of carrying them backwards.

A loss of what is read, ⟨P_s⟩ = Σ c_s·v over the strings, depends on the matrix R of a channel by

    dL/dR_ij = Σ over s and the rest of O_s[i, rest]·ρ_s[j, rest],

with the observable O_s carried back to behind the channel and ρ_s = Σ over images b of dL/d⟨P_s⟩_b·|x_b⟩⟨x_b| carried
forward to in front of it. What is carried is linear in the state, so that all images of a batch are one ρ_s for each
string s, however many they are. Noise cannot be undone, so observables are kept on their way back: all of them where
they fit, and otherwise every √-th, between which they are carried back once more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from qaml_qiskit.simulation.heisenberg.angle_matrices import RunMatrices
from qaml_qiskit.simulation.heisenberg.channels import Channel, FloatArray, on_sorted
from qaml_qiskit.simulation.heisenberg.free import FreeGates
from qaml_qiskit.simulation.heisenberg.places import overlap
from qaml_qiskit.simulation.heisenberg.propagation import Cone
from qaml_qiskit.simulation.heisenberg.stretches import Operations, Stretches, stretches
from qaml_qiskit.simulation.heisenberg.strings import string_values
from qaml_qiskit.simulation.heisenberg.varying import Matrix, Varying, combined
from qaml_qiskit.simulation.heisenberg.vectors import PauliVectors, products
from qaml_qiskit.simulation.heisenberg.walls import Run, walls_of


class Adjoint:
    """Observables at the input of a circuit whose gates are trained, and their gradients.

    Args:
        cone: the circuit, its trained gates free.
        free: these gates.
        factors: what is read at the end, products of single-digit vectors, shape (m, D, 4).
        digits: of the qubits that the input enters; all others start in |0⟩.
        dtype: float32 or float64.
        kept: bytes of observables that are kept rather than computed twice.

    Raises:
        ConfigurationError: for a trained gate that is no rotation.
    """

    def __init__(
        self, cone: Cone, free: FreeGates, factors: FloatArray, digits: Sequence[int], dtype: torch.dtype, kept: int
    ) -> None:
        self._kept = kept
        self._walls, self._num_digits, self._dtype = walls_of(cone), cone.num_digits, dtype
        #: From the parameters to what :meth:`matrices` takes.
        self.run_matrices = RunMatrices(self._walls.all_runs, free)
        self._factors, self._digits = torch.from_numpy(factors).to(dtype), tuple(digits)
        back, forth = self._operations()
        #: All of it at once, where nothing is kept on the way.
        self._whole = stretches([list(chain(*back))], self._num_digits, dtype)
        self._back, self._forth = (stretches(part, self._num_digits, dtype) for part in (back, forth))

    @property
    def num_walls(self) -> int:
        """Of trained gates."""
        return len(self._walls.runs)

    def matrices(self, stacks: Sequence[Tensor]) -> Tensor:
        """M_s on the input, shape (m, 2^k, 2^k), real parts, differentiable in the matrices of the runs.

        Args:
            stacks: as :attr:`run_matrices` gives them.
        """
        found: Tensor = _Observables.apply(self, *stacks)
        return found

    def stride(self) -> int:
        """How many walls lie between two observables that are kept."""
        everything = self.num_walls * self._back.size * self._dtype.itemsize
        return 1 if everything <= self._kept else math.isqrt(max(1, self.num_walls - 1)) + 1

    def memory_needed(self) -> int:
        """An upper bound of the bytes that a value and a gradient take at once."""
        stride = self.stride()
        vectors = self.num_walls // stride + stride + 6
        inputs = 2 * len(self._factors) * 4 ** len(self._digits)
        # Index tables are counted as long integers.
        return (vectors * self._back.size + inputs) * self._dtype.itemsize + 9 * 4 ** len(self._digits)

    def _operations(self) -> tuple[list[Operations], list[Operations]]:
        """Backwards: the last fixed part, then each wall with the fixed part in front of it. Forwards: the same."""
        walls, fixed = self._walls.runs, self._walls.fixed
        back: list[Operations] = [_fixed(reversed(fixed[-1]), backwards=True)]
        for wall, before in zip(reversed(walls), reversed(fixed[:-1]), strict=True):
            own = [(run.digits, combined(_transposed, run.leaf)) for run in wall]
            back.append([*own, *_fixed(reversed(before), backwards=True)])
        forth: list[Operations] = [
            [*_fixed(before, backwards=False), *((run.digits, run.leaf) for run in wall)]
            for wall, before in zip(walls, fixed[:-1], strict=True)
        ]
        return back, forth

    def prepare(self, stacks: Sequence[Tensor], *parts: Stretches) -> None:
        """Take the matrices of the runs, for some of the stretches."""
        leaves: dict[Varying, FloatArray] = {}
        for group, stack in zip(self.run_matrices.groups, stacks, strict=True):
            values = stack.detach().numpy()
            leaves |= {run.leaf: values[index : index + 1] for index, run in enumerate(group)}
        for part in parts:
            part.prepare(leaves)

    def values(self, stacks: Sequence[Tensor]) -> Tensor:
        """M_s of all that is read, for such matrices of the runs."""
        self.prepare(stacks, self._whole)
        found = []
        for which in range(len(self._factors)):
            state = self._whole.run(0, self._end(which))
            vectors = PauliVectors(state[None], self._back.strides)
            found.append(vectors.matrix(0, self._digits, is_hermitian=False))
        return torch.stack(found)

    def gradients(self, stacks: Sequence[Tensor], cotangents: Tensor) -> dict[Run, FloatArray]:
        """Overlaps of every run behind it, given dL/dM_s, shape (m, 2^k, 2^k)."""
        self.prepare(stacks, self._back, self._forth)
        found: dict[Run, FloatArray] = {}
        stride = self.stride()
        kept = -(-self.num_walls // stride) + (stride if stride > 1 else 0)
        room = torch.empty(kept, self._back.size, dtype=self._dtype)
        for which, cotangent in enumerate(cotangents):
            if not bool(cotangent.any()):
                continue
            state = self._input((cotangent + cotangent.T) / 2)
            for index, observable in enumerate(self._observables(which, stride, room)):
                state = self._forth.run(index, state)
                for run, overlaps in self._overlaps(self._walls.runs[index], observable, state):
                    found[run] = found.get(run, 0.0) + overlaps
        return found

    def _end(self, which: int) -> Tensor:
        """What is read, as a vector behind the circuit."""
        vector = products(self._factors[which : which + 1])
        return self._laid_out(vector)

    def _input(self, matrix: Tensor) -> Tensor:
        """The expectation values of all strings of ρ in front of the circuit."""
        values = string_values(matrix.to(self._dtype))
        state = torch.zeros(self._back.size, dtype=self._dtype)
        inside = PauliVectors(state[None], self._back.strides).strings()[0]
        others = [digit for digit in range(self._num_digits) if digit not in self._digits]
        for setting in range(2 ** len(others)):
            # The others are in |0⟩, where I and Z have the value 1.
            paulis = {digit: 2 * (setting >> place & 1) for place, digit in enumerate(others)}
            # Digits lie last first.
            index = tuple(paulis.get(digit, slice(None)) for digit in reversed(range(self._num_digits)))
            order = sorted(range(len(self._digits)), key=lambda place: -self._digits[place])
            shaped = values.view([4] * len(self._digits))
            inside[index] = shaped.permute([len(self._digits) - 1 - place for place in order])
        return state

    def _laid_out(self, vector: Tensor) -> Tensor:
        state = torch.zeros(self._back.size, dtype=self._dtype)
        strings = PauliVectors(state[None], self._back.strides).strings()
        strings.copy_(vector.view(strings.shape))
        return state

    def _observables(self, which: int, stride: int, room: Tensor) -> Iterator[Tensor]:
        """The observable behind every wall, the first wall first.

        Args:
            which: of what is read.
            stride: how many walls lie between two observables that are kept on the first way back.
            room: for what is kept, shape (…, size).
        """
        state, count = self._end(which), self.num_walls
        num_kept = -(-count // stride)
        for index in range(count):
            if index % stride == 0 and stride > 1:
                room[index // stride] = state
            state = self._back.run(index, state)
            if stride == 1:
                room[index] = state
        if stride == 1:
            yield from (room[index] for index in reversed(range(count)))
            return
        for part in reversed(range(num_kept)):
            state, first = room[part], part * stride
            length = min(stride, count - first)
            for index in range(length):
                state = self._back.run(first + index, state)
                room[num_kept + index] = state
            yield from (room[num_kept + index] for index in reversed(range(length)))

    def _overlaps(self, wall: Sequence[Run], behind: Tensor, after: Tensor) -> Iterator[tuple[Run, FloatArray]]:
        """Of both vectors behind a wall, before the state's own run is undone: shape (4, 4) or (16, 16)."""
        single = self._back.overlaps(behind, after) if any(len(run.digits) == 1 for run in wall) else None
        for run in wall:
            if len(run.digits) == 1:
                assert single is not None
                yield run, single[run.digits[0]]
            else:
                plain = [
                    PauliVectors(each[None], self._back.strides).strings().reshape(1, -1) for each in (behind, after)
                ]
                low, high = run.digits
                yield run, overlap(plain[0], plain[1][0], (low, high), self._num_digits)[0]


class _Observables(Function):
    @staticmethod
    def forward(ctx: Any, adjoint: Adjoint, *stacks: Tensor) -> Tensor:
        ctx.adjoint = adjoint
        ctx.save_for_backward(*stacks)
        return adjoint.values(stacks)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, cotangents: Tensor) -> tuple[Tensor | None, ...]:
        adjoint, stacks = ctx.adjoint, ctx.saved_tensors
        by_run = adjoint.gradients(stacks, cotangents)
        found: list[Tensor | None] = [None]
        for group, stack in zip(adjoint.run_matrices.groups, stacks, strict=True):
            overlaps = np.stack([by_run.get(run, np.zeros(stack.shape[1:])) for run in group])
            # The state lies behind its run: what is wanted has it in front, so the run is undone.
            found.append(torch.linalg.solve(stack, torch.from_numpy(overlaps).mT).mT)
        return tuple(found)


def _fixed(channels: Any, *, backwards: bool) -> list[tuple[tuple[int, ...], Matrix]]:
    found: list[tuple[tuple[int, ...], Matrix]] = []
    channel: Channel
    for channel in channels:
        digits, matrix = on_sorted(channel.qubits, channel.transfer)
        found.append((digits, matrix.T if backwards else matrix))
    return found


def _transposed(matrix: FloatArray) -> FloatArray:
    return matrix.swapaxes(-1, -2)
