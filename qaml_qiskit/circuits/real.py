"""An ansatz of real amplitudes on a device's own entangling gate."""

from collections.abc import Iterator

from qiskit.circuit import QuantumCircuit

from qaml_qiskit.circuits.ansatz import Angle, Ansatz


class Real(Ansatz):
    """A layer is an RY on every qubit, then CZ on every bond of the line; a last wall of RY follows.

    Real amplitudes stay real, with a third of the ladder's angles for the same CZ. The last wall is there because a CZ
    just before the readout of Z changes nothing. Element l·n + q of ``θ`` turns qubit q in layer l; the last wall
    counts as layer L.
    """

    name = "real"

    @property
    def num_parameters(self) -> int:
        """n·(L + 1)."""
        return self.num_qubits * (self.num_layers + 1)

    def add_layer(self, circuit: QuantumCircuit, layer: int, angles: Iterator[Angle]) -> None:
        """RY on every qubit, then CZ on (0,1), (1,2), …, (n−2, n−1)."""
        self.add_end(circuit, angles)
        for qubit in range(self.num_qubits - 1):
            circuit.cz(qubit, qubit + 1)

    def add_end(self, circuit: QuantumCircuit, angles: Iterator[Angle]) -> None:
        """RY on every qubit."""
        for qubit in range(self.num_qubits):
            circuit.ry(next(angles), qubit)
