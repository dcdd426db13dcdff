"""PennyLane's lightning.qubit with adjoint differentiation."""

from __future__ import annotations

import numpy as np

from benchmarks.peers.base import Steps, require
from benchmarks.peers.pennylane_torch import qvc_circuit, steps_of
from benchmarks.problem import Array, Problem

#: Broadcasting expands a batch into one circuit a sample, so that time is proportional to the samples.
_SAMPLES = 8


class Lightning:
    """Training only: the adjoint method gives no gradient with respect to the prepared state."""

    key = "lightning"
    title = "PennyLane lightning.qubit, adjoint"
    note = f"complex64; measured on at most {_SAMPLES} of the batch's images and scaled; no gradient of the images"

    def version(self) -> str:
        """PennyLane and Lightning."""
        return require("pennylane", "pennylane-lightning")

    def build(self, problem: Problem, weights: Array) -> Steps:
        """The training step."""
        import pennylane as qml

        device = qml.device("lightning.qubit", wires=problem.num_qubits, c_dtype=np.complex64)
        # Rot would be decomposed first, and vector-Jacobian products on the device are slower here.
        circuit = qml.QNode(qvc_circuit(problem, rot=False), device, interface="torch", diff_method="adjoint")
        return Steps(steps_of(circuit, problem, weights).train, None, samples=_SAMPLES)
