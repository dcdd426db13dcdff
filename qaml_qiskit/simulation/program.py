"""The normal form of a circuit: real RY walls between complex diagonals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from qiskit.circuit import Parameter

from qaml_qiskit.compute import can_look_at
from qaml_qiskit.errors import InputError
from qaml_qiskit.simulation.angles import Expression

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Program:
    """A circuit compiled to D_0, W_0, D_1, W_1, …, D_K (applied from left to right); see :func:`compile_circuit`.

    W_k is the product of RY(wall angle [k, q]) over all wires q. D_k is the product of RZ(z angle [k, q]) over the
    wires, of exp(−i·angle/2·Z_q·Z_r) over its pairs and of CZ over its fixed pairs. All angles form one vector of
    length A = num_walls·n + (num_walls + 1)·n + pairs + 1: the walls, the z angles, the pair angles, the global
    phase. Angles are ``constants + coefficients · features``; the features are the weights followed by the values
    of the non-linear ``expressions``.

    Attributes:
        num_qubits: n; the amplitude index has qubit 0 as its least significant bit.
        parameters: the circuit parameters in the order of the weight vector.
        num_walls: K, the number of RY walls.
        constants: shape (A,), the constant part of every angle in radians.
        rows: shape (S,), the angle to which a coefficient belongs.
        columns: shape (S,), the feature to which a coefficient belongs.
        coefficients: shape (S,), the coefficients.
        expressions: the non-linear angles.
        cz: shape (C, 3), rows (diagonal, q, r) of fixed CZ gates.
        pairs: shape (M, 3), rows (diagonal, q, r) of the ZZ rotations, in the order of the pair angles.
        wires: the wire on which each circuit qubit ends (swaps only relabel).
    """

    num_qubits: int
    parameters: tuple[Parameter, ...]
    num_walls: int
    constants: FloatArray
    rows: IntArray
    columns: IntArray
    coefficients: FloatArray
    expressions: tuple[Expression, ...]
    cz: IntArray
    pairs: IntArray
    wires: tuple[int, ...]

    @property
    def num_weights(self) -> int:
        """P, the length of the weight vector."""
        return len(self.parameters)

    @property
    def num_diagonals(self) -> int:
        """K + 1, the number of merged diagonals."""
        return self.num_walls + 1

    @property
    def num_angles(self) -> int:
        """A, the length of the angle vector."""
        return len(self.constants)

    @property
    def z_offset(self) -> int:
        """Where the z angles start in the angle vector."""
        return self.num_walls * self.num_qubits

    @property
    def pair_offset(self) -> int:
        """Where the pair angles start in the angle vector."""
        return self.z_offset + self.num_diagonals * self.num_qubits

    def angles(self, weights: torch.Tensor) -> torch.Tensor:
        """All angles in radians, by ordinary autograd.

        Args:
            weights: shape (P,), real. The arithmetic is in float64 whatever their dtype, since an angle is a small
                sum of weights that single precision would round once more.

        Returns:
            Shape (A,), float64, on the device of the weights.

        Raises:
            InputError: an expression that has no finite value at these weights.
        """
        weights = weights.to(torch.float64)
        features = weights
        if self.expressions:
            values = torch.cat([expression(weights).reshape(1) for expression in self.expressions])
            if can_look_at(values) and not torch.isfinite(values).all():
                self._check_values(weights, values)
            features = torch.cat([weights, values])
        placed = placed_angles(self, weights.device)
        products = placed.coefficients * features.index_select(0, placed.columns)
        return placed.constants.index_add(0, placed.rows, products)

    def _check_values(self, weights: torch.Tensor, values: torch.Tensor) -> None:
        """Raise InputError for the first expression without a finite value; that of weights is checked elsewhere."""
        if not torch.isfinite(weights).all():
            return
        place = int((~torch.isfinite(values)).nonzero()[0])
        expression = self.expressions[place]
        where = [
            f"{name} = {float(weights[index]):.6g}"
            for name, index in zip(expression.symbols, expression.indices, strict=True)
        ]
        raise InputError(
            "an angle of the circuit has no value",
            got=f"{expression.formula} = {float(values[place]):g} where {', '.join(where)}",
            expected="a finite number, whatever the weights are",
            remedy="rewrite the angle by functions that are defined everywhere, such as sin, exp or a product",
        )

    def weight_gradients(self, weights: torch.Tensor, angle_gradients: torch.Tensor) -> torch.Tensor:
        """Chain per-sample gradients with respect to the angles to the weights.

        Args:
            weights: shape (P,), real.
            angle_gradients: shape (..., A).

        Returns:
            Shape (..., P), in the dtype of ``angle_gradients``.
        """
        features = self._feature_gradients(angle_gradients)
        if not self.expressions:
            return features
        linear, values = features[..., : self.num_weights], features[..., self.num_weights :]
        slopes = torch.autograd.functional.jacobian(
            lambda point: torch.stack([expression(point) for expression in self.expressions]),
            weights.detach().to(torch.float64),
        )
        return linear + values @ torch.as_tensor(slopes).to(values)

    def _feature_gradients(self, angle_gradients: torch.Tensor) -> torch.Tensor:
        placed = placed_angles(self, angle_gradients.device)
        if placed.alone is not None:
            rows, coefficients = placed.alone
            return angle_gradients.index_select(-1, rows) * coefficients.to(angle_gradients)
        # Of an angle that many gates share, a sum of many terms.
        products = angle_gradients.index_select(-1, placed.rows) * placed.coefficients
        features = products.new_zeros((*products.shape[:-1], self.num_weights + len(self.expressions)))
        return features.index_add_(-1, placed.columns, products).to(angle_gradients.dtype)

    @cached_property
    def moving(self) -> npt.NDArray[np.uint8]:
        """1 for every angle that depends on a weight, shape (A,)."""
        moving = np.zeros(self.num_angles, dtype=np.uint8)
        moving[self.rows] = 1
        return moving

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "moving"}

    def amplitude_order(self) -> IntArray | None:
        """Where each output amplitude is found among the wires: shape (2**n,), or None if nothing moves."""
        if self.wires == tuple(range(self.num_qubits)):
            return None
        index = np.arange(2**self.num_qubits, dtype=np.int64)
        order = np.zeros_like(index)
        for qubit, wire in enumerate(self.wires):
            order |= ((index >> qubit) & 1) << wire
        return order


class PlacedAngles(NamedTuple):
    """What a program's angles are computed from, as tensors; see :class:`Program`.

    Attributes:
        constants: shape (A,), float64.
        rows: shape (S,).
        columns: shape (S,).
        coefficients: shape (S,), float64.
        alone: rows and coefficients of all features in order, where each is part of one angle; None elsewhere.
        order: as :meth:`Program.amplitude_order` gives it.
    """

    constants: torch.Tensor
    rows: torch.Tensor
    columns: torch.Tensor
    coefficients: torch.Tensor
    alone: tuple[torch.Tensor, torch.Tensor] | None
    order: torch.Tensor | None


@lru_cache(maxsize=16)
def placed_angles(program: Program, device: torch.device) -> PlacedAngles:
    """The tables on a device, where they are placed once."""
    by_feature = np.argsort(program.columns, kind="stable")
    num_features = program.num_weights + len(program.expressions)
    is_alone = np.array_equal(program.columns[by_feature], np.arange(num_features))
    order = program.amplitude_order()
    # Also where the caller is in inference mode, whose tensors a later backward pass could not use.
    with torch.inference_mode(False):
        tables = (program.constants, program.rows, program.columns, program.coefficients)
        constants, rows, columns, coefficients = (torch.from_numpy(each).to(device) for each in tables)
        sorted_terms = (rows[by_feature], coefficients[by_feature]) if is_alone else None
        placed_order = None if order is None else torch.from_numpy(order).to(device)
        return PlacedAngles(constants, rows, columns, coefficients, sorted_terms, placed_order)
