"""Which qubits a circuit measures, and into which classical bits."""

from __future__ import annotations

from collections.abc import Sequence

from qiskit.circuit import CircuitInstruction, QuantumCircuit

from qaml_qiskit.errors import ConfigurationError


def measured_qubits(circuit: QuantumCircuit) -> list[int]:
    """The qubit behind each classical bit that is measured into, in the order of the bits."""
    pairs = {
        circuit.find_bit(instruction.clbits[0]).index: instruction_qubits(circuit, instruction)[0]
        for instruction in circuit.data
        if instruction.operation.name == "measure"
    }
    return [pairs[bit] for bit in sorted(pairs)]


def final_measurements(circuit: QuantumCircuit) -> dict[int, int]:
    """The qubit that is measured into each classical bit, by the bit's index.

    Raises:
        ConfigurationError: something is measured before the circuit's end, or depends on what was measured.
    """
    found: dict[int, int] = {}
    done: set[int] = set()
    for instruction in circuit.data:
        qubits, name = instruction_qubits(circuit, instruction), instruction.operation.name
        if name == "barrier":
            continue
        if not done.isdisjoint(qubits) and name != "delay":
            raise _refusal(name, qubits, "an operation on a qubit that was already measured")
        if name == "measure":
            done.update(qubits)
            found[circuit.find_bit(instruction.clbits[0]).index] = qubits[0]
        elif instruction.is_control_flow() or instruction.clbits:
            raise _refusal(name, qubits, "an operation that depends on classical bits or writes them")
    return found


def instruction_qubits(circuit: QuantumCircuit, instruction: CircuitInstruction) -> tuple[int, ...]:
    """The numbers of the qubits that an instruction acts on, in its own order."""
    return tuple([circuit.find_bit(qubit).index for qubit in instruction.qubits])


def _refusal(name: str, qubits: Sequence[int], kind: str) -> ConfigurationError:
    return ConfigurationError(
        f"the exact engine cannot follow the instruction '{name}' on qubits {list(qubits)}",
        got=kind,
        expected="gates and channels, measured at most at the end",
        remedy="leave the instruction out, or simulate the circuit by Aer",
    )
