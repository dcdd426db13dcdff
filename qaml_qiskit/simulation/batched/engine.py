"""The engine of devices other than the CPU; it runs on the CPU as well."""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache, partial

import torch
from torch import Tensor

from qaml_qiskit.simulation.batched.constants import reading_signs
from qaml_qiskit.simulation.batched.replays import CudaGraphs, Replays, Run
from qaml_qiskit.simulation.batched.steps import LIMITS, Limits, run_backward, run_forward
from qaml_qiskit.simulation.program import Program
from qaml_qiskit.simulation.pullback import Pullback, Wanted
from qaml_qiskit.simulation.readings import Strings, signed_sums


class BatchedEngine:
    """Runs programs in few large operations; a state is the complex amplitudes, shape (B, 2ⁿ), in wire order.

    Args:
        replays: where runs are recorded and replayed; None computes all of them as they come.
        limits: of memory.
    """

    def __init__(self, replays: Replays | None = None, limits: Limits = LIMITS) -> None:
        self._replays, self._limits = replays, limits

    def forward(self, program: Program, angles: Tensor, amplitudes: Tensor) -> Tensor:
        """The final state, for angles (A,) float64 and amplitudes (B, 2ⁿ), real or complex."""
        run = partial(_forward, program, self._limits)
        pieces = self._pieces(program, amplitudes.detach())
        states = [self._run(program, "forward", run, angles.detach(), each)[0] for each in pieces]
        return states[0] if len(states) == 1 else torch.cat(states)

    def amplitudes(self, program: Program, state: Tensor, batch: int) -> Tensor:
        """The state as complex amplitudes, shape (B, 2ⁿ)."""
        return state.clone()

    def expectations(self, program: Program, state: Tensor, strings: Strings, batch: int) -> Tensor:
        """Averages of the strings, shape (B, number of strings)."""
        reals = torch.view_as_real(state)
        signs = reading_signs(program.num_qubits, strings, reals.dtype, reals.device)
        return signed_sums(reals.square().sum(-1), signs)

    def pull_back_amplitudes(
        self, program: Program, angles: Tensor, state: Tensor, cotangent: Tensor, wanted: Wanted
    ) -> Pullback:
        """Gradients, given those with respect to the final amplitudes, shape (B, 2ⁿ) complex."""
        return self._pull_back(program, angles, state, cotangent, wanted, None)

    def pull_back_expectations(
        self, program: Program, angles: Tensor, state: Tensor, strings: Strings, cotangent: Tensor, wanted: Wanted
    ) -> Pullback:
        """Gradients, given those with respect to the averages of the strings, shape (B, number of strings)."""
        return self._pull_back(program, angles, state, cotangent, wanted, strings)

    def _pull_back(
        self,
        program: Program,
        angles: Tensor,
        state: Tensor,
        cotangent: Tensor,
        wanted: Wanted,
        strings: Strings | None,
    ) -> Pullback:
        run = partial(_backward, program, self._limits, wanted, strings)
        states = self._pieces(program, state)
        pieces = zip(states, cotangent.detach().split(len(states[0])), strict=True)
        found = [self._run(program, ("backward", wanted, strings), run, angles.detach(), *each) for each in pieces]
        # The inputs' gradients come first, where both are wanted.
        inputs = torch.cat([each[0] for each in found]) if wanted.inputs else None
        by_angle = [each[-1] for each in found] if wanted.angles else []
        if wanted.per_sample and by_angle:
            return Pullback(inputs, torch.cat(by_angle))
        return Pullback(inputs, torch.stack(by_angle).sum(0) if by_angle else None)

    def _pieces(self, program: Program, states: Tensor) -> tuple[Tensor, ...]:
        return states.split(max(1, self._limits.amplitudes >> program.num_qubits))

    def _run(self, program: Program, what: Hashable, run: Run, *inputs: Tensor) -> tuple[Tensor, ...]:
        if self._replays is None:
            return run(*inputs)
        return self._replays.run((program, what), run, *inputs)


@lru_cache(maxsize=16)
def engine_on(device: torch.device) -> BatchedEngine:
    """The engine of a device; on CUDA it records graphs."""
    return BatchedEngine(Replays(CudaGraphs(device)) if device.type == "cuda" else None)


def _forward(program: Program, limits: Limits, angles: Tensor, amplitudes: Tensor) -> tuple[Tensor, ...]:
    return (run_forward(program, angles, amplitudes, limits),)


def _backward(
    program: Program,
    limits: Limits,
    wanted: Wanted,
    strings: Strings | None,
    angles: Tensor,
    state: Tensor,
    cotangent: Tensor,
) -> tuple[Tensor, ...]:
    """The gradients that are wanted, from those of averages of strings, or of amplitudes where there are none."""
    if strings is not None:
        signs = reading_signs(program.num_qubits, strings, cotangent.dtype, cotangent.device)
        cotangent = 2 * (cotangent @ signs.T) * state
    found = run_backward(program, angles, state, cotangent, wanted, limits)
    return tuple(each for each in found if each is not None)
