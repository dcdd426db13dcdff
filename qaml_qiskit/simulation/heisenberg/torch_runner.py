"""Runs a plan with torch operations, on any device."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from qaml_qiskit.simulation.heisenberg.channels import FloatArray
from qaml_qiskit.simulation.heisenberg.fusion import FusedSteps
from qaml_qiskit.simulation.heisenberg.memory import batch_numbers
from qaml_qiskit.simulation.heisenberg.step import Step
from qaml_qiskit.simulation.heisenberg.varying import Varying
from qaml_qiskit.simulation.heisenberg.vectors import PauliVectors, products

#: Up to this many neighbouring numbers become part of a wider matrix.
_FEW = 4


class TorchRunner:
    """Propagates a batch of vectors.

    Args:
        plan: what to do.
        dtype: float32 or float64.
        device: where.
    """

    def __init__(self, plan: FusedSteps, dtype: torch.dtype, device: torch.device) -> None:
        self._plan = plan
        self._like = torch.empty(0, dtype=dtype, device=device)
        matrices = [step.matrix for step in plan.steps]
        #: The matrices that vary.
        self.varying = tuple(each for each in matrices if isinstance(each, Varying))
        fixed = [torch.from_numpy(each) for each in matrices if not isinstance(each, Varying)]
        stack = iter(torch.stack([torch.eye(16), *fixed]).to(self._like)[1:])
        placed = [None if isinstance(each, Varying) else next(stack) for each in matrices]
        # What is multiplied many times is widened once.
        self._matrices = [
            None if matrix is None else _widened(matrix, 4**step.low)
            for step, matrix in zip(plan.steps, placed, strict=True)
        ]
        self.batch = max(1, batch_numbers(device) // 4**plan.num_digits)

    @property
    def num_turns(self) -> int:
        """How often a run reports."""
        return len(self._plan.steps)

    @property
    def strides(self) -> tuple[int, ...]:
        """Of the digits of what :meth:`run` returns."""
        return tuple(4**digit for digit in range(self._plan.num_digits))

    def run(self, factors: Tensor, report: Callable[[], None], values: Sequence[FloatArray] = ()) -> PauliVectors:
        """Propagate products of single-digit vectors.

        Args:
            factors: shape (B, D, 4).
            report: called after every step.
            values: of :attr:`varying`, shape (B, 16, 16) each.
        """
        now = products(factors.to(self._like)).contiguous()
        spare, own = torch.empty_like(now), iter(values)
        for step, matrix in zip(self._plan.steps, self._matrices, strict=True):
            if matrix is None:
                matrix = _widened(torch.from_numpy(next(own)).to(self._like), 4**step.low)
            now, spare = _apply(step, matrix, now, spare)
            report()
        return PauliVectors(now, self.strides)


def _apply(step: Step, matrix: Tensor, vectors: Tensor, spare: Tensor) -> tuple[Tensor, Tensor]:
    """A step on all vectors; overwrites both tensors and returns them with the result first."""
    below, between = 4**step.low, 4 ** (step.high - step.low - 1)
    apart, together = (-1, 4, between, 4, below), (-1, between, 4, 4, below)
    if between > 1:
        spare.view(together).copy_(vectors.view(apart).transpose(1, 2))
        vectors, spare = spare, vectors
    _multiply(matrix, vectors, spare, below)
    if between > 1:
        vectors.view(apart).copy_(spare.view(together).transpose(1, 2))
        return vectors, spare
    return spare, vectors


def _widened(matrix: Tensor, below: int) -> Tensor:
    """The matrix, or one for each vector, on neighbouring numbers as well, so that a product is worth its overhead."""
    if not 1 < below <= _FEW:
        return matrix
    return torch.kron(matrix, torch.eye(below, dtype=matrix.dtype, device=matrix.device))


def _multiply(matrix: Tensor, vectors: Tensor, result: Tensor, below: int) -> None:
    """A widened matrix, or one for each vector, on blocks of 16·below numbers."""
    if below <= _FEW:
        shape = (-1, 16 * below)
        if matrix.dim() == 2:
            torch.mm(vectors.view(shape), matrix.T, out=result.view(shape))
        else:
            rows = (len(matrix), *shape)
            torch.bmm(vectors.view(rows), matrix.mT, out=result.view(rows))
        return
    blocks = vectors.view(-1, 16, below)
    every = matrix if matrix.dim() == 2 else matrix.repeat_interleave(len(blocks) // len(matrix), dim=0)
    torch.bmm(every.expand(len(blocks), 16, 16), blocks, out=result.view(blocks.shape))
