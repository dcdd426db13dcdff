"""Small questions about ISA circuits, and the circuits that calibrate a readout."""

from collections.abc import Sequence

from qiskit.circuit import ClassicalRegister, QuantumCircuit
from qiskit.transpiler import Target as ISATarget

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.simulation.measurements import instruction_qubits


def active_qubits(isa_circuit: QuantumCircuit) -> tuple[int, ...]:
    """Physical qubits that carry at least one instruction other than a barrier, in ascending order."""
    return tuple(
        sorted(
            {
                isa_circuit.find_bit(qubit).index
                for instruction in isa_circuit.data
                if instruction.operation.name != "barrier"
                for qubit in instruction.qubits
            }
        )
    )


def placed_qubits(isa_circuit: QuantumCircuit) -> list[int]:
    """The physical qubit of each qubit where the circuit begins, then those that routing uses besides."""
    active = active_qubits(isa_circuit)
    if isa_circuit.layout is None:
        return list(active)
    placed = isa_circuit.layout.initial_index_layout(filter_ancillas=True)
    return [*placed, *(qubit for qubit in active if qubit not in placed)]


def pairs_in_use(isa_circuit: QuantumCircuit) -> list[list[int]]:
    """Pairs of physical qubits with gates on both, the lower number first, in ascending order."""
    pairs = {
        tuple(sorted(isa_circuit.find_bit(qubit).index for qubit in instruction.qubits))
        for instruction in isa_circuit.data
        if len(instruction.qubits) == 2 and instruction.operation.name != "barrier"
    }
    return [list(pair) for pair in sorted(pairs)]


def compact(isa_circuit: QuantumCircuit) -> QuantumCircuit:
    """The same circuit on its active qubits alone, relabelled 0, 1, … in ascending order of the physical qubits."""
    place = {qubit: index for index, qubit in enumerate(active_qubits(isa_circuit))}
    small = QuantumCircuit(len(place), name=isa_circuit.name, global_phase=isa_circuit.global_phase)
    for register in isa_circuit.cregs:
        small.add_register(register)
    for instruction in isa_circuit.data:
        physical = [isa_circuit.find_bit(qubit).index for qubit in instruction.qubits]
        qubits = [place[qubit] for qubit in physical if qubit in place]
        if instruction.operation.name == "barrier":
            small.barrier(qubits)
        else:
            small.append(instruction.operation, qubits, instruction.clbits)
    return small


def calibration_circuits(num_physical: int, qubits: Sequence[int]) -> tuple[QuantumCircuit, QuantumCircuit]:
    """|0…0⟩ and |1…1⟩ on the given physical qubits, measured; already in device instructions (X and measure)."""
    circuits = []
    for excited in (False, True):
        circuit = QuantumCircuit(num_physical, name=f"readout-{int(excited)}")
        readout = ClassicalRegister(len(qubits), "meas")
        circuit.add_register(readout)
        if excited:
            circuit.x(list(qubits))
        circuit.barrier()
        circuit.measure(list(qubits), readout)
        circuits.append(circuit)
    return circuits[0], circuits[1]


def unsupported(circuit: QuantumCircuit, target: ISATarget) -> tuple[str, tuple[int, ...]] | None:
    """The first instruction that the target does not have where the circuit uses it: its name and qubits; or None."""
    for instruction in circuit.data:
        name, qubits = instruction.operation.name, instruction_qubits(circuit, instruction)
        if name != "barrier" and not target.instruction_supported(name, qubits):
            return name, qubits
    return None


def check_isa(circuit: QuantumCircuit, target: ISATarget, recipe: str) -> None:
    """Raise ConfigurationError unless every instruction exists on the target where the circuit uses it."""
    if (found := unsupported(circuit, target)) is not None:
        raise ConfigurationError(
            f"recipe {recipe} left the circuit in a form that the target cannot run",
            got=f"{found[0]} on qubits {list(found[1])}",
            expected=f"instructions among {', '.join(sorted(target.operation_names))}, where the device has them",
            remedy="use a recipe that translates and routes, such as level3",
        )
