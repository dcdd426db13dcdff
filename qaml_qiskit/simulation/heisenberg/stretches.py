"""Stretches of a circuit, through which vectors are carried one at a time, forwards or backwards.

Between two stretches every digit lies where its number says, so that vectors from both ends can meet there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from qaml_qiskit.simulation.choice import chosen_kernel
from qaml_qiskit.simulation.heisenberg.channels import FloatArray
from qaml_qiskit.simulation.heisenberg.fusion import fuse
from qaml_qiskit.simulation.heisenberg.kernel_stretches import KernelStretches
from qaml_qiskit.simulation.heisenberg.places import applied
from qaml_qiskit.simulation.heisenberg.step import Step
from qaml_qiskit.simulation.heisenberg.structure import Structures
from qaml_qiskit.simulation.heisenberg.varying import Evaluation, Matrix, Varying

#: A stretch: matrices on one or two digits in the order in which they are applied.
Operations = Sequence[tuple[tuple[int, ...], Matrix]]


class Stretches(Protocol):
    """What carries vectors through stretches."""

    strides: tuple[int, ...]
    size: int

    def prepare(self, leaves: Mapping[Varying, FloatArray]) -> None:
        """Take the matrices of what varies, shape (1, …) each, until the next ones."""

    def run(self, index: int, state: Tensor) -> Tensor:
        """Carry a vector through a stretch, which may overwrite it."""

    def overlaps(self, one: Tensor, other: Tensor) -> FloatArray:
        """Σ one[i, rest]·other[j, rest] for every digit, shape (D, 4, 4)."""


def stretches(parts: Iterable[Operations], num_digits: int, dtype: torch.dtype) -> Stretches:
    """In the compiled kernel where it is chosen, and otherwise in torch."""
    structures = Structures()
    steps = [_steps(part, num_digits, structures) for part in parts]
    kernel = chosen_kernel()
    if kernel is None:
        return TorchStretches(steps, num_digits, dtype)
    return KernelStretches(kernel, steps, num_digits, structures, dtype)


def _steps(operations: Operations, num_digits: int, structures: Structures) -> tuple[Step, ...]:
    """What comes first is no part of a product that the vector would start as, but a step as any other."""
    plan = fuse(operations, num_digits, structures)
    first = [digit for digit, matrix in enumerate(plan.start) if not _is_identity(matrix)]
    locals_ = []
    for index in range(0, len(first), 2):
        pair = first[index : index + 2]
        if len(pair) == 1:
            pair = sorted({*pair, 1 if pair[0] == 0 else pair[0] - 1})
        low, high = pair
        own = [plan.start[digit] if digit in first[index:] else np.eye(4) for digit in pair]
        locals_.append(Step(low, high, np.eye(16), *own))
    return (*locals_, *plan.steps)


def _is_identity(matrix: Matrix) -> bool:
    return not isinstance(matrix, Varying) and np.array_equal(matrix, np.eye(4))


class TorchStretches:
    """In torch operations; vectors without gaps.

    Args:
        steps: of every stretch.
        num_digits: D.
        dtype: float32 or float64.
    """

    def __init__(self, steps: Sequence[Sequence[Step]], num_digits: int, dtype: torch.dtype) -> None:
        self._num_digits = num_digits
        self._like = torch.empty(0, dtype=dtype)
        self._steps = [[(step.matrix, (step.low, step.high)) for step in part] for part in steps]
        every = [matrix for part in self._steps for matrix, _ in part]
        self._varying = [matrix for matrix in every if isinstance(matrix, Varying)]
        self._evaluation = Evaluation(self._varying)
        self._known: dict[Varying, FloatArray] = {}
        self.size = 4**num_digits
        self.strides = tuple(4**digit for digit in range(num_digits))

    def prepare(self, leaves: Mapping[Varying, FloatArray]) -> None:
        """Take the matrices of what varies."""
        values = self._evaluation(leaves)
        self._known = {each: value[0] for each, value in zip(self._varying, values, strict=True)}

    def run(self, index: int, state: Tensor) -> Tensor:
        """Carry a vector through a stretch."""
        for matrix, pair in self._steps[index]:
            now = self._known[matrix] if isinstance(matrix, Varying) else matrix
            state = applied(now, state[None], pair, self._num_digits)[0]
        return state

    def overlaps(self, one: Tensor, other: Tensor) -> FloatArray:
        """Σ one[i, rest]·other[j, rest] for every digit, shape (D, 4, 4)."""
        found = []
        for digit in range(self._num_digits):
            left, right = (each.view(-1, 4, 4**digit) for each in (one, other))
            found.append(torch.tensordot(left, right, dims=([0, 2], [0, 2])))
        return torch.stack(found).double().numpy()
