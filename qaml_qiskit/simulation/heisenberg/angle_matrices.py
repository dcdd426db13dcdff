"""Transfer matrices of runs of gates as functions of a circuit's parameters, in torch operations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.simulation.angles import Angle
from qaml_qiskit.simulation.heisenberg.channels import Channel, on_sorted
from qaml_qiskit.simulation.heisenberg.free import ROTATIONS, FreeGates, harmonics
from qaml_qiskit.simulation.heisenberg.walls import TrainedRun

#: RZ(φ)·RY(θ)·RZ(λ) of the angles θ, φ, λ: which comes first, second, last.
_EULER = (("rz", 2), ("ry", 0), ("rz", 1))


class _Factor(Protocol):
    """One of the matrices that runs of a kind are products of."""

    def __call__(self, features: Tensor) -> Tensor:
        """Shape (R, d, d), of R runs."""


class RunMatrices:
    """Makes the matrices of runs from the parameters, runs of the same kind together.

    Args:
        runs: of all walls.
        free: their gates.

    Raises:
        ConfigurationError: for a trained gate that is no rotation.
    """

    def __init__(self, runs: Sequence[TrainedRun], free: FreeGates) -> None:
        self._free = free
        kinds: dict[tuple[object, ...], list[TrainedRun]] = defaultdict(list)
        for run in runs:
            kinds[tuple(self._kind(channel) for channel in run.channels)].append(run)
        #: The runs whose matrices lie in each tensor, in their order.
        self.groups = tuple(kinds.values())
        self._factors = [self._factors_of(group) for group in self.groups]

    def __call__(self, parameters: Tensor) -> list[Tensor]:
        """A tensor for every group, shape (R, 4, 4) or (R, 16, 16), in double precision, differentiable.

        Args:
            parameters: shape (P,).
        """
        parameters = parameters.double().cpu()
        more = [expression(parameters) for expression in self._free.expressions]
        features = torch.cat([parameters, torch.stack(more)]) if more else parameters
        found = []
        for factors in self._factors:
            product = factors[0](features)
            for factor in factors[1:]:
                product = factor(features) @ product
            found.append(product)
        return found

    def _kind(self, channel: Channel) -> tuple[object, ...]:
        if channel.free is None:
            return (len(channel.qubits), None)
        name, angles = self._free.gate(channel.free)
        if angles is None or name not in (*ROTATIONS, "u", "u3"):
            raise ConfigurationError(
                "cannot train the gate",
                got=f"'{name}' with a free parameter",
                expected=f"one of {', '.join(sorted([*ROTATIONS, 'u']))}",
                remedy="compile the circuit to such gates",
            )
        return (len(channel.qubits), name, sorted(channel.qubits) == list(channel.qubits))

    def _factors_of(self, group: Sequence[TrainedRun]) -> list[_Factor]:
        factors: list[_Factor] = []
        for column in zip(*(run.channels for run in group), strict=True):
            if column[0].free is None:
                factors.append(_Fixed([on_sorted(each.qubits, each.transfer)[1] for each in column]))
                continue
            name, _ = self._free.gate(column[0].free)
            angles = [self._free.gate(each.free)[1] or () for each in column if each.free is not None]
            parts = _EULER if name in ("u", "u3") else ((name, 0),)
            factors += [_Rotation(part, [each[index] for each in angles], column[0].qubits) for part, index in parts]
        return factors


class _Fixed:
    def __init__(self, matrices: Sequence[np.ndarray]) -> None:
        self._matrices = torch.from_numpy(np.stack(matrices))

    def __call__(self, features: Tensor) -> Tensor:
        return self._matrices


class _Rotation:
    """A + cos θ·B + sin θ·C for angles that are affine functions of the features."""

    def __init__(self, name: str, angles: Sequence[Angle], qubits: Sequence[int]) -> None:
        parts = [on_sorted(qubits, part)[1] for part in harmonics(name)]
        self._still, self._cosine, self._sine = (torch.from_numpy(part.copy()) for part in parts)
        width = max(1, *(len(angle.terms) for angle in angles))
        self._constants = torch.tensor([angle.constant for angle in angles], dtype=torch.float64)
        self._indices = torch.zeros(len(angles), width, dtype=torch.int64)
        self._slopes = torch.zeros(len(angles), width, dtype=torch.float64)
        for row, angle in enumerate(angles):
            for column, (index, slope) in enumerate(angle.terms):
                self._indices[row, column], self._slopes[row, column] = index, slope

    def __call__(self, features: Tensor) -> Tensor:
        angles = self._constants + (features[self._indices] * self._slopes).sum(1)
        cosine, sine = angles.cos()[:, None, None], angles.sin()[:, None, None]
        return self._still + cosine * self._cosine + sine * self._sine
