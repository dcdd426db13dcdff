"""A circuit of the user's own as an ansatz."""

from collections.abc import Iterator
from functools import lru_cache

from qiskit.circuit import QuantumCircuit

from qaml_qiskit.circuits.ansatz import Ansatz
from qaml_qiskit.circuits.own_circuit import OWN, OwnCircuit
from qaml_qiskit.errors import ConfigurationError


class OwnAnsatz(Ansatz):
    """The gates of a circuit as they are. Where it has barriers labelled as ends of layers, these are its layers.

    Args:
        own: the circuit.
        layer_end: the label; see :data:`qaml_qiskit.noise.LAYER_END`.

    Raises:
        ConfigurationError: a layer ends on some qubits only.
    """

    name = OWN

    def __init__(self, own: OwnCircuit, layer_end: str) -> None:
        self._pieces = _pieces(own, layer_end)
        self._count = len(own.parameters)
        self.layered = len(self._pieces) > 1
        # What has no layers counts as one, as for every ansatz.
        super().__init__(self._pieces[0].num_qubits, max(1, len(self._pieces) - 1))

    @property
    def num_parameters(self) -> int:
        """As many as the circuit has."""
        return self._count

    def _parts(self, whole: QuantumCircuit | None = None) -> Iterator[QuantumCircuit]:
        for piece in self._pieces:
            yield piece.copy() if whole is None else whole.compose(piece, inplace=True) or whole


@lru_cache(maxsize=4)
def _pieces(own: OwnCircuit, layer_end: str) -> list[QuantumCircuit]:
    """Between the barriers with the label, not to be changed; the global phase is the first one's."""
    circuit = own.circuit
    pieces = [circuit.copy_empty_like()]
    for position, instruction in enumerate(circuit.data):
        if instruction.name != "barrier" or instruction.label != layer_end:
            pieces[-1].append(instruction)
            continue
        if len(instruction.qubits) < circuit.num_qubits:
            raise ConfigurationError(
                "this circuit cannot be an ansatz",
                got=f"instruction {position}, a barrier '{layer_end}' on {len(instruction.qubits)} qubits",
                expected=f"an end of a layer on all {circuit.num_qubits}",
                remedy=f'write circuit.barrier(label="{layer_end}")',
            )
        piece = circuit.copy_empty_like()
        piece.global_phase = 0
        pieces.append(piece)
    return pieces
