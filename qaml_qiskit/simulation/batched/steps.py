"""Forth through a program and back, a batch at a time."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from qaml_qiskit.simulation.batched.constants import Block, Constants, constants
from qaml_qiskit.simulation.batched.tables import Slab, slab_length, slabs
from qaml_qiskit.simulation.program import Program
from qaml_qiskit.simulation.pullback import Pullback, Wanted


@dataclass(frozen=True)
class Limits:
    """What a run may take of a device's memory.

    Attributes:
        amplitudes: of a batch that runs at once; larger ones run in pieces.
        tables: bytes of the matrices and diagonals that are made together.
        history: bytes of the states that wait until their gradients are taken together.
    """

    amplitudes: int = 2**26
    tables: int = 2**28
    history: int = 2**28


#: Some hundred MB beside a few copies of the states.
LIMITS = Limits()


def run_forward(program: Program, angles: Tensor, amplitudes: Tensor, limits: Limits = LIMITS) -> Tensor:
    """The final state, shape (B, 2ⁿ) complex; all is computed on the tensors' device, and nothing leaves it.

    Args:
        program: the program.
        angles: shape (A,), float64.
        amplitudes: shape (B, 2ⁿ), real or complex.
        limits: of memory.
    """
    state = amplitudes.to(amplitudes.dtype.to_complex()).contiguous()
    tables = constants(program, state.dtype.to_real(), state.device)
    buffers = torch.empty_like(state), torch.empty_like(state)
    for slab in slabs(program, angles, tables, slab_length(program, limits.tables)):
        for place in range(len(slab)):
            if slab.first + place:
                state = _rotated(tables, slab, place, state, buffers)
            result = _free(state, buffers)
            torch.mul(state, slab.diagonals[place], out=result)
            state = result
    return state


def run_backward(
    program: Program, angles: Tensor, state: Tensor, adjoint: Tensor, wanted: Wanted, limits: Limits = LIMITS
) -> Pullback:
    """Undo the circuit on adjoint and state together.

    Args:
        program: the program.
        angles: shape (A,), float64.
        state: what :func:`run_forward` gave, shape (B, 2ⁿ).
        adjoint: the gradient with respect to it, of the same shape, complex.
        wanted: which gradients.
        limits: of memory.
    """
    tables = constants(program, state.dtype.to_real(), state.device)
    # Side by side for every sample, so that every step is one operation on both.
    both = torch.stack([adjoint, state], 1) if wanted.angles else adjoint[:, None].contiguous()
    buffers = torch.empty_like(both), torch.empty_like(both)
    length, gradients, history = slab_length(program, limits.tables), None, None
    if wanted.angles:
        length = min(length, max(1, limits.history // both.nbytes))
        gradients = _Gradients(program, state, tables, per_sample=wanted.per_sample)
        gradients.phase(both)
        history = both.new_empty((length, *both.shape))
    for slab in slabs(program, angles, tables, length, undone=True):
        for place in reversed(range(len(slab))):
            # Between a wall and the diagonal behind it the states commute with the generators of both.
            result = _free(both, buffers) if history is None else history[place]
            torch.mul(both, slab.diagonals[place], out=result)
            both = result
            if slab.first + place:
                both = _rotated(tables, slab, place, both, buffers)
        if gradients is not None and history is not None:
            gradients.take(slab, history[: len(slab)])
    inputs = both[:, 0].clone() if wanted.inputs else None
    return Pullback(inputs, None if gradients is None else gradients.found)


def _free(used: Tensor, buffers: tuple[Tensor, Tensor]) -> Tensor:
    """The buffer that is not in use. Fresh ones for every step would be as many as there are steps, in a graph."""
    return buffers[1] if used is buffers[0] else buffers[0]


def _rotated(tables: Constants, slab: Slab, place: int, states: Tensor, buffers: tuple[Tensor, Tensor]) -> Tensor:
    """All states behind a wall, in one of the buffers."""
    for block, matrices in zip(tables.blocks, slab.walls, strict=True):
        result = _free(states, buffers)
        _multiply(block, matrices[place], torch.view_as_real(states), torch.view_as_real(result))
        states = result
    return states


def _multiply(block: Block, matrix: Tensor, states: Tensor, result: Tensor) -> None:
    """One block's matrix on the real numbers of states."""
    size, below = block.size, block.below
    if below == 1:
        torch.mm(states.view(-1, size), matrix.T, out=result.view(-1, size))
        return
    shape = (states.numel() // (size * below), size, below)
    torch.bmm(matrix.expand(shape[0], size, size), states.view(shape), out=result.view(shape))


class _Gradients:
    """Angle gradients Re⟨λ|∂ψ⟩, for the batch's sum or for each sample."""

    def __init__(self, program: Program, state: Tensor, tables: Constants, *, per_sample: bool) -> None:
        self._program, self._tables, self._per_sample = program, tables, per_sample
        shape = (len(state), program.num_angles) if per_sample else (program.num_angles,)
        self.found = torch.zeros(shape, dtype=state.dtype.to_real(), device=state.device)

    def phase(self, both: Tensor) -> None:
        """Global phase: ∂ψ = i·ψ."""
        self.found[..., -1] = -self._imaginary(both[None])[0].sum(-1)

    def take(self, slab: Slab, history: Tensor) -> None:
        """Gradients of a slab, from adjoint and state behind its walls, shape (S, B, 2, 2ⁿ)."""
        program, n = self._program, self._program.num_qubits
        # ∂ψ = −i/2·Z·ψ (or Z·Z), so a diagonal's gradient is a signed sum of Im(λ̄ψ)/2.
        weights = 0.5 * self._imaginary(history)
        self._put(program.z_offset + slab.first * n, weights @ self._tables.z_signs)
        if self._tables.pair_signs.shape[1]:
            self._pairs(slab, weights @ self._tables.pair_signs)
        # An RY commutes with its generator: correlate λ with ∂ψ = −i/2·Y·ψ. No wall stands before D_0.
        behind = history[1:] if slab.first == 0 else history
        if len(behind):
            reals = torch.view_as_real(behind)
            turns = [self._correlated(block, reals) for block in self._tables.blocks]
            self._put(max(slab.first - 1, 0) * n, torch.cat(turns, -1))

    def _put(self, start: int, values: Tensor) -> None:
        """Write what is of shape (S, [B,] n) to neighbouring angles."""
        count, n = values.shape[0], values.shape[-1]
        self.found[..., start : start + count * n] = values.movedim(0, -2).flatten(-2)

    def _pairs(self, slab: Slab, values: Tensor) -> None:
        """Those of ZZ rotations, from what each pair of wires has in every diagonal of the slab, (S, [B,] U)."""
        by_row = values.movedim(0, -2).flatten(-2)
        rows = self._tables.pair_rows - slab.first * values.shape[-1]
        inside = (rows >= 0) & (rows < by_row.shape[-1])
        found = by_row.index_select(-1, rows.clamp(0, by_row.shape[-1] - 1)) * inside
        self.found[..., self._program.pair_offset : -1] += found

    def _imaginary(self, history: Tensor) -> Tensor:
        """Im(λ̄ψ), summed over the batch unless gradients are per sample; shape (S, [B,] 2ⁿ)."""
        adjoint, state = torch.view_as_real(history).unbind(2)
        product = torch.addcmul(adjoint[..., 0] * state[..., 1], adjoint[..., 1], state[..., 0], value=-1)
        return product if self._per_sample else product.sum(1)

    def _correlated(self, block: Block, reals: Tensor) -> Tensor:
        """Of a block's wires, shape (S, [B,] wires), from numbers of shape (S, B, 2, 2ⁿ, 2)."""
        count, batch, size = reals.shape[0], reals.shape[1], block.size
        above = reals[0, 0, 0].numel() // (size * block.below)
        if block.below == 1:
            adjoint, state = reals.reshape(count * batch, 2, above, size).unbind(1)
            products = adjoint.mT @ state
        else:
            adjoint, state = reals.reshape(count * batch, 2, above, size, block.below).unbind(1)
            products = (adjoint @ state.mT).sum(1)
        correlations = products.view(count, batch, size * size)
        return (correlations if self._per_sample else correlations.sum(1)) @ block.generators
