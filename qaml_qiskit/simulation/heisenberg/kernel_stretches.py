"""Carries vectors through stretches of a circuit in the compiled kernel."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from qaml_qiskit.simulation.heisenberg.channels import FloatArray
from qaml_qiskit.simulation.heisenberg.kernel_runner import (
    TURN,
    Propagation,
    SweepEncoder,
    place_strides,
    row_size,
    sweeps_array,
)
from qaml_qiskit.simulation.heisenberg.schedule import Schedule
from qaml_qiskit.simulation.heisenberg.step import Step
from qaml_qiskit.simulation.heisenberg.structure import Structures
from qaml_qiskit.simulation.heisenberg.sweeps import sweeps
from qaml_qiskit.simulation.heisenberg.varying import Evaluation, Varying, samples
from qaml_qiskit.simulation.native import Kernel


class KernelStretches:
    """In the compiled kernel, every vector in place.

    Args:
        kernel: the loaded library.
        steps: of every stretch.
        num_digits: D, at least 4.
        structures: where the structure of the matrices is remembered.
        dtype: float32 or float64.
    """

    def __init__(
        self,
        kernel: Kernel,
        steps: Sequence[Sequence[Step]],
        num_digits: int,
        structures: Structures,
        dtype: torch.dtype,
    ) -> None:
        self._kernel, self._is_double, self._num_digits = kernel, dtype == torch.float64, num_digits
        self.strides, self.size = place_strides(num_digits), row_size(num_digits)
        encoder = SweepEncoder()
        self._turns = []
        for part in steps:
            found = list(sweeps(part, structures))
            turns = [encoder.turn(turn) for turn in Schedule.at_home(found, num_digits)]
            self._turns.append(np.array(turns, dtype=TURN))
        self._evaluation = Evaluation(encoder.varying)
        self._sweeps = sweeps_array(encoder)
        numbers = np.concatenate([np.zeros(0), *encoder.fixed, *[samples(each)[0] for each in encoder.varying]])
        self._num_fixed = sum(map(len, encoder.fixed))
        self._numbers = torch.from_numpy(numbers).to(dtype).numpy()
        self._places = np.array(self.strides, dtype=np.int64)
        addresses = [array.ctypes.data for array in (self._places, self._sweeps, self._numbers)]
        self._propagation = Propagation(num_digits, *addresses)

    def prepare(self, leaves: Mapping[Varying, FloatArray]) -> None:
        """Take the matrices of what varies."""
        values = self._evaluation(leaves)
        if values:
            self._numbers[self._num_fixed :] = np.concatenate([value[0] for value in values])

    def run(self, index: int, state: Tensor) -> Tensor:
        """Carry a vector through a stretch, in place."""
        turns = self._turns[index]
        for number in range(len(turns)):
            turn = turns[number : number + 1]
            arguments = (ctypes.addressof(self._propagation), turn.ctypes.data, state.data_ptr())
            self._kernel.call("qaml_propagate", self._is_double, torch.get_num_threads(), *arguments)
        return state

    def overlaps(self, one: Tensor, other: Tensor) -> FloatArray:
        """Σ one[i, rest]·other[j, rest] for every digit, shape (D, 4, 4)."""
        found = np.empty((self._num_digits, 4, 4))
        arguments = (ctypes.addressof(self._propagation), one.data_ptr(), other.data_ptr(), found.ctypes.data)
        self._kernel.call("qaml_overlaps", self._is_double, torch.get_num_threads(), *arguments)
        return found
