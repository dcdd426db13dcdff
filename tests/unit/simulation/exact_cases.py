"""Circuits and a model of a device for the exact primitives, and whether two samples agree."""

import numpy as np
from qiskit.circuit import ClassicalRegister, Parameter, QuantumCircuit, QuantumRegister
from qiskit_aer.noise import NoiseModel, ReadoutError, depolarizing_error, thermal_relaxation_error
from scipy.stats import chi2

from tests.unit.simulation.heisenberg_cases import apply

#: Strings that were seen less often are counted as one.
RARE = 20


def device(readout: bool = True) -> NoiseModel:
    """Relaxation, depolarising noise and readout errors, which differ by qubit."""
    model = NoiseModel()
    model.add_all_qubit_quantum_error(depolarizing_error(0.05, 2), ["cz", "cx"])
    for qubit in range(5):
        model.add_quantum_error(thermal_relaxation_error(3 + qubit, 2.0, 0.3), ["sx", "x"], [qubit])
        if readout:
            low, high = 0.02 + 0.01 * qubit, 0.1 + 0.02 * qubit
            model.add_readout_error(ReadoutError([[1 - low, low], [high, 1 - high]]), [qubit])
    return model


def random_circuit(num_qubits: int, seed: int) -> QuantumCircuit:
    rng = np.random.default_rng(seed)
    circuit = QuantumCircuit(num_qubits)
    for _ in range(8):
        order = rng.permutation(num_qubits).tolist()
        for name in ("sx", "rz", "cz", "ry", "x"):
            apply(circuit, name, order, rng)
    return circuit


def parametrised() -> QuantumCircuit:
    """Three of four qubits are measured, into two registers, with a bit between them that nothing is measured into."""
    first, second = ClassicalRegister(3, "first"), ClassicalRegister(1, "second")
    circuit = QuantumCircuit(QuantumRegister(4), first, second)
    b, a = Parameter("b"), Parameter("a")
    circuit.ry(b, 0)
    circuit.cx(0, 1)
    circuit.rx(a, 3)
    circuit.h(2)
    circuit.barrier()
    circuit.measure(0, first[0])
    circuit.measure(1, first[2])
    circuit.measure(3, second[0])
    circuit.metadata = {"name": "of mine"}
    return circuit


def agreement(first: dict[str, int], second: dict[str, int]) -> float:
    """Of two samples, the probability to differ at least as much where both are of one distribution."""
    strings = sorted({*first, *second})
    table = np.array([[counts.get(string, 0) for string in strings] for counts in (first, second)], dtype=float)
    rare = table.sum(axis=0) < RARE
    table = np.column_stack([table[:, ~rare], table[:, rare].sum(axis=1)])
    table = table[:, table.sum(axis=0) > 0]
    assert table[0].sum() == table[1].sum()
    statistic = ((table[0] - table[1]) ** 2 / table.sum(axis=0)).sum()
    return float(chi2.sf(statistic, max(1, table.shape[1] - 1)))
