"""From a noisy circuit to a plan and to what runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
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


class StepsRunner(Protocol):
    """Runs a plan."""

    batch: int

    @property
    def num_turns(self) -> int:
        """How often a run reports."""

    def run(self, factors: Tensor, report: Callable[[], None]) -> PauliVectors:
        """Propagate products of single-digit vectors, shape (B, D, 4), B at most ``batch``."""


def propagate(
    cone: Cone,
    factors: FloatArray,
    *,
    backwards: bool,
    dtype: torch.dtype,
    device: torch.device,
    progress: Progress | None,
) -> Iterator[PauliVectors]:
    """Propagate products of single-digit vectors through the channels.

    Args:
        cone: what to propagate through.
        factors: shape (B, D, 4).
        backwards: from observables at the end to observables at the beginning; otherwise from a state at the beginning
            to its expectation values at the end.
        dtype: float32 or float64.
        device: where. On the CPU, the compiled kernel is used where it is installed and chosen.
        progress: called with the number of turns that are done and of all turns.

    Returns:
        The vectors in their order, some at a time. The next ones may overwrite them.
    """
    structures = Structures()
    channels = reversed(cone.channels) if backwards else cone.channels
    matrices = ((part.qubits, part.transfer.T if backwards else part.transfer) for part in channels)
    plan = fuse(matrices, cone.num_digits, structures)
    kernel = chosen_kernel() if device.type == "cpu" else None
    runner: StepsRunner
    runner = TorchRunner(plan, dtype, device) if kernel is None else KernelRunner(kernel, plan, structures, dtype)
    starts = torch.from_numpy(np.einsum("dij,bdj->bdi", plan.start, factors)).to(device, dtype).split(runner.batch)
    done = 0

    def report() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, len(starts) * runner.num_turns)

    for start in starts:
        yield runner.run(start, report)
