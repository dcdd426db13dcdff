"""The ansatz of the benchmark."""

from collections.abc import Iterator

from qiskit.circuit import QuantumCircuit

from qaml_qiskit.circuits.ansatz import ANGLES_PER_ROTATION, Angle, Ansatz, add_rotations


class Ladder(Ansatz):
    """A layer is an arbitrary rotation on every qubit, then CZ on every bond of the line (West et al. 2023, figure 1d).

    For ten qubits a layer has 39 gates and 30 parameters. Element 3·(l·n + q) + r of ``θ`` is rotation r of qubit q in
    layer l.
    """

    name = "ladder"

    @property
    def num_parameters(self) -> int:
        """3·n·L: 6,000 for QVC200 on ten qubits, 30,000 for QVC1000."""
        return ANGLES_PER_ROTATION * self.num_qubits * self.num_layers

    def add_layer(self, circuit: QuantumCircuit, layer: int, angles: Iterator[Angle]) -> None:
        """Rotations, then CZ on (0,1), (1,2), …, (n−2, n−1)."""
        add_rotations(circuit, angles)
        for qubit in range(self.num_qubits - 1):
            circuit.cz(qubit, qubit + 1)
