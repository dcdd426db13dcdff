"""Steps of torch peers, by autograd."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.peers.base import Steps
from benchmarks.problem import Answer, Array, Labels, Problem

#: ⟨Z⟩ (B, classes) of angles (L, n, 3) and states (B, 2ⁿ), complex64.
Expectations = Callable[[Tensor, Tensor], Tensor]


def steps_of(problem: Problem, weights: Array, expectations: Expectations) -> Steps:
    """Loss and gradients of a function that torch differentiates."""
    weight = torch.from_numpy(weights.copy()).reshape(problem.num_layers, problem.num_qubits, 3)

    def loss_of(images: Tensor, labels: Labels, angles: Tensor) -> Tensor:
        logits = problem.scale * expectations(angles, encode(images, problem.num_qubits))
        return torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels))

    def train(images: Array, labels: Labels) -> Answer:
        angles = weight.detach().requires_grad_()
        loss = loss_of(torch.from_numpy(images), labels, angles)
        return Answer(loss.item(), torch.autograd.grad(loss, angles)[0].flatten().numpy())

    def attack(images: Array, labels: Labels) -> Answer:
        x = torch.from_numpy(images).requires_grad_()
        loss = loss_of(x, labels, weight)
        return Answer(loss.item(), torch.autograd.grad(loss, x)[0].flatten().numpy())

    return Steps(train, attack)


def encode(images: Tensor, num_qubits: int) -> Tensor:
    """Amplitudes of images, shape (B, 2ⁿ)."""
    state = images / torch.linalg.vector_norm(images, dim=1, keepdim=True)
    return torch.nn.functional.pad(state, (0, 2**num_qubits - images.shape[1])).to(torch.complex64)


def z_of(states: Tensor, problem: Problem) -> Tensor:
    """⟨Z_k⟩ of states (B, 2ⁿ), shape (B, classes)."""
    return (states.real**2 + states.imag**2) @ torch.from_numpy(problem.z_signs()[:, : problem.num_classes])
