"""Gate-by-gate torch with ordinary autograd: what one writes first."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.peers.base import Steps
from benchmarks.peers.torch_steps import steps_of, z_of
from benchmarks.problem import Array, Problem


class TorchGates:
    """One complex 2×2 product a qubit and layer, the CZ chain as one product with signs."""

    key = "torch-gates"
    title = "torch, gate by gate"
    note = "rotations of a qubit merged into one 2×2 matrix, autograd, complex64"

    def version(self) -> str:
        """Torch."""
        return f"torch {torch.__version__}"

    def build(self, problem: Problem, weights: Array) -> Steps:
        """Steps by autograd."""
        cz = torch.from_numpy(problem.cz_signs())

        def expectations(angles: Tensor, states: Tensor) -> Tensor:
            return z_of(_run(states, _rotations(angles), cz), problem)

        return steps_of(problem, weights, expectations)


def _rotations(angles: Tensor) -> Tensor:
    """RZ·RY·RZ of every layer and qubit, shape (L, n, 2, 2)."""
    first, tilt, last = angles.unbind(-1)
    cos, sin = torch.cos(tilt / 2), torch.sin(tilt / 2)
    total, difference = (first + last) / 2, (first - last) / 2
    entries = [
        torch.complex(cos * torch.cos(total), -cos * torch.sin(total)),
        torch.complex(-sin * torch.cos(difference), -sin * torch.sin(difference)),
        torch.complex(sin * torch.cos(difference), -sin * torch.sin(difference)),
        torch.complex(cos * torch.cos(total), cos * torch.sin(total)),
    ]
    return torch.stack(entries, -1).reshape(*tilt.shape, 2, 2)


def _run(state: Tensor, rotations: Tensor, cz: Tensor) -> Tensor:
    """The batch is innermost; every rotation contracts the leading qubit and puts it behind the others."""
    batch, size = state.shape
    state = state.T.contiguous()
    for layer in rotations.unbind(0):
        for matrix in layer.flip(0).unbind(0):
            state = torch.einsum("ij,jrb->rib", matrix, state.reshape(2, -1, batch))
        state = state.reshape(size, batch) * cz[:, None]
    return state.T
