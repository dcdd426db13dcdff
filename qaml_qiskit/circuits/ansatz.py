"""The variational part of the classifier."""

from collections.abc import Iterator

from qiskit.circuit import Parameter, ParameterVector, QuantumCircuit

from qaml_qiskit.circuits.names import Ansatz
from qaml_qiskit.errors import ConfigurationError

#: Angles of the arbitrary rotation RZ(a)·RY(b)·RZ(c) on one qubit.
ANGLES_PER_ROTATION = 3


def qvc_parameter_count(num_qubits: int, num_layers: int, ansatz: Ansatz = "ladder") -> int:
    """3·n·L for the ladder (6,000 for QVC200 on ten qubits, 30,000 for QVC1000), 3·n·(L + 1) for the brickwork."""
    walls = num_layers + (ansatz == "brickwork")
    return ANGLES_PER_ROTATION * num_qubits * walls


def qvc_ansatz(num_qubits: int, num_layers: int, ansatz: Ansatz = "ladder") -> QuantumCircuit:
    """The QVC's layers: an arbitrary rotation on every qubit, then CZ on neighbours.

    For ten qubits a layer of the ladder has 39 gates and 30 parameters. The paper leaves the Euler order open; here it
    is RZ, RY, RZ in time order.

    Args:
        num_qubits: n.
        num_layers: L.
        ansatz: where the CZ are, see :data:`Ansatz`.

    Returns:
        An unmeasured circuit with the parameter vector ``θ``, in the order layer, qubit, rotation (element
        3·(l·n + q) + r is rotation r of qubit q in layer l; the brickwork's last wall counts as layer L).

    Raises:
        ConfigurationError: fewer than one qubit or layer.
    """
    if num_qubits < 1 or num_layers < 1:
        raise ConfigurationError(
            "cannot build a QVC",
            got=f"{num_qubits} qubits and {num_layers} layers",
            expected="at least one of each",
            remedy="choose positive numbers",
        )
    theta = iter(ParameterVector("θ", qvc_parameter_count(num_qubits, num_layers, ansatz)))
    circuit = QuantumCircuit(num_qubits, name=f"QVC{num_layers}")
    for layer in range(num_layers):
        _rotations(circuit, theta)
        for qubit in layer_bonds(num_qubits, layer, ansatz):
            circuit.cz(qubit, qubit + 1)
    if ansatz == "brickwork":
        _rotations(circuit, theta)
    return circuit


def layer_bonds(num_qubits: int, layer: int, ansatz: Ansatz = "ladder") -> range:
    """The lower qubits of a layer's CZ, each of which acts on (q, q + 1)."""
    return range(layer % 2, num_qubits - 1, 2) if ansatz == "brickwork" else range(num_qubits - 1)


def _rotations(circuit: QuantumCircuit, angles: Iterator[Parameter]) -> None:
    """A wall: an arbitrary rotation on every qubit."""
    for qubit in range(circuit.num_qubits):
        circuit.rz(next(angles), qubit)
        circuit.ry(next(angles), qubit)
        circuit.rz(next(angles), qubit)
