"""Angle encoding: one feature a qubit."""

from functools import cached_property
from typing import Self

import torch
from qiskit.circuit import ParameterVector, QuantumCircuit
from torch import Tensor

from qaml_qiskit.batches import real_batch
from qaml_qiskit.encodings.encoding import MAX_ANGLE_QUBITS, Encoding
from qaml_qiskit.encodings.movement import Norm, angle_movement
from qaml_qiskit.encodings.pixel_order import PixelOrder
from qaml_qiskit.errors import ConfigurationError, InputError


class AngleEncoding(Encoding):
    """RY(π·xᵢ) on qubit i, for data of few features: ∏ᵢ (cos(πxᵢ/2) |0⟩ + sin(πxᵢ/2) |1⟩).

    Features 0 and 1 become |0⟩ and |1⟩; outside [0, 1] the state turns on and repeats, up to sign, every 2.

    Args:
        num_features: the number of features and of qubits.

    Raises:
        ConfigurationError: no feature.
    """

    name = "angle"
    qubit_a_pixel = True

    def __init__(self, num_features: int) -> None:
        if num_features < 1:
            raise ConfigurationError(
                "cannot build an angle encoding",
                got=f"{num_features} features",
                expected="at least one",
                remedy="give the number of features of one example",
            )
        self.num_qubits = num_features

    @classmethod
    def on_qubits(cls, num_qubits: int, *, layers: int | None = None, order: PixelOrder | None = None) -> Self:
        """See :meth:`Encoding.on_qubits`."""
        return cls(num_qubits)

    @cached_property
    def parameters(self) -> ParameterVector:
        """The angles, one for every qubit."""
        return ParameterVector("x", self.num_qubits)

    @cached_property
    def template(self) -> QuantumCircuit:
        """See :attr:`Encoding.template`."""
        circuit = QuantumCircuit(self.num_qubits, name="encoding")
        for qubit, angle in enumerate(self.parameters):
            circuit.ry(angle, qubit)
        return circuit

    def angles(self, images: Tensor) -> Tensor:
        """π times the features, shape (N, n), float64, differentiable.

        Args:
            images: n features in [0, 1] each, shape (N, ...).

        Raises:
            InputError: another number of features, or one that is not finite; the message names the example.
        """
        return torch.pi * self._features(images).to(torch.float64)

    def movement(self, images: Tensor, eps: float, norm: Norm = "linf") -> Tensor:
        """See :meth:`Encoding.movement` and :func:`angle_movement`; ε at most 1."""
        return angle_movement(self._features(images), eps, norm)

    def state(self, images: Tensor) -> Tensor:
        """The states that the circuit prepares, shape (N, 2ⁿ), of the images' dtype, differentiable exactly.

        Raises:
            InputError: as :meth:`angles`, or more qubits than :data:`MAX_ANGLE_QUBITS`.
        """
        if self.num_qubits > MAX_ANGLE_QUBITS:
            raise InputError(
                "the angle encoding takes one qubit a feature",
                got=f"{self.num_qubits} features",
                expected=f"at most {MAX_ANGLE_QUBITS}, because the state has 2ⁿ amplitudes",
                remedy="use the multiplexed or the approximate encoding, which hold 2ⁿ features in n qubits",
            )
        half = torch.pi / 2 * self._features(images)
        state = half.new_ones(len(half), 1)
        for angle in half.unbind(1):
            qubit = torch.stack((torch.cos(angle), torch.sin(angle)), dim=1)
            # Later features are more significant bits.
            state = (qubit[:, :, None] * state[:, None, :]).flatten(1)
        return state

    def _features(self, images: Tensor) -> Tensor:
        features = real_batch(images).flatten(1)
        if features.shape[1] != self.num_qubits:
            raise InputError(
                "cannot angle-encode the examples",
                got=f"{features.shape[1]} features",
                expected=f"{self.num_qubits}, one for every qubit",
                remedy="build the encoding for the number of features of one example",
            )
        finite = torch.isfinite(features).all(1)
        if not bool(finite.all()):
            index = int((~finite).nonzero()[0])
            raise InputError(
                f"cannot angle-encode example {index}",
                got="a feature that is NaN or infinite",
                expected="finite features",
                remedy="remove or repair the example",
            )
        return features
