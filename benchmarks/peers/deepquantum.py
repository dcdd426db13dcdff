"""DeepQuantum: a circuit of one layer whose angles are its data, called once a layer on a batch of states."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from benchmarks.peers.base import Steps, require
from benchmarks.peers.torch_steps import steps_of, z_of
from benchmarks.problem import Array, Problem


class DeepQuantum:
    """Autograd; the library's adjoint method is for states that are spread over processes, one sample at a time."""

    key = "deepquantum"
    title = "DeepQuantum"
    note = "`u3` for a qubit's three angles, CZ as a 4×4 matrix (faster than `cz`), batch, autograd, complex64"

    def version(self) -> str:
        """DeepQuantum and torch."""
        return require("deepquantum", "torch")

    def build(self, problem: Problem, weights: Array) -> Steps:
        """Steps by autograd."""
        layer = _layer(problem.num_qubits)

        def expectations(angles: Tensor, states: Tensor) -> Tensor:
            states = states.unsqueeze(-1)
            # u3 takes the tilt first; its last angle turns first.
            for data in angles[:, :, [1, 2, 0]].flatten(1).unbind():
                states = layer(data=data, state=states)
            return z_of(states.squeeze(-1), problem)

        return steps_of(problem, weights, expectations)


def _layer(num_qubits: int) -> torch.nn.Module:
    import deepquantum

    circuit: torch.nn.Module = deepquantum.QubitCircuit(num_qubits)
    controlled_z = torch.diag(torch.tensor([1, 1, 1, -1], dtype=torch.complex64))
    # Wire 0 is the most significant bit.
    wires = range(num_qubits)[::-1]
    for wire in wires:
        circuit.u3(wire, encode=True)
    for pair in pairwise(wires):
        circuit.any(controlled_z, list(pair))
    return circuit
