"""Ansätze of Qiskit's circuit library, by their names there."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from qiskit.circuit import QuantumCircuit
from qiskit.circuit.library import efficient_su2, real_amplitudes

from qaml_qiskit.circuits.ansatz import Angle, Ansatz


class LibraryAnsatz(Ansatz):
    """Repetitions of a wall of rotations and a block of CX, then a last wall: L layers are ``reps=L``.

    With the same values in the order of ``θ`` it is the library's circuit, with all its defaults.
    """

    #: Rotations on each qubit of a wall.
    rotations: ClassVar[int]

    @staticmethod
    @abstractmethod
    def build(num_qubits: int, *, reps: int, skip_final_rotation_layer: bool = False) -> QuantumCircuit:
        """The library's function."""

    @property
    def num_parameters(self) -> int:
        """n·(L + 1) for each rotation on a qubit of a wall."""
        return self.rotations * self.num_qubits * (self.num_layers + 1)

    def add_layer(self, circuit: QuantumCircuit, layer: int, angles: Iterator[Angle]) -> None:
        """A wall and a block, as the library makes them."""
        self._add(circuit, self.build(self.num_qubits, reps=1, skip_final_rotation_layer=True), angles)

    def add_end(self, circuit: QuantumCircuit, angles: Iterator[Angle]) -> None:
        """A wall."""
        self._add(circuit, self.build(self.num_qubits, reps=0), angles)

    @staticmethod
    def _add(circuit: QuantumCircuit, part: QuantumCircuit, angles: Iterator[Angle]) -> None:
        values = [next(angles) for _ in part.parameters]
        circuit.compose(part.assign_parameters(values), inplace=True)


class RealAmplitudes(LibraryAnsatz):
    """``qiskit.circuit.library.real_amplitudes``: RY on every qubit, then CX from the last bond to the first.

    Element l·n + q of ``θ`` turns qubit q in layer l.
    """

    name = "real_amplitudes"
    rotations = 1
    build = staticmethod(real_amplitudes)


class EfficientSU2(LibraryAnsatz):
    """``qiskit.circuit.library.efficient_su2``: RY, then RZ on every qubit, then CX from the last bond to the first.

    Element 2·n·l + q of ``θ`` is the RY of qubit q in layer l, n places further its RZ.
    """

    name = "efficient_su2"
    rotations = 2
    build = staticmethod(efficient_su2)
