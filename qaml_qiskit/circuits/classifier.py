"""From the parts to the circuit that a device runs, and the numbers that describe it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from qiskit.circuit import Bit, ClassicalRegister, QuantumCircuit

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
    gates = [instruction for instruction in circuit.data if instruction.name not in _NO_GATES]
    places = [(*gate.qubits, *gate.clbits) for gate in gates]
    on_two = [len(gate.qubits) > 1 for gate in gates]
    return GateCounts(
        one_qubit_gates=len(gates) - sum(on_two),
        two_qubit_gates=sum(on_two),
        two_qubit_depth=_depth(places, on_two),
        depth=_depth(places, [True] * len(gates)),
    )


def _depth(places: Sequence[tuple[Bit, ...]], counted: Sequence[bool]) -> int:
    """The longest way through gates on these bits; one that is not counted still holds its bits together.

    As ``QuantumCircuit.depth`` of a circuit of these gates, which would take longer to build than to measure.
    """
    depths: defaultdict[Bit, int] = defaultdict(int)
    for bits, counts in zip(places, counted, strict=True):
        depth = max((depths[bit] for bit in bits), default=0) + counts
        for bit in bits:
            depths[bit] = depth
    return max(depths.values(), default=0)
