"""The normal form in plain torch: real matrix products for the walls, one complex product for each diagonal.

A state is a real tensor of shape (2, B, 2**n): its real and imaginary parts, in wire order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from qaml_qiskit.simulation.program import Program
from qaml_qiskit.simulation.pullback import Pullback, Wanted
from qaml_qiskit.simulation.readings import Strings, signed_sums, string_signs, z_signs

#: RY rotations of up to this many wires become one real matrix (32×32 serves the CPU's matrix product best).
_BLOCK = 5
#: Walls and diagonals are tabulated this many at a time, so that memory does not grow with the depth.
_SLAB = 32


class TorchEngine:
    """Runs programs with torch operations, on any device."""

    def forward(self, program: Program, angles: Tensor, amplitudes: Tensor) -> Tensor:
        """The final state.

        Args:
            program: the program.
            angles: shape (A,), float64.
            amplitudes: shape (B, 2**n), complex or real; their precision is the precision of the run.
        """
        states = _States(_planes(amplitudes))
        for table in _tables(program, angles, states.now):
            if table.wall is not None:
                states.rotate(table.wall)
            states.multiply(table.cos, table.sin)
        return states.now

    def amplitudes(self, program: Program, state: Tensor, batch: int) -> Tensor:
        """The state as complex amplitudes, shape (B, 2**n)."""
        return torch.complex(state[0], state[1])

    def expectations(self, program: Program, state: Tensor, strings: Strings, batch: int) -> Tensor:
        """Averages of the strings, shape (B, number of strings)."""
        return signed_sums((state * state).sum(0), string_signs(program.num_qubits, strings, state))

    def pull_back_amplitudes(
        self, program: Program, angles: Tensor, state: Tensor, cotangent: Tensor, wanted: Wanted
    ) -> Pullback:
        """Gradients, given those with respect to the final amplitudes, shape (B, 2**n) complex."""
        return _pull_back(program, angles, state, _planes(cotangent), wanted)

    def pull_back_expectations(
        self, program: Program, angles: Tensor, state: Tensor, strings: Strings, cotangent: Tensor, wanted: Wanted
    ) -> Pullback:
        """Gradients, given those with respect to the averages of the strings, shape (B, number of strings)."""
        signs = string_signs(program.num_qubits, strings, state)
        return _pull_back(program, angles, state, 2 * (cotangent @ signs.T) * state, wanted)


def recorded_forward(program: Program, angles: Tensor, amplitudes: Tensor) -> Tensor:
    """The final state of :meth:`TorchEngine.forward`, by operations that autograd records.

    For derivatives of any order: slower, and its memory grows with the depth.
    """
    state = _planes(amplitudes)
    for table in _tables(program, angles, state):
        if table.wall is not None:
            state = table.wall.applied(state)
        real, imaginary = state
        turned = (real * table.cos - imaginary * table.sin, imaginary * table.cos + real * table.sin)
        state = torch.stack(turned)
    return state


@dataclass(frozen=True)
class _Wall:
    """One wall as Kronecker blocks: matrices[i] acts on the i-th group of adjacent wires, lowest first."""

    matrices: tuple[Tensor, ...]

    def applied(self, states: Tensor) -> Tensor:
        below = 1
        for matrix in self.matrices:
            blocks = states.reshape(-1, matrix.shape[0], below)
            states = (matrix @ blocks).reshape(states.shape)
            below *= matrix.shape[0]
        return states

    def inverse(self) -> _Wall:
        return _Wall(tuple(matrix.T for matrix in self.matrices))


class _States:
    """States of shape (..., 2, B, 2**n) that every step overwrites.

    Two buffers take turns: fresh ones for every step cost more in page faults than the arithmetic.

    Args:
        states: contiguous, and not used by anybody else.
    """

    def __init__(self, states: Tensor) -> None:
        self.now = states
        self._other = torch.empty_like(states)

    def multiply(self, cos: Tensor, sin: Tensor) -> None:
        """Multiply by the diagonal cos + i·sin."""
        now, result = self.now, torch.mul(self.now, cos, out=self._other)
        result[..., 0, :, :].addcmul_(now[..., 1, :, :], sin, value=-1)
        result[..., 1, :, :].addcmul_(now[..., 0, :, :], sin)
        self.now, self._other = result, now

    def rotate(self, wall: _Wall) -> None:
        """Apply a wall."""
        below = 1
        for matrix in wall.matrices:
            size = matrix.shape[0]
            if below == 1:
                torch.mm(self.now.view(-1, size), matrix.T, out=self._other.view(-1, size))
            else:
                blocks = (self.now.numel() // (size * below), size, below)
                torch.bmm(matrix.expand(blocks[0], size, size), self.now.view(blocks), out=self._other.view(blocks))
            below *= size
            self.now, self._other = self._other, self.now


@dataclass(frozen=True)
class _Table:
    """The diagonal D_k = cos + i·sin and the wall before it (none before D_0)."""

    index: int
    wall: _Wall | None
    cos: Tensor
    sin: Tensor


def _pull_back(program: Program, angles: Tensor, state: Tensor, adjoint: Tensor, wanted: Wanted) -> Pullback:
    """Undo the circuit on the adjoint, and on the state where weight gradients need it."""
    collector = _Collector(program, state, per_sample=wanted.per_sample) if wanted.angles else None
    if collector:
        collector.phase(state, adjoint)
    # One stack, so that every step is one operation on state and adjoint together.
    states = _States(torch.stack([adjoint, state]) if collector else adjoint[None])
    for table in _tables(program, angles, state, backwards=True):
        if collector:
            collector.diagonal(table.index, states.now[1], states.now[0])
        states.multiply(table.cos, -table.sin)
        if table.wall is None:
            continue
        inverse = table.wall.inverse()
        if collector:
            collector.wall(table.index - 1, inverse, states.now[1], states.now[0])
        states.rotate(inverse)
    inputs = torch.complex(states.now[0, 0], states.now[0, 1]) if wanted.inputs else None
    return Pullback(inputs, collector.gradients if collector else None)


class _Collector:
    """Writes angle gradients Re⟨λ|∂ψ⟩ into a vector, for the batch's sum or for each sample."""

    def __init__(self, program: Program, state: Tensor, *, per_sample: bool) -> None:
        self.gradients = state.new_zeros((state.shape[1], program.num_angles) if per_sample else program.num_angles)
        self._program = program
        self._per_sample = per_sample
        self._known: dict[int, Tensor] = {}
        self._products: dict[tuple[int, int], Tensor] = {}
        self._signs = z_signs(program.num_qubits, state)
        self._pairs = _by_diagonal(program, program.pairs)

    def phase(self, state: Tensor, adjoint: Tensor) -> None:
        """Global phase: ∂ψ = i·ψ."""
        self.gradients[..., -1] = -self._correlation(state, adjoint).sum(-1)

    def diagonal(self, index: int, state: Tensor, adjoint: Tensor) -> None:
        """∂ψ = −i/2·Z·ψ (or Z·Z), so the gradient is a signed sum of Im(λ̄ψ)/2."""
        weights = 0.5 * self._correlation(state, adjoint)
        start = self._program.z_offset + index * self._program.num_qubits
        self.gradients[..., start : start + self._program.num_qubits] = signed_sums(weights, self._signs)
        for pair, low, high in self._pairs.get(index, ()):
            zz = self._signs[:, [low]] * self._signs[:, [high]]
            self.gradients[..., self._program.pair_offset + pair] = signed_sums(weights, zz)[..., 0]

    def wall(self, index: int, inverse: _Wall, state: Tensor, adjoint: Tensor) -> None:
        """RY commutes with its generator, so states behind the wall serve: correlate λ with ∂ψ = −i/2·Y·ψ."""
        start, below = index * self._program.num_qubits, 1
        for matrix in inverse.matrices:
            size = matrix.shape[0]
            correlation = self._correlate_block(state, adjoint, size, below)
            generators = self._generators(size)
            stop = start + generators.shape[1]
            self.gradients[..., start:stop] = correlation.flatten(-2) @ generators
            start, below = stop, below * size

    def _correlate_block(self, state: Tensor, adjoint: Tensor, size: int, below: int) -> Tensor:
        """C[i, j] = Σ λ_i ψ_j over everything but the block's wires (and the batch, per sample)."""
        if below == 1:
            rows = (2, state.shape[1], -1, size) if self._per_sample else (-1, size)
            product = adjoint.reshape(rows).mT @ state.reshape(rows)
            return product.sum(0) if self._per_sample else product
        blocks = (state.numel() // (size * below), size, below)
        products = self._buffer(blocks[0], size)
        torch.bmm(adjoint.reshape(blocks), state.reshape(blocks).mT, out=products)
        if not self._per_sample:
            return products.sum(0)
        return products.view(2, state.shape[1], -1, size, size).sum((0, 2))

    def _buffer(self, count: int, size: int) -> Tensor:
        """Room for the products of one block size; made once, for the reason given in _States."""
        key = (count, size)
        if key not in self._products:
            self._products[key] = self.gradients.new_empty((count, size, size))
        return self._products[key]

    def _generators(self, size: int) -> Tensor:
        """Column q picks (C[1, 0] − C[0, 1])/2 over the pairs of wire q from C[i, j] = Σ λ_i ψ_j, flattened."""
        if size not in self._known:
            wires = size.bit_length() - 1
            known = self.gradients.new_zeros((size, size, wires))
            for wire in range(wires):
                zero = torch.tensor([index for index in range(size) if not index >> wire & 1], device=known.device)
                one = zero + 2**wire
                known[one, zero, wire], known[zero, one, wire] = 0.5, -0.5
            self._known[size] = known.reshape(size * size, wires)
        return self._known[size]

    def _correlation(self, state: Tensor, adjoint: Tensor) -> Tensor:
        """Im(λ̄ψ), summed over the batch unless gradients are per sample."""
        product = torch.addcmul(adjoint[0] * state[1], adjoint[1], state[0], value=-1)
        return product if self._per_sample else product.sum(0)


def _tables(program: Program, angles: Tensor, state: Tensor, *, backwards: bool = False) -> Iterator[_Table]:
    """Diagonals and the walls before them, tabulated a slab at a time, in the precision of ``state``."""
    signs = z_signs(program.num_qubits, angles)
    pairs, cz = _by_diagonal(program, program.pairs), _by_diagonal(program, program.cz)
    starts = range(0, program.num_diagonals, _SLAB)
    for start in reversed(starts) if backwards else starts:
        slab = range(start, min(start + _SLAB, program.num_diagonals))
        phases = _phases(program, angles, signs, slab, (pairs, cz))
        cos, sin = phases.cos().to(state.dtype), phases.sin().to(state.dtype)
        walls = _walls(program, angles, range(max(slab.start - 1, 0), slab.stop - 1), state.dtype)
        if slab.start == 0:
            walls = [None, *walls]
        order = reversed(range(len(slab))) if backwards else range(len(slab))
        for place in order:
            yield _Table(slab[place], walls[place], cos[place], sin[place])


def _phases(
    program: Program,
    angles: Tensor,
    signs: Tensor,
    slab: range,
    placed: tuple[dict[int, list[tuple[int, int, int]]], dict[int, list[tuple[int, int, int]]]],
) -> Tensor:
    """Phases of a slab of diagonals, shape (len(slab), 2**n), float64."""
    n, start = program.num_qubits, program.z_offset
    phases = -0.5 * angles[start + slab.start * n : start + slab.stop * n].reshape(len(slab), n) @ signs.T
    known: dict[tuple[tuple[int, int], ...], Tensor] = {}
    pairs, cz = placed
    for place, index in enumerate(slab):
        for pair, low, high in pairs.get(index, ()):
            phases[place] -= 0.5 * angles[program.pair_offset + pair] * signs[:, low] * signs[:, high]
        wires = tuple((low, high) for _, low, high in cz.get(index, ()))
        if wires not in known:
            both = [(signs[:, low] < 0) & (signs[:, high] < 0) for low, high in wires]
            known[wires] = torch.stack(both).sum(0).to(phases) * torch.pi if both else torch.zeros_like(phases[0])
        phases[place] += known[wires]
    if slab.start == 0:
        phases[0] += angles[-1]
    return phases


def _walls(program: Program, angles: Tensor, slab: range, dtype: torch.dtype) -> list[_Wall | None]:
    """The walls of a slab as Kronecker products of at most ``_BLOCK`` rotations each."""
    n = program.num_qubits
    half = 0.5 * angles[slab.start * n : slab.stop * n].reshape(len(slab), n)
    cos, sin = half.cos(), half.sin()
    rotations = torch.stack([cos, -sin, sin, cos], -1).reshape(len(slab), n, 2, 2)
    groups = -(-n // _BLOCK)
    edges = [n * group // groups for group in range(groups + 1)]
    blocks = []
    for low, high in pairwise(edges):
        block = rotations[:, low]
        for wire in range(low + 1, high):
            size = block.shape[-1]
            block = torch.einsum("kab,kcd->kacbd", rotations[:, wire], block).reshape(len(slab), 2 * size, 2 * size)
        blocks.append(block.to(dtype))
    return [_Wall(matrices) for matrices in zip(*blocks, strict=True)]


def _by_diagonal(program: Program, placed: np.ndarray) -> dict[int, list[tuple[int, int, int]]]:
    """Entries (position, low wire, high wire) of each diagonal."""
    found: dict[int, list[tuple[int, int, int]]] = {}
    for position, (index, low, high) in enumerate(placed.tolist()):
        found.setdefault(index, []).append((position, low, high))
    return found


def _planes(amplitudes: Tensor) -> Tensor:
    """Real and imaginary parts, shape (2, B, 2**n)."""
    if amplitudes.is_complex():
        return torch.stack([amplitudes.real, amplitudes.imag])
    return torch.stack([amplitudes, torch.zeros_like(amplitudes)])
