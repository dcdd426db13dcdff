"""The variational part of the benchmark classifier (West et al. 2023, figure 1d)."""

from qiskit.circuit import ParameterVector, QuantumCircuit

from qaml_qiskit.errors import ConfigurationError

#: Angles of the arbitrary rotation RZ(a)·RY(b)·RZ(c) on one qubit.
ANGLES_PER_ROTATION = 3


def qvc_parameter_count(num_qubits: int, num_layers: int) -> int:
    """3·n·L: 6,000 for QVC200, 15,000 for QVC500 and 30,000 for QVC1000 on ten qubits."""
    return ANGLES_PER_ROTATION * num_qubits * num_layers


def qvc_ansatz(num_qubits: int, num_layers: int) -> QuantumCircuit:
    """The QVC's layers: an arbitrary rotation on every qubit, then CZ on (0,1), (1,2), … (n−2,n−1).

    For ten qubits a layer has 39 gates and 30 parameters. The paper leaves the Euler order open; here it is RZ, RY,
    RZ in time order.

    Args:
        num_qubits: n.
        num_layers: L.

    Returns:
        An unmeasured circuit with the parameter vector ``θ`` of length 3·n·L, in the order layer, qubit, rotation
        (element 3·(l·n + q) + r is rotation r of qubit q in layer l).

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
    theta = iter(ParameterVector("θ", qvc_parameter_count(num_qubits, num_layers)))
    circuit = QuantumCircuit(num_qubits, name=f"QVC{num_layers}")
    for _ in range(num_layers):
        for qubit in range(num_qubits):
            circuit.rz(next(theta), qubit)
            circuit.ry(next(theta), qubit)
            circuit.rz(next(theta), qubit)
        for qubit in range(num_qubits - 1):
            circuit.cz(qubit, qubit + 1)
    return circuit
