"""A circuit whose noise layers have been drawn, at about the cost of the circuit without them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from qiskit.circuit import Parameter, ParameterVector, ParameterVectorElement, QuantumCircuit
from qiskit.circuit.library import RYGate, RZGate
from torch import Tensor

from qaml_qiskit.circuits import NOISE_ANGLES, Ansatz, NoiseLayers
from qaml_qiskit.models.connector import AmplitudeQNN, layer_by_layer
from qaml_qiskit.models.folding import Folds
from qaml_qiskit.simulation import Reading

_WEIGHTS, _FOLDED = "θ", "α"
#: A rotation that the RY in front of it is folded into.
_ROTATION = ("rz", "ry", "rz")


class DrawnCircuit:
    """What is read of an ansatz behind drawn noise layers.

    Where a layer begins with a rotation RZ·RY·RZ, the RY of the noise layer is folded into it: the circuit has as many
    gates as before, at other angles. In front of an RY the engine adds both angles up by itself. Near the singular
    points of the Euler angles gradients through the fold lose their digits; a draw that comes so near to one, one in
    some hundred of a deep circuit, is run with its rotations as gates of their own.

    Args:
        ansatz: with layers.
        num_features: as for :class:`AmplitudeQNN`.
        readings: as for :class:`AmplitudeQNN`.
    """

    def __init__(self, ansatz: Ansatz, num_features: int, readings: Sequence[Reading]) -> None:
        self._circuit = ansatz.circuit(noise_layers="angles")
        self._num_features, self._readings = num_features, tuple(readings)
        self._apart_order = [*_vector(self._circuit, _WEIGHTS), *_vector(self._circuit, NOISE_ANGLES)]
        self._fold = _FoldedCircuit.of(self._circuit)
        #: Which of the noise is folded into which rotations.
        self.folds = self._fold.folds

    def expectations(self, features: Tensor, weights: Tensor, scales: Tensor, noise: Tensor) -> Tensor:
        """Averages of the readings, shape (N, S), differentiable in all but the noise.

        Args:
            features: shape (N, num_features).
            weights: of the ansatz, shape (P,).
            scales: shape (K,).
            noise: shape (K, J); the angles of the noise layers' RY, L·n of them row by row, are ``scales`` times its
                rows. Those of qubits on which no noise acts are ignored.
        """
        values, is_singular = self.folds.values(weights, scales, noise)
        if is_singular:
            angles = (scales[:, None] * noise.to(scales)).flatten()
            return layer_by_layer(self.apart, features, torch.cat([weights, angles.to(weights)]))
        return layer_by_layer(self.together, features, values)

    @cached_property
    def together(self) -> AmplitudeQNN:
        """The circuit with the noise folded into its rotations."""
        order = [*self._apart_order, *self._fold.parameters]
        return AmplitudeQNN(self._fold.circuit, self._num_features, self._readings, order)

    @cached_property
    def apart(self) -> AmplitudeQNN:
        """The circuit with the noise as gates of its own."""
        return AmplitudeQNN(self._circuit, self._num_features, self._readings, self._apart_order)


def drawn_noise(layers: NoiseLayers, count: int, qubits: int, generator: torch.Generator | None = None) -> Tensor:
    """η of so many layers and qubits, shape (L, n), on the CPU: from the generator, or from torch's global numbers."""
    noise = layers.variance**0.5 * torch.randn(count, qubits, generator=generator)
    if layers.distribution == "gaussian-bernoulli":
        noise = noise * (torch.rand(count, qubits, generator=generator) < layers.probability)
    return noise


@dataclass(frozen=True, eq=False)
class _FoldedCircuit:
    """A circuit whose noise is folded into its rotations.

    Attributes:
        circuit: with the folded rotations at angles ``α``, and the rest of the noise as it was.
        parameters: ``α``: of all rotations the angles that come first in time, then the second, then the third ones.
        folds: which of ``ν`` were folded into which of ``θ``.
    """

    circuit: QuantumCircuit
    parameters: tuple[Parameter, ...]
    folds: Folds

    @classmethod
    def of(cls, circuit: QuantumCircuit) -> _FoldedCircuit:
        """Fold what stands directly in front of a rotation whose angles are plain weights."""
        found = list(_rotations_behind_noise(circuit))
        alpha = tuple(ParameterVector(_FOLDED, 3 * len(found)))
        replaced = {position: None for position, *_ in found}
        for index, (_, *rotation) in enumerate(found):
            for place, position in enumerate(rotation):
                replaced[position] = alpha[place * len(found) + index]
        made = circuit.copy_empty_like()
        for position, gate in enumerate(circuit.data):
            if position not in replaced:
                made.append(gate)
            elif (angle := replaced[position]) is not None:
                made.append((RZGate if gate.name == "rz" else RYGate)(angle), gate.qubits)
        indices = [[circuit.data[position].params[0].index for position in each] for each in found]
        angles, *rotations = np.array(indices, dtype=np.int64).reshape(-1, 4).T
        return cls(made, alpha, Folds(angles, np.array(rotations)))


def _rotations_behind_noise(circuit: QuantumCircuit) -> Iterator[list[int]]:
    """Positions of an RY of the noise and of the three gates of the rotation behind it."""
    begun: dict[int, list[int]] = {}
    for position, gate in enumerate(circuit.data):
        if gate.name == "barrier":
            continue
        qubits = [circuit.find_bit(qubit).index for qubit in gate.qubits]
        source = _vector_of(gate.params[0]) if len(gate.params) == 1 else None
        before = begun.get(qubits[0], [])
        if gate.name == "ry" and source == NOISE_ANGLES:
            begun[qubits[0]] = [position]
        elif before and gate.name == _ROTATION[len(before) - 1] and source == _WEIGHTS:
            before.append(position)
            if len(before) > len(_ROTATION):
                yield begun.pop(qubits[0])
        else:
            for qubit in qubits:
                begun.pop(qubit, None)


def _vector_of(angle: object) -> str | None:
    """The name of the vector that an angle is a plain element of."""
    return angle.vector.name if isinstance(angle, ParameterVectorElement) else None


def _vector(circuit: QuantumCircuit, name: str) -> list[Parameter]:
    """All elements of a circuit's vector of parameters, also those that it does not contain."""
    for parameter in circuit.parameters:
        if isinstance(parameter, ParameterVectorElement) and parameter.vector.name == name:
            return list(parameter.vector)
    return []
