"""Transfer matrices of Qiskit's instructions and Aer's errors."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from qiskit.circuit import CircuitInstruction, QuantumCircuit
from qiskit.quantum_info import Pauli, SuperOp
from qiskit_aer.noise import QuantumError

from qaml_qiskit.noise.aer_model import BaseQuantumError
from qaml_qiskit.simulation.heisenberg.channels import (
    FloatArray,
    kraus_transfer,
    on_pair,
    superoperator_transfer,
    swapped,
    unitary_transfer,
)


def instruction_transfer(instruction: CircuitInstruction) -> FloatArray:
    """The transfer matrix of a gate, a reset or a channel, shape (4, 4) or (16, 16).

    Raises:
        QiskitError, AttributeError or TypeError: for anything else.
    """
    if instruction.matrix is not None:
        return unitary_transfer(instruction.matrix)
    if instruction.name == "pauli":
        return _pauli_transfer(instruction.params[0])
    if instruction.name == "kraus":
        return kraus_transfer(np.array(instruction.params))
    return superoperator_transfer(SuperOp(instruction.operation).data)


def error_transfer(error: BaseQuantumError) -> FloatArray:
    """The transfer matrix of an error, shape (4, 4) or (16, 16).

    A device's error has hundreds of small instructions; SuperOp takes some ten milliseconds for it.
    """
    if not isinstance(error, QuantumError):
        return superoperator_transfer(SuperOp(error).data)
    terms = zip(error.probabilities, error.circuits, strict=True)
    return np.sum([chance * _circuit_transfer(circuit) for chance, circuit in terms], axis=0)


def _circuit_transfer(circuit: QuantumCircuit) -> FloatArray:
    total = np.eye(4**circuit.num_qubits)
    for instruction in circuit.data:
        transfer = instruction_transfer(instruction)
        places = [circuit.find_bit(qubit).index for qubit in instruction.qubits]
        if len(places) < circuit.num_qubits:
            transfer = on_pair(transfer, np.eye(4)) if places[0] else on_pair(np.eye(4), transfer)
        elif places == [1, 0]:
            transfer = swapped(transfer)
        total = transfer @ total
    return total


@lru_cache(maxsize=32)
def _pauli_transfer(label: str) -> FloatArray:
    return unitary_transfer(Pauli(label).to_matrix())
