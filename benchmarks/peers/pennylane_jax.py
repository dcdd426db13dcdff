"""PennyLane's default.qubit under JAX: a QNode for one layer, state in and state out, scanned."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.peers.base import Steps, require
from benchmarks.peers.jax_adjoint import steps_of
from benchmarks.problem import Array, Problem


class PennyLaneJax:
    """One QNode of all layers would do the same, but XLA needs two minutes to compile ten of them."""

    key = "pennylane-jax"
    title = "PennyLane default.qubit, JAX"
    note = "a QNode a layer inside jit and scan, broadcast batch, backprop with checkpoint, complex64"

    def version(self) -> str:
        """PennyLane and JAX."""
        return require("pennylane", "jax")

    def build(self, problem: Problem, weights: Array) -> Steps:
        """Jitted steps; the first call compiles."""
        import jax

        layer, signs = _layer(problem.num_qubits), problem.z_signs()[:, : problem.num_classes]

        def expectations(weight: Any, states: Any) -> Any:
            angles = weight.reshape(problem.num_layers, problem.num_qubits, 3)
            body = jax.checkpoint(lambda state, turns: (layer(state, turns), None))
            final, _ = jax.lax.scan(body, states.T.astype(np.complex64), angles)
            return (final.real**2 + final.imag**2) @ signs

        return steps_of(problem, weights, expectations)


def _layer(num_qubits: int) -> Any:
    import pennylane as qml

    @qml.qnode(qml.device("default.qubit", wires=num_qubits), interface="jax", diff_method="backprop")
    def layer(states: Any, angles: Any) -> Any:
        qml.StatePrep(states, wires=range(num_qubits), validate_norm=False)
        # Wire 0 is the most significant bit.
        for qubit in range(num_qubits):
            qml.Rot(angles[qubit, 0], angles[qubit, 1], angles[qubit, 2], wires=num_qubits - 1 - qubit)
        for qubit in range(num_qubits - 1):
            qml.CZ([num_qubits - 1 - qubit, num_qubits - 2 - qubit])
        return qml.state()

    return layer
