"""qiboml's JAX backend: Qibo's circuit of one layer inside jit, vmap and scan."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.peers.base import Steps, require
from benchmarks.peers.jax_adjoint import steps_of
from benchmarks.problem import Array, Problem


class Qiboml:
    """The backend on torch takes 1.7 times as long; the compiled qibojit has no gradient, and does not install here."""

    key = "qiboml"
    title = "qiboml, JAX"
    note = "`U3` for a qubit's three angles; jit, vmap, scan and checkpoint over layers, complex64"

    def version(self) -> str:
        """Qiboml, Qibo and JAX."""
        return require("qiboml", "qibo", "jax")

    def build(self, problem: Problem, weights: Array) -> Steps:
        """Jitted steps; the first call compiles."""
        import jax

        layer, signs = _layer(problem.num_qubits), problem.z_signs()[:, : problem.num_classes]
        shape = (problem.num_layers, problem.num_qubits, 3)

        def expectations(weight: Any, states: Any) -> Any:
            angles = weight.reshape(shape)
            body = jax.checkpoint(lambda state, turns: (layer(state, turns), None))
            final = jax.vmap(lambda state: jax.lax.scan(body, state, angles)[0], in_axes=1)(states.astype(np.complex64))
            return (final.real**2 + final.imag**2) @ signs

        return steps_of(problem, weights, expectations)


def _layer(num_qubits: int) -> Any:
    import jax
    from qibo import Circuit, gates
    from qiboml.backends.jax import JaxBackend

    wide = jax.config.jax_enable_x64
    backend = JaxBackend()
    # It asks for float64 everywhere, in this process for everybody.
    jax.config.update("jax_enable_x64", wide)
    backend.set_dtype("complex64")
    # Qubit 0 is the most significant bit.
    qubits = range(num_qubits)[::-1]
    rotations = [gates.U3(qubit, 0.0, 0.0, 0.0) for qubit in qubits]
    circuit = Circuit(num_qubits)
    circuit.add(rotations)
    circuit.add(gates.CZ(*pair) for pair in pairwise(qubits))

    def layer(state: Any, angles: Any) -> Any:
        for gate, turn in zip(rotations, angles, strict=True):
            gate.parameters = (turn[1], turn[2], turn[0])
        return backend.execute_circuit(circuit, initial_state=state).state().astype(np.complex64)

    return layer
