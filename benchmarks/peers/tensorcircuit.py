"""tensorcircuit-ng on JAX: one layer a scan step, vmapped over the batch, recomputed in the backward pass."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.peers.base import Steps, require
from benchmarks.peers.jax_adjoint import steps_of
from benchmarks.problem import Array, Problem

_Layer = Callable[[Any, Any], None]


class TensorCircuit:
    """A circuit as its documentation writes it: a gate a qubit (RZ·RY·RZ already multiplied), then CZ."""

    key = "tensorcircuit"
    title = "tensorcircuit-ng, JAX"
    note = "jit, vmap, scan and checkpoint over layers, greedy contractor, complex64"

    def version(self) -> str:
        """tensorcircuit-ng and JAX."""
        return require("tensorcircuit-ng", "jax")

    def build(self, problem: Problem, weights: Array) -> Steps:
        """Jitted steps; the first call compiles."""
        return steps_of(problem, weights, expectations_by_gates(problem))


class TensorCircuitBlocks(TensorCircuit):
    """The same with rotations and CZ of half the qubits multiplied into one matrix by hand."""

    key = "tensorcircuit-blocks"
    title = "tensorcircuit-ng, JAX, hand-fused"
    note = "each half of a layer multiplied by hand into one dense matrix before the circuit sees it"

    def build(self, problem: Problem, weights: Array) -> Steps:
        """Jitted steps; the first call compiles."""
        return steps_of(problem, weights, _expectations(problem, partial(_blocks, problem)))


def expectations_by_gates(problem: Problem) -> Any:
    """⟨Z⟩ as a function of weights and states, a gate a qubit."""
    return _expectations(problem, partial(_gates, problem))


def _expectations(problem: Problem, layer: _Layer) -> Any:
    import jax
    import tensorcircuit as tc

    tc.set_backend("jax")
    tc.set_dtype("complex64")
    tc.set_contractor("greedy")
    signs = problem.z_signs()[:, : problem.num_classes]

    def one_layer(state: Any, matrices: Any) -> tuple[Any, None]:
        circuit = tc.Circuit(problem.num_qubits, inputs=state)
        layer(circuit, matrices)
        return circuit.state(), None

    def final_state(matrices: Any, state: Any) -> Any:
        return jax.lax.scan(jax.checkpoint(one_layer), state.astype(np.complex64), matrices)[0]

    def expectations(weight: Any, states: Any) -> Any:
        # The library counts qubits from the most significant bit.
        matrices = rotations(weight.reshape(problem.num_layers, problem.num_qubits, 3))[:, ::-1]
        final = jax.vmap(final_state, in_axes=(None, 1))(matrices, states)
        return (final.real**2 + final.imag**2) @ signs

    return expectations


def rotations(angles: Any) -> Any:
    """RZ·RY·RZ as complex64 matrices, shape (..., 2, 2)."""
    import jax.numpy as jnp

    first, tilt, last = angles[..., 0], angles[..., 1], angles[..., 2]
    cos, sin = jnp.cos(tilt / 2), jnp.sin(tilt / 2)
    total, difference = jnp.exp(-0.5j * (first + last)), jnp.exp(-0.5j * (first - last))
    entries = [cos * total, -sin * difference.conj(), sin * difference, cos * total.conj()]
    return jnp.stack(entries, -1).reshape(*tilt.shape, 2, 2).astype(jnp.complex64)


def _gates(problem: Problem, circuit: Any, matrices: Any) -> None:
    for qubit in range(problem.num_qubits):
        circuit.unitary(qubit, unitary=matrices[qubit])
    for qubit in range(problem.num_qubits - 1):
        circuit.cz(qubit, qubit + 1)


def _blocks(problem: Problem, circuit: Any, matrices: Any) -> None:
    import jax.numpy as jnp

    half = problem.num_qubits // 2
    for first, last in ((0, half), (half, problem.num_qubits)):
        block = matrices[first]
        for qubit in range(first + 1, last):
            block = jnp.kron(block, matrices[qubit])
        signs = Problem(num_qubits=last - first).cz_signs()
        circuit.unitary(*range(first, last), unitary=block * signs[:, None])
    circuit.cz(half - 1, half)
