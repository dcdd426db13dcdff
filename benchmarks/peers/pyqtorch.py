"""pyqtorch: a circuit of one layer, run once a layer with the batch as the last dimension."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from benchmarks.peers.base import Steps, require
from benchmarks.peers.torch_steps import steps_of, z_of
from benchmarks.problem import Array, Problem

_NAMES = ("first", "tilt", "last")


class PyQTorch:
    """Autograd: its adjoint mode takes 2.4 times as long here, even with one observable for the whole loss."""

    key = "pyqtorch"
    title = "pyqtorch"
    note = "rotations of a qubit merged, batch, autograd (faster here than its adjoint mode), complex64"

    def version(self) -> str:
        """Pyqtorch and torch."""
        return require("pyqtorch", "torch")

    def build(self, problem: Problem, weights: Array) -> Steps:
        """Steps by autograd."""
        run, count = _layer(problem.num_qubits), problem.num_qubits

        def expectations(angles: Tensor, states: Tensor) -> Tensor:
            states = states.T.reshape([2] * count + [-1])
            for layer in angles.unbind():
                values = {f"{name}{q}": layer[q, i] for q in range(count) for i, name in enumerate(_NAMES)}
                states = run(states, values)
            return z_of(states.reshape(2**count, -1).T, problem)

        return steps_of(problem, weights, expectations)


def _layer(num_qubits: int) -> Callable[[Tensor, dict[str, Tensor]], Tensor]:
    import pyqtorch

    # Wire 0 is the most significant bit.
    wires = range(num_qubits)[::-1]
    gates = [
        pyqtorch.Merge(
            [
                rotation(wire, f"{name}{q}")
                for rotation, name in zip((pyqtorch.RZ, pyqtorch.RY, pyqtorch.RZ), _NAMES, strict=True)
            ]
        )
        for q, wire in enumerate(wires)
    ]
    gates += [pyqtorch.CZ(*pair) for pair in pairwise(wires)]
    run: Callable[[Tensor, dict[str, Tensor]], Tensor] = (
        pyqtorch.QuantumCircuit(num_qubits, gates).to(dtype=torch.complex64).run
    )
    return run
