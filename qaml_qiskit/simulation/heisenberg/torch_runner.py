"""Runs a plan with torch operations, on any device."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from qaml_qiskit.simulation.heisenberg.fusion import FusedSteps, Step
from qaml_qiskit.simulation.heisenberg.memory import batch_numbers
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
        self._matrices = torch.stack([torch.eye(16), *(torch.from_numpy(step.matrix) for step in plan.steps)])
        self._matrices = self._matrices.to(device, dtype)
        self.batch = max(1, batch_numbers(device) // 4**plan.num_digits)

    @property
    def num_turns(self) -> int:
        """How often a run reports."""
        return len(self._plan.steps)

    def run(self, factors: Tensor, report: Callable[[], None]) -> PauliVectors:
        """Propagate products of single-digit vectors.

        Args:
            factors: shape (B, D, 4).
            report: called after every step.
        """
        now = products(factors.to(self._matrices)).contiguous()
        spare = torch.empty_like(now)
        for step, matrix in zip(self._plan.steps, self._matrices[1:], strict=True):
            now, spare = _apply(step, matrix, now, spare)
            report()
        return PauliVectors(now, tuple(4**digit for digit in range(self._plan.num_digits)))


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


def _multiply(matrix: Tensor, vectors: Tensor, result: Tensor, below: int) -> None:
    """The matrix on blocks of 16·below numbers, as products that are large enough to be worth their overhead."""
    if below <= _FEW:
        wide = torch.kron(matrix, torch.eye(below, dtype=matrix.dtype, device=matrix.device))
        torch.mm(vectors.view(-1, 16 * below), wide.T, out=result.view(-1, 16 * below))
    else:
        blocks = vectors.view(-1, 16, below)
        torch.bmm(matrix.expand(len(blocks), 16, 16), blocks, out=result.view(blocks.shape))
