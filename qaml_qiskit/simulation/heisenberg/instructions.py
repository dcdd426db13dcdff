"""Transfer matrices of Qiskit's instructions and Aer's errors."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from qiskit.circuit import CircuitInstruction, QuantumCircuit, Reset
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

#: By the error's identifier; 2 KiB each, a device of 156 qubits has some 500.
_KNOWN: dict[str, FloatArray] = {}
_MOST_KNOWN = 4096


def instruction_transfer(instruction: CircuitInstruction) -> FloatArray:
    """The transfer matrix of a gate, a reset or a channel, shape (4, 4) or (16, 16), not to be written to.

    Raises:
        QiskitError, AttributeError or TypeError: for anything else.
    """
    # What errors consist of comes first: a device has thousands of them, each a few of the same.
    if instruction.name == "pauli":
        return _pauli_transfer(instruction.params[0])
    if instruction.name == "reset":
        return _reset_transfer()
    if instruction.matrix is not None:
        return unitary_transfer(instruction.matrix)
    if instruction.name == "kraus":
        return kraus_transfer(np.array(instruction.params))
    return superoperator_transfer(SuperOp(instruction.operation).data)


def error_transfer(error: BaseQuantumError) -> FloatArray:
    """The transfer matrix of an error, shape (4, 4) or (16, 16), not to be written to.

    A device's error has hundreds of small instructions, and takes some ten milliseconds. Models that differ in some
    errors, or in how they are read, share the others, which keep their identifier: the last ones are remembered.
    """
    found = _KNOWN.get(error.id)
    if found is None:
        found = _error_transfer(error)
        found.setflags(write=False)
        if len(_KNOWN) >= _MOST_KNOWN:
            _KNOWN.pop(next(iter(_KNOWN)), None)
        _KNOWN[error.id] = found
    return found


def _error_transfer(error: BaseQuantumError) -> FloatArray:
    if not isinstance(error, QuantumError):
        return superoperator_transfer(SuperOp(error).data)
    terms = zip(error.probabilities, error.circuits, strict=True)
    transfer: FloatArray = np.sum([chance * _circuit_transfer(circuit) for chance, circuit in terms], axis=0)
    return transfer


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
    transfer = unitary_transfer(Pauli(label).to_matrix())
    transfer.setflags(write=False)
    return transfer


@lru_cache(maxsize=1)
def _reset_transfer() -> FloatArray:
    transfer = superoperator_transfer(SuperOp(Reset()).data)
    transfer.setflags(write=False)
    return transfer
