"""Gates whose angles are values of a circuit's parameters: their transfer matrices, for many runs at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from qiskit import QiskitError
from qiskit.circuit import CircuitInstruction, Operation, Parameter, QuantumCircuit
from qiskit.circuit.library import get_standard_gate_name_mapping

from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.simulation.angles import Angle, AngleReader, Expression
from qaml_qiskit.simulation.heisenberg.channels import ComplexArray, FloatArray, unitary_transfer
from qaml_qiskit.simulation.heisenberg.instructions import instruction_transfer
from qaml_qiskit.simulation.heisenberg.varying import Varying

#: Gates exp(−iθP/2) with a Pauli string P, up to a phase and diagonal gates of that form.
ROTATIONS = frozenset({"rx", "ry", "rz", "p", "u1", "rxx", "ryy", "rzz", "rzx"})
_QUARTERS = (0.0, np.pi / 2, np.pi)
#: How many settings of generic angles show which entries can differ from zero.
_SAMPLES = 2


class _Gate(NamedTuple):
    """A free gate.

    Attributes:
        instruction: as it stands in the circuit.
        angles: of its parameters; None where it is no standard gate, and is bound run by run.
        leaf: stands for its transfer matrix.
    """

    instruction: CircuitInstruction
    angles: tuple[Angle, ...] | None
    leaf: Varying


class FreeGates:
    """The free gates of a circuit.

    Args:
        parameters: of the circuit, in the order of the values.
    """

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self._parameters = tuple(parameters)
        self._reader = AngleReader(parameters)
        self._gates: dict[Varying, _Gate] = {}
        self._generator = np.random.default_rng(0)

    def add(self, instruction: CircuitInstruction) -> Varying:
        """What stands for the transfer matrix of a gate on one or two qubits.

        Raises:
            ConfigurationError: for what is no gate, or an angle that cannot be evaluated.
        """
        name, operation = instruction.name, instruction.operation
        if instruction.is_standard_gate():
            angles = tuple(self._reader.read(value, name) for value in operation.params)
            # Angles of their own, whatever expressions of the parameters they are.
            generic = self._generator.uniform(0.3, 1.2, (len(angles), _SAMPLES))
            leaf = Varying(_transfers(operation, generic))
        else:
            # Nothing is known of it.
            angles, leaf = None, Varying(np.ones((1, *[4 ** len(instruction.qubits)] * 2)))
        self._gates[leaf] = _Gate(instruction, angles, leaf)
        return leaf

    def gate(self, leaf: Varying) -> tuple[str, tuple[Angle, ...] | None]:
        """The name of the gate that a leaf stands for, and its angles; None where nothing is known of them."""
        gate = self._gates[leaf]
        return gate.instruction.name, gate.angles

    @property
    def expressions(self) -> Sequence[Expression]:
        """Angles that are no affine functions of the parameters."""
        return self._reader.expressions

    def transfers(self, values: FloatArray, leaves: Sequence[Varying]) -> dict[Varying, FloatArray]:
        """Transfer matrices in B runs, shape (B, 4, 4) or (B, 16, 16) each.

        Args:
            values: of the parameters, shape (B, P).
            leaves: of the gates that are wanted.

        Raises:
            InputError: for an angle that is no finite number at these values.
        """
        features = self._features(values)
        alike, found = defaultdict[str, list[_Gate]](list), {}
        for leaf in leaves:
            gate = self._gates[leaf]
            if gate.angles is None:
                found[leaf] = self._bound(gate.instruction, values)
            else:
                alike[gate.instruction.name].append(gate)
        for name, gates in alike.items():
            angles = np.array([[_angle(angle, features) for angle in gate.angles or ()] for gate in gates])
            if not np.isfinite(angles).all():
                raise _not_finite(name)
            if name in ROTATIONS or name in ("u", "u3"):
                # All gates of a kind at once.
                matrices = _transfers(gates[0].instruction.operation, angles.swapaxes(0, 1))
                found |= {gate.leaf: matrix for gate, matrix in zip(gates, matrices, strict=True)}
            else:
                found |= {
                    gate.leaf: _transfers(gate.instruction.operation, own)
                    for gate, own in zip(gates, angles, strict=True)
                }
        return found

    def _features(self, values: FloatArray) -> list[FloatArray]:
        """The parameters' values, and those of all expressions that are not affine, shape (B,) each."""
        columns = [np.ascontiguousarray(column) for column in np.asarray(values, dtype=np.float64).T]
        for expression in self._reader.expressions:
            given = [torch.from_numpy(columns[index]) for index in expression.indices]
            found = torch.as_tensor(expression.function(*given), dtype=torch.float64)
            columns.append(found.expand(len(values)).contiguous().numpy())
        return columns

    def _bound(self, instruction: CircuitInstruction, values: FloatArray) -> FloatArray:
        alone = QuantumCircuit(len(instruction.qubits))
        alone.append(instruction.operation, range(alone.num_qubits))
        places = [self._parameters.index(each) for each in alone.parameters]
        found = []
        for row in values[:, places]:
            bound = alone.assign_parameters(row).data[0]
            if not all(np.isfinite(value) for value in bound.params if isinstance(value, float)):
                raise _not_finite(instruction.name)
            try:
                found.append(instruction_transfer(bound))
            except (QiskitError, AttributeError, TypeError) as error:
                raise ConfigurationError(
                    f"cannot follow the instruction '{instruction.name}'",
                    got="a parameter in what Qiskit cannot write as a channel",
                    expected="free angles of gates",
                    remedy="bind the parameter, or write the instruction in gates",
                ) from error
        return np.stack(found)


def _angle(angle: Angle, features: Sequence[FloatArray]) -> FloatArray:
    """Values in B runs, summed in the order of the terms."""
    total = np.full(len(features[0]), angle.constant)
    for index, coefficient in angle.terms:
        total = total + coefficient * features[index]
    return total


def _transfers(operation: Operation, angles: FloatArray) -> FloatArray:
    """Transfer matrices of a standard gate, shape (..., d, d), for its angles, shape (number of angles, ...)."""
    if operation.name in ROTATIONS:
        return _rotation(operation.name, angles[0])
    if operation.name in ("u", "u3"):
        theta, phi, lam = angles
        return _rotation("rz", phi) @ _rotation("ry", theta) @ _rotation("rz", lam)
    matrices: list[ComplexArray] = []
    free = operation.to_mutable()
    for row in angles.T:
        free.params = row.tolist()
        matrices.append(free.to_matrix())
    return unitary_transfer(np.array(matrices))


def _rotation(name: str, angles: FloatArray) -> FloatArray:
    """A + cos θ·B + sin θ·C, shape (..., d, d), since a rotation about a string turns strings in planes."""
    still, cosine, sine = harmonics(name)
    angles = np.ascontiguousarray(angles)[..., None, None]
    return still + np.cos(angles) * cosine + np.sin(angles) * sine


@lru_cache(maxsize=len(ROTATIONS))
def harmonics(name: str) -> tuple[FloatArray, FloatArray, FloatArray]:
    """A, B and C of a rotation's transfer matrix A + cos θ·B + sin θ·C, not to be written to."""
    gate = get_standard_gate_name_mapping()[name].base_class
    # Entries are 0, 1 and −1.
    none, quarter, half = np.rint(unitary_transfer(np.array([gate(angle).to_matrix() for angle in _QUARTERS])))
    still = (none + half) / 2
    return still, none - still, quarter - still


def _not_finite(name: str) -> InputError:
    return InputError(
        f"cannot follow the instruction '{name}'",
        got="an angle that is no finite number",
        expected="finite angles",
        remedy="check the values of the circuit's parameters",
    )
