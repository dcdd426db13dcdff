"""From a noisy circuit to a plan and to what runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from qaml_qiskit.simulation.choice import chosen_kernel
from qaml_qiskit.simulation.heisenberg.channels import Channel, FloatArray
from qaml_qiskit.simulation.heisenberg.fusion import fuse
from qaml_qiskit.simulation.heisenberg.kernel_runner import KernelRunner
from qaml_qiskit.simulation.heisenberg.lowering import NoisyCircuit
from qaml_qiskit.simulation.heisenberg.structure import Structures
from qaml_qiskit.simulation.heisenberg.torch_runner import TorchRunner
from qaml_qiskit.simulation.heisenberg.varying import Evaluation, Matrix, Varying
from qaml_qiskit.simulation.heisenberg.vectors import PauliVectors

#: The kernel keeps two digits inside the rows of a vector and works on two others.
_MIN_DIGITS = 4

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Cone:
    """The part of a circuit that matters.

    Attributes:
        digit: the digit of each qubit that matters.
        channels: those that act on them, on digits, in time order.
    """

    digit: dict[int, int]
    channels: tuple[Channel, ...]

    @property
    def num_digits(self) -> int:
        """D; digits that no qubit has stay I."""
        return max(_MIN_DIGITS, len(self.digit))


def light_cone(circuit: NoisyCircuit, inputs: Sequence[int]) -> Cone:
    """What the qubits that are read can depend on, with all qubits that carry an input."""
    reached, kept = set(circuit.read), list[Channel]()
    for channel in reversed(circuit.channels):
        if not reached.isdisjoint(channel.qubits):
            reached.update(channel.qubits)
            kept.append(channel)
    digit = {qubit: index for index, qubit in enumerate(sorted(reached | {*inputs}))}
    channels = [part._replace(qubits=tuple([digit[qubit] for qubit in part.qubits])) for part in reversed(kept)]
    return Cone(digit, tuple(channels))


def cut(cone: Cone) -> tuple[Cone, Cone]:
    """What a gate that varies depends on, itself among it, and all that is behind.

    Channels on different qubits commute, so each lies behind that no gate that varies needs, wherever it stands in the
    list.
    """
    front, back, needed = list[Channel](), list[Channel](), set[int]()
    for channel in reversed(cone.channels):
        is_needed = channel.free is not None or not needed.isdisjoint(channel.qubits)
        (front if is_needed else back).append(channel)
        if is_needed:
            needed.update(channel.qubits)
    return replace(cone, channels=tuple(reversed(front))), replace(cone, channels=tuple(reversed(back)))


def num_steps(cone: Cone) -> int:
    """About how many steps on two digits the channels become: one for each change of partners."""
    partner, count = dict[int, int](), 0
    for low, high in (channel.qubits for channel in cone.channels if len(channel.qubits) > 1):
        count += partner.get(low) != high or partner.get(high) != low
        partner[low], partner[high] = high, low
    return count


class StepsRunner(Protocol):
    """Runs a plan."""

    batch: int
    varying: tuple[Varying, ...]

    @property
    def num_turns(self) -> int:
        """How often a run reports."""

    @property
    def strides(self) -> tuple[int, ...]:
        """Of the digits of what :meth:`run` returns."""

    def run(self, factors: Tensor, report: Callable[[], None], values: Sequence[FloatArray] = ()) -> PauliVectors:
        """Propagate products of single-digit vectors, shape (B, D, 4), B at most ``batch``, and values for each."""


class Propagator:
    """Propagates vectors through the channels of a cone; what need be done only once is done.

    Args:
        cone: what to propagate through.
        backwards: from observables at the end to observables at the beginning; otherwise from a state at the beginning
            to its expectation values at the end.
        dtype: float32 or float64.
        device: where. On the CPU, the compiled kernel is used where it is installed and chosen.
        batch: how many vectors the kernel returns at a time.
    """

    def __init__(
        self, cone: Cone, *, backwards: bool, dtype: torch.dtype, device: torch.device, batch: int = 1
    ) -> None:
        structures = Structures()
        channels = reversed(cone.channels) if backwards else cone.channels
        matrices = ((part.qubits, _matrix(part, backwards=backwards)) for part in channels)
        plan = fuse(matrices, cone.num_digits, structures)
        kernel = chosen_kernel() if device.type == "cpu" else None
        #: Runs the steps.
        self.runner: StepsRunner
        if kernel is None:
            self.runner = TorchRunner(plan, dtype, device)
        else:
            self.runner = KernelRunner(kernel, plan, structures, dtype, batch)
        self._start, self._like = plan.start, torch.empty(0, dtype=dtype, device=device)
        wanted = [each for each in (*plan.start, *self.runner.varying) if isinstance(each, Varying)]
        self._evaluation = Evaluation(wanted)
        #: What stands for the free gates of which a run must know the transfer matrices.
        self.leaves = self._evaluation.leaves
        #: How many numbers are computed of these matrices for each run.
        self.numbers_of_a_run = self._evaluation.size

    def run(
        self,
        factors: FloatArray,
        report: Callable[[], None] = lambda: None,
        leaves: Mapping[Varying, FloatArray] | None = None,
    ) -> Iterator[PauliVectors]:
        """Propagate products of single-digit vectors.

        Args:
            factors: shape (B, D, 4).
            report: called after every turn.
            leaves: transfer matrices of :attr:`leaves` for each vector, shape (B, …).

        Returns:
            The vectors in their order, some at a time. The next ones may overwrite them.
        """
        values = self._evaluation(leaves or {})
        own = iter(values)
        start = [next(own) if isinstance(each, Varying) else each for each in self._start]
        digits = [(matrix @ factors[:, digit, :, None])[..., 0] for digit, matrix in enumerate(start)]
        starts = torch.from_numpy(np.stack(digits, axis=1)).to(self._like)
        numbers, batch = list(own), self.runner.batch
        for first in range(0, len(starts), batch):
            now = slice(first, first + batch)
            yield self.runner.run(starts[now], report, [each[now] for each in numbers])


def _matrix(channel: Channel, *, backwards: bool) -> Matrix:
    if channel.free is not None:
        # Observables are carried back only where nothing varies.
        return channel.free
    return channel.transfer.T if backwards else channel.transfer


def propagate(
    cone: Cone,
    factors: FloatArray,
    *,
    backwards: bool,
    dtype: torch.dtype,
    device: torch.device,
    progress: Progress | None,
) -> Iterator[PauliVectors]:
    """Propagate products of single-digit vectors through channels that are the same for all; see :class:`Propagator`.

    Args:
        cone: what to propagate through.
        factors: shape (B, D, 4).
        backwards: observables, otherwise states.
        dtype: float32 or float64.
        device: where.
        progress: called with the number of turns that are done and of all turns.

    Returns:
        The vectors in their order, some at a time. The next ones may overwrite them.
    """
    propagator, done = Propagator(cone, backwards=backwards, dtype=dtype, device=device), 0
    total = -(-len(factors) // propagator.runner.batch) * propagator.runner.num_turns

    def report() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    yield from propagator.run(factors, report)
