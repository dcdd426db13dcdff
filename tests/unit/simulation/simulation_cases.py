"""Circuits and small helpers that the tests of the simulation share."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from qiskit import QuantumCircuit
from qiskit.circuit import Gate, ParameterExpression, ParameterVector
from qiskit.circuit.library import get_standard_gate_name_mapping

from tests.tolerances import GRADIENT, VALUE

#: Name, number of angles and number of qubits of every unitary standard gate.
GATES = {
    name: (gate.base_class, len(gate.params), gate.num_qubits)
    for name, gate in get_standard_gate_name_mapping().items()
    if isinstance(gate, Gate) and name != "global_phase"
}


def one_thread() -> Iterator[None]:
    """For a fixture: tensors this small gain nothing from threads, which only wait for each other on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def qvc(num_qubits: int, layers: int) -> QuantumCircuit:
    """RZ·RY·RZ on every qubit, then a chain of CZ, ``layers`` times."""
    circuit = QuantumCircuit(num_qubits)
    angles = iter(ParameterVector("w", 3 * num_qubits * layers))
    for _ in range(layers):
        for qubit in range(num_qubits):
            circuit.rz(next(angles), qubit)
            circuit.ry(next(angles), qubit)
            circuit.rz(next(angles), qubit)
        for qubit in range(num_qubits - 1):
            circuit.cz(qubit, qubit + 1)
    return circuit


def mixed(num_qubits: int = 3) -> QuantumCircuit:
    """Every kind of angle: shared, scaled, non-linear, in fixed and two-qubit gates and in the global phase."""
    a, b, c, d = ParameterVector("t", 4)
    circuit = QuantumCircuit(num_qubits, global_phase=a + 0.3)
    angles: Sequence[ParameterExpression] = (a, 2 * b - 1, a * c, (d / 2).sin() + 1, b + c, c**2, d.exp() / 3)
    for step, angle in enumerate(angles):
        first, second = step % num_qubits, (step + 1) % num_qubits
        circuit.h(first)
        circuit.rx(angle, second)
        circuit.crx(angle, first, second)
        circuit.rzz(angle, second, first)
        circuit.u(angle, b, 0.4, first)
        circuit.ryy(0.7, first, second)
        circuit.cp(angle, first, second)
        circuit.swap(first, second)
        circuit.cry(d, second, first)
    return circuit


def weights_for(circuit: QuantumCircuit, dtype: torch.dtype = torch.float64, scale: float = 3.0) -> torch.Tensor:
    """Seeded weights, beyond ±π for the usual scale."""
    generator = torch.Generator().manual_seed(7)
    return scale * torch.randn(circuit.num_parameters, generator=generator, dtype=dtype)


def samples(batch: int, num_qubits: int, dtype: torch.dtype) -> torch.Tensor:
    """Seeded normalised amplitudes."""
    generator = torch.Generator().manual_seed(11)
    rows = torch.randn(batch, 2**num_qubits, generator=generator, dtype=dtype)
    return rows / rows.norm(dim=1, keepdim=True)


def close(actual: torch.Tensor, expected: torch.Tensor, allowed: float) -> bool:
    """Largest difference within ``allowed``, relative to the largest entry where that exceeds 1."""
    if actual.shape != expected.shape or actual.dtype.is_complex != expected.dtype.is_complex:
        return False
    if not actual.numel():
        return True
    actual, expected = actual.detach(), expected.detach()
    scale = max(1.0, float(expected.abs().max()))
    return float((actual.to(expected.dtype) - expected).abs().max()) <= allowed * scale


def same_values(actual: torch.Tensor, expected: torch.Tensor) -> bool:
    """Equal amplitudes or expectations for the precision of ``actual``."""
    return close(actual, expected, VALUE[actual.dtype.to_real() if actual.dtype.is_complex else actual.dtype])


def same_gradients(actual: torch.Tensor, expected: torch.Tensor) -> bool:
    """Equal gradients for the precision of ``actual``."""
    return close(actual, expected, GRADIENT[actual.dtype.to_real() if actual.dtype.is_complex else actual.dtype])


def bound(circuit: QuantumCircuit, weights: torch.Tensor) -> QuantumCircuit:
    """The circuit with its parameters, in their order, set to the weights."""
    return circuit.assign_parameters(np.asarray(weights, dtype=np.float64))
