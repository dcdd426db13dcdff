"""Runs a plan in the compiled kernel."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from qaml_qiskit.simulation.heisenberg.channels import FloatArray
from qaml_qiskit.simulation.heisenberg.fusion import FusedSteps
from qaml_qiskit.simulation.heisenberg.schedule import ROW_DIGITS, Exchange, Schedule, Turn
from qaml_qiskit.simulation.heisenberg.structure import Structures
from qaml_qiskit.simulation.heisenberg.sweeps import Form, Kind, Sweep, sweeps
from qaml_qiskit.simulation.heisenberg.varying import Varying, samples
from qaml_qiskit.simulation.heisenberg.vectors import PauliVectors
from qaml_qiskit.simulation.native import Kernel
from qaml_qiskit.simulation.pages import large_pages

#: QamlSweep and QamlTurn of native/pauli.hpp.
_SWEEP = np.dtype(
    [(name, "i4") for name in ("kind", "form", "low", "high")]
    + [(name, "16i4") for name in ("source", "target")]
    + [("numbers", "i8")]
)
TURN = np.dtype([("places", "i8"), ("first_sweep", "i8"), ("num_sweeps", "i8")])
#: From this place on a row is left free behind each block, so that blocks do not fall into the same cache sets.
_FIRST_GAP = 5


class Propagation(ctypes.Structure):
    """QamlPropagation of native/pauli.hpp."""

    _fields_ = (
        ("num_places", ctypes.c_int64),
        ("strides", ctypes.c_void_p),
        ("sweeps", ctypes.c_void_p),
        ("numbers", ctypes.c_void_p),
    )


class KernelRunner:
    """Propagates vectors, one after the other.

    Args:
        kernel: the loaded library.
        plan: at least four digits.
        structures: where the structure of the plan's matrices is remembered.
        dtype: float32 or float64.
        batch: how many vectors it keeps.
    """

    def __init__(
        self, kernel: Kernel, plan: FusedSteps, structures: Structures, dtype: torch.dtype, batch: int = 1
    ) -> None:
        self._kernel, self.batch = kernel, batch
        self._strides = place_strides(plan.num_digits)
        encoder = SweepEncoder()
        found = list(sweeps(plan.steps, structures))
        schedule, used = Schedule.growing(found, plan.num_digits)
        self._first = tuple(schedule.place)
        self._turns = np.array([encoder.turn(turn) for turn in schedule], dtype=TURN)
        self._last = tuple(schedule.place)
        #: The numbers of sweeps that vary.
        self.varying = tuple(encoder.varying)
        self._sweeps = sweeps_array(encoder)
        numbers = np.concatenate([np.zeros(0), *encoder.fixed, *[samples(each)[0] for each in self.varying]])
        self._num_fixed = sum(map(len, encoder.fixed))
        self._numbers = torch.from_numpy(numbers).to(dtype).numpy()
        self._arrays = (np.array(self._strides, dtype=np.int64), self._sweeps, self._numbers)
        addresses = [array.ctypes.data for array in self._arrays]
        # A turn that needs the lowest places alone sees no others.
        self._used = [*used, *[plan.num_digits] * (len(self._turns) - len(used))]
        self._propagations = {places: Propagation(places, *addresses) for places in self._used}
        self._states = large_pages(batch * row_size(plan.num_digits), dtype).view(batch, -1)

    @property
    def num_turns(self) -> int:
        """How often a run reports for each vector."""
        return len(self._turns)

    @property
    def strides(self) -> tuple[int, ...]:
        """Of the digits of what :meth:`run` returns."""
        return tuple(self._strides[place] for place in self._last)

    def run(self, factors: Tensor, report: Callable[[], None], values: Sequence[FloatArray] = ()) -> PauliVectors:
        """Propagate products of single-digit vectors, each by itself: what becomes of one depends on no other.

        Args:
            factors: shape (B, D, 4).
            report: called after every turn of a vector.
            values: of :attr:`varying`, shape (B, …) each.

        Returns:
            The vectors; the next run overwrites them.
        """
        numbers = np.concatenate(values, axis=1).astype(self._numbers.dtype) if values else None
        by_place = factors[:, sorted(range(len(self._first)), key=self._first.__getitem__)].tolist()
        for row, state in enumerate(self._states[: len(factors)]):
            if numbers is not None:
                self._numbers[self._num_fixed :] = numbers[row]
            self._propagate(by_place[row], state, report)
        return PauliVectors(self._states[: len(factors)], self.strides)

    def _propagate(self, factors: Sequence[Sequence[float]], state: Tensor, report: Callable[[], None]) -> None:
        """All turns of a vector that starts as a product; it grows as turns come to need its places."""
        is_double, size = state.dtype == torch.float64, 0
        state[0] = 1.0
        for index, used in enumerate(self._used):
            size = self._grown(state, factors, size, used)
            turn = self._turns[index : index + 1]
            arguments = (ctypes.addressof(self._propagations[used]), turn.ctypes.data, state.data_ptr())
            self._kernel.call("qaml_propagate", is_double, torch.get_num_threads(), *arguments)
            report()
        self._grown(state, factors, size, len(factors))

    def _grown(self, state: Tensor, factors: Sequence[Sequence[float]], size: int, wanted: int) -> int:
        """Multiply what lies in the lowest places by factors of those above, up to so many places."""
        for place in range(size, wanted):
            stride, first = self._strides[place], state[: 1 + 3 * sum(self._strides[:place])]
            for value in (1, 2, 3, 0):
                torch.mul(first, factors[place][value], out=state[value * stride : value * stride + len(first)])
        return max(size, wanted)


def place_strides(num_places: int) -> tuple[int, ...]:
    """How many numbers lie between the values of the digit at each place."""
    strides = [1]
    for place in range(1, num_places):
        strides.append(4 * strides[-1] + (4**ROW_DIGITS if place >= _FIRST_GAP else 0))
    return tuple(strides)


def row_size(num_places: int) -> int:
    """Numbers from one vector to the next, gaps among them, so that each starts a cache line."""
    size = 1 + 3 * sum(place_strides(num_places))
    return -(-size // 4**ROW_DIGITS) * 4**ROW_DIGITS


def sweeps_array(encoder: SweepEncoder) -> npt.NDArray[np.void]:
    """The sweeps of an encoder that knows them all, as the kernel reads them."""
    return np.array(encoder.sweeps(), dtype=_SWEEP)


class SweepEncoder:
    """Collects sweeps and their numbers: first those that are the same in every run, then those that vary."""

    def __init__(self) -> None:
        self.fixed: list[FloatArray] = []
        self.varying: list[Varying] = []
        self._sweeps: list[tuple[object, ...]] = []
        self._numbers: list[int | Varying] = []  # where those of each sweep lie
        self._known: dict[bytes, int] = {}
        self._size = 0

    def turn(self, turn: Turn) -> tuple[int, int, int]:
        """A row of TURN."""
        first = len(self._sweeps)
        for action in turn.actions:
            if isinstance(action, Exchange):
                nothing = (0,) * 16
                self._sweeps.append((Kind.EXCHANGE, Form.FULL, action.inside, action.outside, nothing, nothing))
                self._numbers.append(0)
            else:
                self._sweep(*action)
        return sum(1 << place for place in turn.places), first, len(turn.actions)

    def sweeps(self) -> list[tuple[object, ...]]:
        """Rows of _SWEEP."""
        place, start = dict[Varying, int](), self._size
        for each in self.varying:
            place[each] = start
            start += samples(each).shape[-1]
        starts = (place[each] if isinstance(each, Varying) else each for each in self._numbers)
        return [(*sweep, at) for sweep, at in zip(self._sweeps, starts, strict=True)]

    def _sweep(self, sweep: Sweep, low: int, high: int) -> None:
        self._sweeps.append((sweep.kind, sweep.form, low, high, sweep.source, sweep.target))
        if isinstance(sweep.numbers, Varying):
            self.varying.append(sweep.numbers)
            self._numbers.append(sweep.numbers)
        else:
            self._numbers.append(self._place(sweep.numbers))

    def _place(self, numbers: FloatArray) -> int:
        key = numbers.tobytes()
        if key not in self._known:
            self._known[key] = self._size
            self.fixed.append(numbers)
            self._size += len(numbers)
        return self._known[key]
