"""Gate-by-gate torch with ordinary autograd: what one writes first."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.peers.base import Steps
from benchmarks.problem import Answer, Array, Labels, Problem


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
        weight = torch.from_numpy(weights.copy())
        cz, signs = torch.from_numpy(problem.cz_signs()), torch.from_numpy(problem.z_signs()[:, : problem.num_classes])

        def loss_of(images: Tensor, labels: Tensor, angles: Tensor) -> Tensor:
            state = _run(_encode(images, problem.num_qubits), _rotations(angles, problem), cz)
            logits = problem.scale * ((state.real**2 + state.imag**2) @ signs)
            return torch.nn.functional.cross_entropy(logits, labels)

        def train(images: Array, labels: Labels) -> Answer:
            angles = weight.detach().requires_grad_()
            loss = loss_of(torch.from_numpy(images), torch.from_numpy(labels), angles)
            return Answer(loss.item(), torch.autograd.grad(loss, angles)[0].numpy())

        def attack(images: Array, labels: Labels) -> Answer:
            x = torch.from_numpy(images).requires_grad_()
            loss = loss_of(x, torch.from_numpy(labels), weight)
            return Answer(loss.item(), torch.autograd.grad(loss, x)[0].flatten().numpy())

        return Steps(train, attack)


def _encode(images: Tensor, num_qubits: int) -> Tensor:
    state = images / torch.linalg.vector_norm(images, dim=1, keepdim=True)
    return torch.nn.functional.pad(state, (0, 2**num_qubits - images.shape[1])).to(torch.complex64)


def _rotations(angles: Tensor, problem: Problem) -> Tensor:
    """RZ·RY·RZ of every layer and qubit, shape (L, n, 2, 2)."""
    first, tilt, last = angles.reshape(problem.num_layers, problem.num_qubits, 3).unbind(-1)
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
