"""Runs a plan in the compiled kernel."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import torch
from torch import Tensor

from qaml_qiskit.simulation.heisenberg.channels import FloatArray
from qaml_qiskit.simulation.heisenberg.fusion import FusedSteps
from qaml_qiskit.simulation.heisenberg.schedule import ROW_DIGITS, Exchange, Schedule, Turn
from qaml_qiskit.simulation.heisenberg.structure import Structures
from qaml_qiskit.simulation.heisenberg.sweeps import Form, Kind, Sweep, sweeps
from qaml_qiskit.simulation.heisenberg.vectors import PauliVectors, products
from qaml_qiskit.simulation.native import Kernel

#: QamlSweep and QamlTurn of native/pauli.hpp.
_SWEEP = np.dtype(
    [(name, "i4") for name in ("kind", "form", "low", "high")]
    + [(name, "16i4") for name in ("source", "target")]
    + [("numbers", "i8")]
)
_TURN = np.dtype([("places", "i8"), ("first_sweep", "i8"), ("num_sweeps", "i8")])
#: From this place on a row is left free behind each block, so that blocks do not fall into the same cache sets.
_FIRST_GAP = 5


class _Propagation(ctypes.Structure):
    """QamlPropagation of native/pauli.hpp."""

    _fields_ = (
        ("num_places", ctypes.c_int64),
        ("strides", ctypes.c_void_p),
        ("sweeps", ctypes.c_void_p),
        ("numbers", ctypes.c_void_p),
    )


class KernelRunner:
    """Propagates one vector at a time.

    Args:
        kernel: the loaded library.
        plan: at least four digits.
        structures: where the structure of the plan's matrices is remembered.
        dtype: float32 or float64.
    """

    batch = 1

    def __init__(self, kernel: Kernel, plan: FusedSteps, structures: Structures, dtype: torch.dtype) -> None:
        self._kernel = kernel
        self._strides = place_strides(plan.num_digits)
        encoder = _Encoder()
        schedule = Schedule([sweep for step in plan.steps for sweep in sweeps(step, structures)], plan.num_digits)
        self._first = tuple(schedule.place)
        self._turns = np.array([encoder.turn(turn) for turn in schedule], dtype=_TURN)
        self._last = tuple(schedule.place)
        self._sweeps = np.array(encoder.sweeps, dtype=_SWEEP)
        numbers = np.concatenate([np.zeros(0), *encoder.numbers])
        self._arrays = (
            np.array(self._strides, dtype=np.int64),
            self._sweeps,
            torch.from_numpy(numbers).to(dtype).numpy(),
        )
        self._propagation = _Propagation(plan.num_digits, *(array.ctypes.data for array in self._arrays))
        self._state = _zeros(vector_size(plan.num_digits), dtype)[None]

    @property
    def num_turns(self) -> int:
        """How often a run reports."""
        return len(self._turns)

    def run(self, factors: Tensor, report: Callable[[], None]) -> PauliVectors:
        """Propagate a product of single-digit vectors.

        Args:
            factors: shape (1, D, 4).
            report: called after every turn.

        Returns:
            The vector; the next run overwrites it.
        """
        digits = sorted(range(len(self._first)), key=self._first.__getitem__)
        start = PauliVectors(self._state, self._strides).strings()
        start.copy_(products(factors[:, digits]).reshape(start.shape))
        for index in range(len(self._turns)):
            turn = self._turns[index : index + 1]
            arguments = (ctypes.addressof(self._propagation), turn.ctypes.data, self._state.data_ptr())
            is_double = self._state.dtype == torch.float64
            self._kernel.call("qaml_propagate", is_double, torch.get_num_threads(), *arguments)
            report()
        return PauliVectors(self._state, tuple(self._strides[place] for place in self._last))


def place_strides(num_places: int) -> tuple[int, ...]:
    """How many numbers lie between the values of the digit at each place."""
    strides = [1]
    for place in range(1, num_places):
        strides.append(4 * strides[-1] + (4**ROW_DIGITS if place >= _FIRST_GAP else 0))
    return tuple(strides)


def vector_size(num_places: int) -> int:
    """Numbers in a vector, its gaps among them."""
    return 1 + 3 * sum(place_strides(num_places))


def _zeros(size: int, dtype: torch.dtype) -> Tensor:
    """Zeros in large pages, where the system has them: the rows of a tile lie on thousands of small ones."""
    if not hasattr(mmap, "MADV_HUGEPAGE"):
        return torch.zeros(size, dtype=dtype)
    memory = mmap.mmap(-1, size * dtype.itemsize, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(OSError):  # a kernel without them
        memory.madvise(mmap.MADV_HUGEPAGE)
    return torch.frombuffer(memory, dtype=dtype)


class _Encoder:
    """Collects sweeps and their numbers."""

    def __init__(self) -> None:
        self.sweeps: list[tuple[object, ...]] = []
        self.numbers: list[FloatArray] = []
        self._known: dict[bytes, int] = {}
        self._size = 0

    def turn(self, turn: Turn) -> tuple[int, int, int]:
        """A row of _TURN."""
        first = len(self.sweeps)
        for action in turn.actions:
            if isinstance(action, Exchange):
                nothing = (0,) * 16
                self.sweeps.append((Kind.EXCHANGE, Form.FULL, action.inside, action.outside, nothing, nothing, 0))
            else:
                self._sweep(*action)
        return sum(1 << place for place in turn.places), first, len(turn.actions)

    def _sweep(self, sweep: Sweep, low: int, high: int) -> None:
        start = self._place(sweep.numbers)
        self.sweeps.append((sweep.kind, sweep.form, low, high, sweep.source, sweep.target, start))

    def _place(self, numbers: FloatArray) -> int:
        key = numbers.tobytes()
        if key not in self._known:
            self._known[key] = self._size
            self.numbers.append(numbers)
            self._size += len(numbers)
        return self._known[key]
