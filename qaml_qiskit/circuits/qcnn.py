"""A quantum convolutional neural network."""

from collections.abc import Iterator, Sequence

from qiskit.circuit import QuantumCircuit

from qaml_qiskit.circuits.ansatz import ANGLES_PER_ROTATION, Angle, Ansatz
from qaml_qiskit.errors import ConfigurationError

#: Of an arbitrary gate on two qubits, up to a phase.
_ANGLES_PER_BLOCK = 15


class QCNN(Ansatz):
    """Convolutions and poolings until one qubit is left, qubit 0 (Cong et al. 2019; Huang & Zhang 2023, figure 3b).

    On n = 2^S qubits there are S stages. A layer is a convolution: the same arbitrary gate on two qubits, on the 1st
    and 2nd, 3rd and 4th, … of the qubits that are left, then on the 2nd and 3rd, 4th and 5th, … The L layers are spread
    evenly over the stages, the first ones taking what is over, so L = S is one convolution a stage. The last layer of
    a stage ends with the pooling: every second qubit that is left would be measured, and where it is found in |1⟩, its
    neighbour is turned by an arbitrary rotation, the same for all pairs. Nothing is measured before the end: the
    rotations are controlled, which gives the same averages. At the end there is an arbitrary rotation of qubit 0, what
    a fully connected layer is on one qubit.

    What the figure leaves open, and is as in Cong et al. or the simplest here: the gate on two qubits (all of SU(4):
    rotations, exp(−i(αXX + βYY + γZZ)/2), rotations), that all blocks of a layer share their angles, that the line is
    not closed to a ring, how often a convolution is repeated, and which qubit is left.

    The order of ``θ`` is that of the layers; in each the 15 angles of the block, then the 3 of a pooling.
    """

    name = "qcnn"

    def __init__(self, num_qubits: int, num_layers: int) -> None:
        super().__init__(num_qubits, num_layers)
        self._stages = num_qubits.bit_length() - 1
        if num_qubits < 2 or num_qubits != 2**self._stages:
            raise ConfigurationError(
                "cannot build a QCNN",
                got=f"{num_qubits} qubits",
                expected="2, 4, 8 or another power of 2, because every pooling leaves half of the qubits",
                remedy="choose another ansatz, or an encoding on that many qubits: 256 pixels have 8",
            )
        if num_layers < self._stages:
            raise ConfigurationError(
                "cannot build a QCNN",
                got=f"{num_layers} layers on {num_qubits} qubits",
                expected=f"at least {self._stages}, a convolution before each pooling",
                remedy=f"choose {self._stages} layers or more",
            )

    @property
    def num_parameters(self) -> int:
        """15·L + 3·log₂n + 3."""
        return _ANGLES_PER_BLOCK * self.num_layers + ANGLES_PER_ROTATION * (self._stages + 1)

    def noisy_qubits(self, layer: int) -> tuple[int, ...]:
        """The qubits that are left."""
        return tuple(range(0, self.num_qubits, 2 ** self._stage(layer)))

    def add_layer(self, circuit: QuantumCircuit, layer: int, angles: Iterator[Angle]) -> None:
        """The convolution of the qubits that are left, and the pooling where the stage ends."""
        stage, left = self._stage(layer), self.noisy_qubits(layer)
        block = _take(_ANGLES_PER_BLOCK, angles)
        for first in (0, 1):
            for place in range(first, len(left) - 1, 2):
                _convolve(circuit, left[place], left[place + 1], block)
        if layer + 1 == self.num_layers or self._stage(layer + 1) > stage:
            turn = _take(ANGLES_PER_ROTATION, angles)
            for place in range(0, len(left), 2):
                _pool(circuit, left[place + 1], left[place], turn)

    def add_end(self, circuit: QuantumCircuit, angles: Iterator[Angle]) -> None:
        """The rotation of qubit 0."""
        _rotate(circuit, 0, _take(ANGLES_PER_ROTATION, angles))

    def _stage(self, layer: int) -> int:
        """Which stage a layer belongs to."""
        each, over = divmod(self.num_layers, self._stages)
        longer = over * (each + 1)
        return layer // (each + 1) if layer < longer else over + (layer - longer) // each


def _take(count: int, angles: Iterator[Angle]) -> list[Angle]:
    return [next(angles) for _ in range(count)]


def _rotate(circuit: QuantumCircuit, qubit: int, angles: Sequence[Angle]) -> None:
    """An arbitrary rotation."""
    circuit.rz(angles[0], qubit)
    circuit.ry(angles[1], qubit)
    circuit.rz(angles[2], qubit)


def _convolve(circuit: QuantumCircuit, first: int, second: int, angles: Sequence[Angle]) -> None:
    """An arbitrary gate on two qubits, by Cartan's decomposition."""
    _rotate(circuit, first, angles[:3])
    _rotate(circuit, second, angles[3:6])
    circuit.rxx(angles[6], first, second)
    circuit.ryy(angles[7], first, second)
    circuit.rzz(angles[8], first, second)
    _rotate(circuit, first, angles[9:12])
    _rotate(circuit, second, angles[12:])


def _pool(circuit: QuantumCircuit, control: int, target: int, angles: Sequence[Angle]) -> None:
    """An arbitrary rotation of the target where the control is |1⟩."""
    circuit.crz(angles[0], control, target)
    circuit.cry(angles[1], control, target)
    circuit.crz(angles[2], control, target)
