"""Arbitrary rotations, then CNOTs: along the line, or round the ring."""

from collections.abc import Iterator

from qiskit.circuit import QuantumCircuit

from qaml_qiskit.circuits.ansatz import ANGLES_PER_ROTATION, Angle, Ansatz, Pair, add_rotations


class Cnot(Ansatz):
    """A layer is an arbitrary rotation on every qubit, then CNOTs (Huang & Zhang 2023, figure 3a).

    The paper leaves open which qubits the CNOTs couple. Here they go along the line, each qubit controlling the next;
    :class:`CnotRing` closes it. The order of ``θ`` is the ladder's.
    """

    name = "cnot"

    @property
    def num_parameters(self) -> int:
        """3·n·L."""
        return ANGLES_PER_ROTATION * self.num_qubits * self.num_layers

    def add_layer(self, circuit: QuantumCircuit, layer: int, angles: Iterator[Angle]) -> None:
        """Rotations, then CNOTs on (0,1), (1,2), …, (n−2, n−1), the first qubit of each the control."""
        add_rotations(circuit, angles)
        for control, target in self._cnots():
            circuit.cx(control, target)

    def _cnots(self) -> list[Pair]:
        return [(qubit, qubit + 1) for qubit in range(self.num_qubits - 1)]


class CnotRing(Cnot):
    """:class:`Cnot` with one CNOT more in every layer, from the last qubit to the first; none on two qubits."""

    name = "cnot-ring"

    def _cnots(self) -> list[Pair]:
        closing = [(self.num_qubits - 1, 0)] if self.num_qubits > 2 else []
        return super()._cnots() + closing
