"""From the parts to the circuit that a device runs, and the numbers that describe it."""

from dataclasses import asdict, dataclass

from qiskit.circuit import ClassicalRegister, QuantumCircuit

from qaml_qiskit.circuits.readout import Readout
from qaml_qiskit.errors import ConfigurationError


def classifier_circuit(encoding: QuantumCircuit, ansatz: QuantumCircuit, readout: Readout) -> QuantumCircuit:
    """Encoding, then ansatz, then Z measured on the readout's qubits.

    Args:
        encoding: prepares the image on n qubits; may be parameterised.
        ansatz: the variational part on the same n qubits; may be parameterised.
        readout: which qubits are measured.

    Returns:
        A circuit with one classical register ``meas``; bit i holds the readout's i-th qubit.

    Raises:
        ConfigurationError: different widths.
    """
    if not encoding.num_qubits == ansatz.num_qubits == readout.num_qubits:
        raise ConfigurationError(
            "cannot join the encoding, the ansatz and the readout",
            got=f"{encoding.num_qubits}, {ansatz.num_qubits} and {readout.num_qubits} qubits",
            expected="the same number",
            remedy="build them for the same number of qubits",
        )
    bits = ClassicalRegister(len(readout.qubits), "meas")
    circuit = encoding.compose(ansatz)
    circuit.name = f"{encoding.name}+{ansatz.name}"
    circuit.add_register(bits)
    circuit.barrier()
    circuit.measure(readout.qubits, bits)
    return circuit


_NO_GATES = frozenset({"barrier", "measure", "delay"})


@dataclass(frozen=True)
class GateCounts:
    """What a circuit costs. Barriers, delays and measurements are not counted as gates."""

    one_qubit_gates: int
    two_qubit_gates: int
    two_qubit_depth: int
    depth: int

    def as_dict(self) -> dict[str, int]:
        """The counts by name."""
        return asdict(self)


def gate_counts(circuit: QuantumCircuit) -> GateCounts:
    """Count gates and depths; a gate on more than two qubits counts as a two-qubit gate (decompose it first)."""
    gates = [instruction for instruction in circuit.data if instruction.operation.name not in _NO_GATES]
    two_qubit = sum(len(gate.qubits) > 1 for gate in gates)
    bare = circuit.copy_empty_like()
    for gate in gates:
        bare.append(gate)
    return GateCounts(
        one_qubit_gates=len(gates) - two_qubit,
        two_qubit_gates=two_qubit,
        two_qubit_depth=bare.depth(lambda instruction: len(instruction.qubits) > 1),
        depth=bare.depth(),
    )
