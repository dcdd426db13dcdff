"""The parts of a circuit that no gate connects: each is propagated by itself, and their outcomes are independent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.circuit import CircuitInstruction, QuantumCircuit

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.memory import gigabytes
from qaml_qiskit.simulation.heisenberg import memory_needed
from qaml_qiskit.simulation.measurements import instruction_qubits

#: Qubits that gates connect, at most: the vector of twelve has 4¹² numbers, and every further qubit has four times as
#: many.
EXACT_QUBITS = 12


@dataclass(frozen=True, eq=False)
class Component:
    """Qubits that gates connect with each other and with no others, as far as what is measured can depend on them.

    Attributes:
        circuit: the instructions on them, on as many qubits as the whole circuit, which keeps what noise they have.
        qubits: those that are measured, ascending; bit j of an outcome is that of the j-th.
        columns: the places of the circuit's parameters among those of the whole circuit.
    """

    circuit: QuantumCircuit
    qubits: tuple[int, ...]
    columns: NDArray[np.int64]


def components(circuit: QuantumCircuit, measured: Sequence[int]) -> tuple[Component, ...]:
    """Take a circuit apart; what no measured qubit can depend on is left out.

    Args:
        circuit: with free parameters; measured at most at its end.
        measured: the qubits whose outcomes, or observables, are wanted.

    Returns:
        Ascending by the first measured qubit of each.

    Raises:
        ConfigurationError: a component has more than :data:`EXACT_QUBITS` qubits.
    """
    kept = _cone(circuit, measured)
    leader = {qubit: qubit for qubit in measured}

    def find(qubit: int) -> int:
        while leader.setdefault(qubit, qubit) != qubit:
            leader[qubit] = qubit = leader[leader[qubit]]
        return qubit

    for _, qubits in kept:
        for other in qubits[1:]:
            leader[find(other)] = find(qubits[0])
    for qubit in measured:
        find(qubit)
    members: dict[int, list[int]] = {}
    for qubit in sorted(leader):
        members.setdefault(find(qubit), []).append(qubit)
    parts = {first: _empty(circuit) for first in members}
    for instruction, qubits in kept:
        parts[find(qubits[0])].append(instruction)
    place = {parameter: column for column, parameter in enumerate(circuit.parameters)}
    found = []
    for first, qubits_here in members.items():
        _check_width(len(qubits_here))
        part = parts[first]
        columns = np.array([place[parameter] for parameter in part.parameters], dtype=np.int64)
        found.append(Component(part, tuple(sorted({*qubits_here} & {*measured})), columns))
    return tuple(sorted(found, key=lambda each: each.qubits))


def _cone(circuit: QuantumCircuit, measured: Sequence[int]) -> list[tuple[CircuitInstruction, tuple[int, ...]]]:
    """The instructions on which the measured qubits depend, in time order, without barriers."""
    reached, kept = set(measured), []
    for instruction in reversed(circuit.data):
        qubits = instruction_qubits(circuit, instruction)
        if instruction.operation.name != "barrier" and not reached.isdisjoint(qubits):
            reached.update(qubits)
            kept.append((instruction, qubits))
    return kept[::-1]


def _empty(circuit: QuantumCircuit) -> QuantumCircuit:
    empty = circuit.copy_empty_like()
    # A phase is nobody's, and its parameters are of no component.
    empty.global_phase = 0
    return empty


def _check_width(width: int) -> None:
    if width > EXACT_QUBITS:
        needed = memory_needed(width, 0, torch.float32, num_inputs=0)
        raise ConfigurationError(
            f"{width} qubits that gates connect are too many for the exact engine",
            got=f"{width} qubits, which need 4^{width} numbers and {gigabytes(needed)}",
            expected=f"at most {EXACT_QUBITS} that gates connect",
            remedy="use fewer qubits, or simulate them by Aer",
        )
