"""The variational part of a classifier, layer by layer."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from itertools import combinations
from typing import ClassVar, TypeAlias

from qiskit.circuit import Parameter, ParameterExpression, ParameterVector, ParameterVectorElement, QuantumCircuit

from qaml_qiskit.circuits.noise_layers import NOISE_ANGLES, NoiseLayerForm, noise_layer_label
from qaml_qiskit.errors import ConfigurationError

#: Angles of the arbitrary rotation RZ(a)·RY(b)·RZ(c) on one qubit.
ANGLES_PER_ROTATION = 3

Pair = tuple[int, int]
Angle: TypeAlias = ParameterExpression | float


class Ansatz(ABC):
    """Layers of gates with free angles. It alone knows where a layer ends and which qubits it couples.

    A subclass says how many angles there are and appends the gates of a layer; layers may differ, and may have no
    angles. What has no layers at all sets ``layered`` to False and appends its gates in :meth:`add_end`.

    Args:
        num_qubits: n.
        num_layers: L.

    Raises:
        ConfigurationError: fewer than one qubit or layer.
    """

    #: As it is registered in :data:`qaml_qiskit.circuits.ANSAETZE`.
    name: ClassVar[str]
    #: Whether there are layers, behind each of which noise can act.
    layered: bool = True

    def __init__(self, num_qubits: int, num_layers: int) -> None:
        if num_qubits < 1 or num_layers < 1:
            raise ConfigurationError(
                "cannot build a QVC",
                got=f"{num_qubits} qubits and {num_layers} layers",
                expected="at least one of each",
                remedy="choose positive numbers",
            )
        self.num_qubits, self.num_layers = num_qubits, num_layers

    @property
    @abstractmethod
    def num_parameters(self) -> int:
        """P, without anything being built."""

    # Not abstract: an ansatz has layers, or an end, or both.
    def add_layer(self, circuit: QuantumCircuit, layer: int, angles: Iterator[Angle]) -> None:  # noqa: B027
        """Append the gates of a layer, 0 … L−1, each angle the next of ``angles``."""

    def add_end(self, circuit: QuantumCircuit, angles: Iterator[Angle]) -> None:  # noqa: B027
        """Append what comes after the last layer; nothing if not overridden."""

    def noisy_qubits(self, layer: int) -> tuple[int, ...]:
        """The qubits that a noise layer in front of a layer acts on; all if not overridden."""
        return tuple(range(self.num_qubits))

    def layers(self) -> tuple[QuantumCircuit, ...]:
        """The gates of every layer, on all n qubits; an angle is ``θ[i]`` as in :meth:`circuit`."""
        return tuple(self._parts())[:-1]

    def end(self) -> QuantumCircuit:
        """The gates after the last layer; often none."""
        return tuple(self._parts())[-1]

    def bonds(self, layer: int) -> tuple[Pair, ...]:
        """The pairs of qubits that a layer couples, each once, in the order of their gates."""
        return tuple(dict.fromkeys(_coupled(self.layers()[layer])))

    @property
    def neighbours(self) -> tuple[Pair, ...]:
        """Pairs that lie side by side, the lower qubit first: those of a line, and whatever is coupled besides."""
        line = {(qubit, qubit + 1) for qubit in range(self.num_qubits - 1)}
        return tuple(sorted(line | {(min(pair), max(pair)) for pair in _coupled(self.circuit())}))

    def circuit(self, layer_end: str | None = None, noise_layers: NoiseLayerForm | None = None) -> QuantumCircuit:
        """All of it, unmeasured, with the parameter vector ``θ`` in the order of the gates.

        Args:
            layer_end: label of a barrier on all qubits after each layer, such as :data:`qaml_qiskit.noise.LAYER_END`;
                None for no barriers.
            noise_layers: what stands in front of each layer, on the qubits that its noise layer acts on: ``angles``, an
                RY with a free angle of its own, ``ν[ℓ·n + q]`` for qubit q in front of layer ℓ; ``markers``, a barrier
                labelled ``noise-layer-ℓ``, which survives a compilation and behind which
                :func:`qaml_qiskit.noise.add_flips` puts what the layer does on average; None for nothing.

        Raises:
            ConfigurationError: ends of layers or noise layers are wanted, and there are no layers.
        """
        if layer_end is not None and not self.layered:
            raise ConfigurationError(
                "noise by layer needs layers",
                got=f"the ansatz {self.name}, which has none",
                expected="an ansatz of layers",
                remedy="place the noise by gate",
            )
        if noise_layers is not None:
            self.check_noise_layers()
        whole = QuantumCircuit(self.num_qubits, name=f"QVC{self.num_layers}")
        parts, angles = self._parts(whole), ParameterVector(NOISE_ANGLES, self.num_layers * self.num_qubits)
        for layer in range(self.num_layers if self.layered else 0):
            qubits = self.noisy_qubits(layer)
            if noise_layers == "angles":
                for qubit in qubits:
                    whole.ry(angles[layer * self.num_qubits + qubit], qubit)
            elif noise_layers == "markers":
                whole.barrier(qubits, label=noise_layer_label(layer))
            next(parts)
            if layer_end is not None:
                whole.barrier(label=layer_end)
        deque(parts, maxlen=0)  # what comes after the last layer
        return whole

    def check_noise_layers(self) -> None:
        """Raise ConfigurationError where there are no layers that noise layers could stand in front of."""
        if not self.layered:
            raise ConfigurationError(
                "noise layers need layers",
                got=f"the ansatz {self.name}, which has none",
                expected="an ansatz of layers; in a circuit of your own each ends with a labelled barrier",
                remedy='choose another ansatz, or mark the layers with circuit.barrier(label="layer-end")',
            )

    def _parts(self, whole: QuantumCircuit | None = None) -> Iterator[QuantumCircuit]:
        """Each layer, then the end: in circuits of their own, or appended to one."""
        angles = iter(ParameterVector("θ", self.num_parameters))
        try:
            for layer in range(self.num_layers if self.layered else 0):
                part = QuantumCircuit(self.num_qubits) if whole is None else whole
                self.add_layer(part, layer, angles)
                yield part
            part = QuantumCircuit(self.num_qubits) if whole is None else whole
            self.add_end(part, angles)
        except StopIteration as error:
            raise self._miscounted("more") from error
        if next(angles, None) is not None:
            raise self._miscounted("fewer")
        yield part

    def _miscounted(self, taken: str) -> ConfigurationError:
        return ConfigurationError(
            f"the ansatz {self.name} does not add up",
            got=f"{taken} angles in its gates than the {self.num_parameters} that it says it has",
            expected="the same number",
            remedy="correct its num_parameters",
        )


def add_rotations(circuit: QuantumCircuit, angles: Iterator[Angle]) -> None:
    """Append a wall: an arbitrary rotation on every qubit, RZ, RY, RZ in time order.

    The paper leaves the Euler order open.
    """
    for qubit in range(circuit.num_qubits):
        circuit.rz(next(angles), qubit)
        circuit.ry(next(angles), qubit)
        circuit.rz(next(angles), qubit)


def is_noise_angle(parameter: Parameter) -> bool:
    """Whether a free angle is one of a noise layer; see :meth:`Ansatz.circuit`."""
    return isinstance(parameter, ParameterVectorElement) and parameter.vector.name == NOISE_ANGLES


def _coupled(circuit: QuantumCircuit) -> Iterator[Pair]:
    for gate in circuit.data:
        if gate.name != "barrier":
            yield from combinations([circuit.find_bit(qubit).index for qubit in gate.qubits], 2)
