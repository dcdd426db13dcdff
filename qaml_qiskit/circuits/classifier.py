"""From the parts to the circuit that a device runs, and the numbers that describe it."""

from dataclasses import asdict, dataclass

from qiskit.circuit import ClassicalRegister, QuantumCircuit

from qaml_qiskit.errors import ConfigurationError


def classifier_circuit(encoding: QuantumCircuit, ansatz: QuantumCircuit, num_classes: int) -> QuantumCircuit:
    """Encoding, then ansatz, then Z measured on qubits 0 … m−1: class k is read from ⟨Z_k⟩.

    Args:
        encoding: prepares the image on n qubits; may be parameterised.
        ansatz: the variational part on the same n qubits; may be parameterised.
        num_classes: m.

    Returns:
        A circuit with one classical register ``meas`` of m bits; bit k holds qubit k.

    Raises:
        ConfigurationError: different widths, or more classes than qubits.
    """
    if encoding.num_qubits != ansatz.num_qubits:
        raise ConfigurationError(
            "cannot join the encoding and the ansatz",
            got=f"{encoding.num_qubits} and {ansatz.num_qubits} qubits",
            expected="the same number",
            remedy="build both for the same number of qubits",
        )
    check_classes(num_classes, ansatz.num_qubits)
    readout = ClassicalRegister(num_classes, "meas")
    circuit = encoding.compose(ansatz)
    circuit.name = f"{encoding.name}+{ansatz.name}"
    circuit.add_register(readout)
    circuit.barrier()
    circuit.measure(range(num_classes), readout)
    return circuit


def check_classes(num_classes: int, num_qubits: int) -> None:
    """Raise ConfigurationError unless every class has a qubit of its own to be read from."""
    if num_classes >= 2 > num_qubits:
        raise ConfigurationError(
            "cannot read the classes from the qubits",
            got=f"{num_classes} classes on {num_qubits} qubit{'s' * (num_qubits != 1)}",
            expected=f"at least {num_classes} qubits, one for each class",
            remedy="use larger images, or for a few features the angle encoding, which has a qubit for each of them",
        )
    if not 2 <= num_classes <= num_qubits:
        raise ConfigurationError(
            "cannot read the classes from the qubits",
            got=f"{num_classes} classes on {num_qubits} qubits",
            expected=f"2 to {num_qubits} classes, one qubit each",
            remedy="choose fewer classes or larger images",
        )


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
