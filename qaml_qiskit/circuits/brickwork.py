"""An ansatz that learns more for the same number of CZ."""

from collections.abc import Iterator

from qiskit.circuit import QuantumCircuit

from qaml_qiskit.circuits.ansatz import ANGLES_PER_ROTATION, Angle, Ansatz, add_rotations


class Brickwork(Ansatz):
    """A layer is an arbitrary rotation on every qubit, then CZ on every second bond: even ones, then odd ones, in turn.

    It ends with a wall of rotations, because a CZ just before the readout of Z changes nothing. For the same number of
    CZ it has nearly twice as many angles that matter: behind every CZ there is a fresh rotation on both of its qubits.
    The order of ``θ`` is the ladder's; the last wall counts as layer L.
    """

    name = "brickwork"

    @property
    def num_parameters(self) -> int:
        """3·n·(L + 1)."""
        return ANGLES_PER_ROTATION * self.num_qubits * (self.num_layers + 1)

    def add_layer(self, circuit: QuantumCircuit, layer: int, angles: Iterator[Angle]) -> None:
        """Rotations, then CZ on (0,1), (2,3), … in even layers and on (1,2), (3,4), … in odd ones."""
        add_rotations(circuit, angles)
        for qubit in range(layer % 2, self.num_qubits - 1, 2):
            circuit.cz(qubit, qubit + 1)

    def add_end(self, circuit: QuantumCircuit, angles: Iterator[Angle]) -> None:
        """The last wall."""
        add_rotations(circuit, angles)
