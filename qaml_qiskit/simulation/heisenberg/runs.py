"""States of many runs of a circuit, and what is read of them where the circuit is cut."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from qaml_qiskit.simulation.heisenberg.channels import FloatArray
from qaml_qiskit.simulation.heisenberg.free import FreeGates
from qaml_qiskit.simulation.heisenberg.memory import run_numbers
from qaml_qiskit.simulation.heisenberg.propagation import Cone, Propagator, num_steps
from qaml_qiskit.simulation.heisenberg.readout import zero_state
from qaml_qiskit.simulation.heisenberg.vectors import PauliVectors

#: Runs at a time whose matrices are computed together, and numbers that these matrices may have.
_RUNS, _NUMBERS = 128, 2**22
#: What an overlap costs for each number of a vector, where a step of the circuit costs 1.
_OVERLAP_COST = 0.5
#: Numbers of a vector between two sums, so few that those of some observables stay in the cache.
_CHUNK = 2**15


class Runs:
    """The part of a circuit that every run goes through by itself, from |0…0⟩.

    Args:
        cone: the part.
        free: its free gates.
        dtype: float32 or float64.
        device: where.
        batch: how many states the kernel returns at a time.
    """

    def __init__(
        self, cone: Cone, free: FreeGates, dtype: torch.dtype, device: torch.device, *, batch: int = 1
    ) -> None:
        self._num_digits, self._free = cone.num_digits, free
        self._propagator = Propagator(cone, backwards=False, dtype=dtype, device=device, batch=batch)
        self._runs = min(_RUNS, max(1, _NUMBERS // max(1, self._propagator.numbers_of_a_run)))

    @property
    def strides(self) -> tuple[int, ...]:
        """Of the digits of the states."""
        return self._propagator.runner.strides

    def states(self, values: FloatArray) -> Iterator[PauliVectors]:
        """Expectation values of all strings behind each run, some runs at a time; the next ones may overwrite them.

        Args:
            values: of the circuit's parameters, shape (N, P).
        """
        start = zero_state(self._num_digits)
        for first in range(0, len(values), self._runs):
            now = values[first : first + self._runs]
            leaves = self._free.transfers(now, self._propagator.leaves)
            yield from self._propagator.run(start.repeat(len(now), axis=0), leaves=leaves)


def cut_pays(back: Cone, num_runs: int, num_observables: int) -> bool:
    """Whether so many runs through what is behind a cut cost more than so many observables that are carried back."""
    steps = num_steps(back)
    return num_runs * steps > num_observables * (steps + _OVERLAP_COST * num_runs)


class CutRuns:
    """Runs that end where their values do: what is read is carried back to there, once for all of them.

    A state ρ(x) behind the gates that depend on the values x, and an observable O behind the gates E that do not, give
    Tr(O·E(ρ(x))) = Tr(E†(O)·ρ(x)): one overlap of 4^n numbers.

    Args:
        front: up to the cut.
        back: behind it.
        free: the free gates of the front.
        dtype: float32 or float64.
        device: where.
    """

    def __init__(self, front: Cone, back: Cone, free: FreeGates, dtype: torch.dtype, device: torch.device) -> None:
        batch = min(_RUNS, run_numbers(device) // 4**front.num_digits or 1)
        self._runs = Runs(front, free, dtype, device, batch=batch)
        self._back = Propagator(back, backwards=True, dtype=dtype, device=device)

    def observables(self, factors: FloatArray) -> Tensor:
        """Observables at the cut, laid out as the states there, shape (m, size).

        Args:
            factors: at the end, products of single-digit vectors, shape (m, D, 4).
        """
        found, done = None, 0
        for vectors in self._back.run(factors):
            if found is None:
                size = len(vectors.numbers[0])
                found = vectors.numbers.new_zeros(len(factors), size)
            now = found[done : done + len(vectors.numbers)]
            PauliVectors(now, self._runs.strides).strings().copy_(vectors.strings())
            done += len(now)
        assert found is not None
        return found

    def expectations(self, values: FloatArray, observables: Tensor) -> Iterator[Tensor]:
        """Of some runs at a time, shape (B, m) each.

        Args:
            values: of the circuit's parameters, shape (N, P).
            observables: as :meth:`observables` gives them.
        """
        for states in self._runs.states(values):
            yield _overlaps(states.numbers, observables)


def _overlaps(states: Tensor, observables: Tensor) -> Tensor:
    """Products of every state with every observable, shape (B, m).

    On the processor each state is multiplied by itself, in the same pieces whatever states are beside it, so that
    rounding is the same, too.
    """
    if states.device.type != "cpu":
        return states @ observables.T
    found = states.new_zeros(len(states), len(observables))
    for first in range(0, states.shape[1], _CHUNK):
        part = observables[:, first : first + _CHUNK]
        for row, state in zip(found, states[:, first : first + _CHUNK], strict=True):
            row += part @ state
    return found
