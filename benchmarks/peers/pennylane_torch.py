"""PennyLane's default.qubit with torch backpropagation, the batch broadcast through one circuit."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from benchmarks.peers.base import Steps, require
from benchmarks.problem import Answer, Array, Labels, Problem


class PennyLaneTorch:
    """float64 throughout: the device computes in it anyway, and float32 inputs only add conversions."""

    key = "pennylane-torch"
    title = "PennyLane default.qubit, torch"
    note = "broadcast batch, backprop, `Rot` for a qubit's three angles, float64 (faster here than float32)"

    def version(self) -> str:
        """PennyLane and torch."""
        return require("pennylane", "torch")

    def build(self, problem: Problem, weights: Array) -> Steps:
        """Steps by backpropagation."""
        import pennylane as qml

        device = qml.device("default.qubit", wires=problem.num_qubits)
        circuit = qml.QNode(qvc_circuit(problem, rot=True), device, interface="torch", diff_method="backprop")
        return steps_of(circuit, problem, weights)


def qvc_circuit(problem: Problem, *, rot: bool) -> Any:
    """The quantum function of (images, angles (L, n, 3)); qubit q is wire q."""
    import pennylane as qml

    wires = range(problem.num_qubits)

    def function(images: Any, angles: Any) -> Any:
        qml.AmplitudeEmbedding(images, wires=wires[::-1], pad_with=0.0, normalize=True)
        for layer in range(problem.num_layers):
            for wire in wires:
                first, tilt, last = angles[layer, wire, 0], angles[layer, wire, 1], angles[layer, wire, 2]
                if rot:
                    qml.Rot(first, tilt, last, wires=wire)
                else:
                    qml.RZ(first, wires=wire)
                    qml.RY(tilt, wires=wire)
                    qml.RZ(last, wires=wire)
            for wire in wires[:-1]:
                qml.CZ([wire, wire + 1])
        return [qml.expval(qml.Z(wire)) for wire in range(problem.num_classes)]

    return function


def steps_of(circuit: Any, problem: Problem, weights: Array) -> Steps:
    """Torch steps of a QNode."""
    shape = (problem.num_layers, problem.num_qubits, 3)
    weight = torch.from_numpy(weights).double().reshape(shape)

    def loss(images: torch.Tensor, labels: Labels, angles: torch.Tensor) -> torch.Tensor:
        logits = problem.scale * torch.stack(circuit(images, angles), 1)
        return torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels))

    def train(images: Array, labels: Labels) -> Answer:
        angles = weight.detach().requires_grad_()
        value = loss(torch.from_numpy(images.astype(np.float64)), labels, angles)
        return Answer(value.item(), torch.autograd.grad(value, angles)[0].flatten().numpy())

    def attack(images: Array, labels: Labels) -> Answer:
        x = torch.from_numpy(images.astype(np.float64)).requires_grad_()
        value = loss(x, labels, weight)
        return Answer(value.item(), torch.autograd.grad(value, x)[0].flatten().numpy())

    return Steps(train, attack)
