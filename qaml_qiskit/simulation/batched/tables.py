"""Matrices and diagonals of many layers at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from qaml_qiskit.simulation.batched.constants import Constants
from qaml_qiskit.simulation.program import Program


@dataclass(frozen=True)
class Slab:
    """Diagonals D_first … and the walls before them.

    Attributes:
        first: number of the first diagonal.
        diagonals: shape (S, 2ⁿ), complex; conjugate where the circuit is undone.
        walls: for every block, shape (S, size, size): W_{k−1} before D_k; the identity before D_0. Transposed where the
            circuit is undone.
    """

    first: int
    diagonals: Tensor
    walls: tuple[Tensor, ...]

    def __len__(self) -> int:
        """How many diagonals."""
        return len(self.diagonals)


def slab_length(program: Program, most: int) -> int:
    """How many layers are tabulated at a time, where their tables may take so many bytes."""
    # A phase, its cosine and sine in double precision, and the diagonal.
    return min(program.num_diagonals, max(1, most // (2**program.num_qubits * 40)))


def slabs(program: Program, angles: Tensor, tables: Constants, length: int, *, undone: bool = False) -> Iterator[Slab]:
    """All layers, a slab at a time, from the first to the last, or, to undo the circuit, the other way round.

    Args:
        program: the program.
        angles: shape (A,), float64.
        tables: of the program.
        length: diagonals in a slab.
        undone: inverse diagonals and walls.
    """
    starts = range(0, program.num_diagonals, length)
    for first in reversed(starts) if undone else starts:
        stop = min(first + length, program.num_diagonals)
        diagonals = _diagonals(program, angles, tables, first, stop, undone=undone)
        yield Slab(first, diagonals, _walls(program, angles, tables, first, stop, undone=undone))


def _diagonals(program: Program, angles: Tensor, tables: Constants, first: int, stop: int, *, undone: bool) -> Tensor:
    n, start, kinds = program.num_qubits, program.z_offset, tables.pair_signs.shape[1]
    parts = angles[start + first * n : start + stop * n].view(stop - first, n)
    if kinds:
        every = angles.new_zeros(program.num_diagonals * kinds)
        every = every.index_copy(0, tables.pair_rows, angles[program.pair_offset : -1])
        parts = torch.cat([parts, every.view(-1, kinds)[first:stop]], 1)
    phases = -0.5 * parts @ tables.all_signs
    if first == 0:
        phases[0] += angles[-1]
    signs = tables.cz_signs.index_select(0, tables.cz_of[first:stop])
    cos, sin = (part.to(signs.dtype).mul_(signs) for part in (phases.cos(), phases.sin()))
    return torch.complex(cos, sin.neg_() if undone else sin)


def _walls(
    program: Program, angles: Tensor, tables: Constants, first: int, stop: int, *, undone: bool
) -> tuple[Tensor, ...]:
    n, count = program.num_qubits, stop - first
    half = 0.5 * angles[max(first - 1, 0) * n : (stop - 1) * n].view(-1, n)
    if first == 0:
        half = torch.nn.functional.pad(half, (0, 0, 1, 0))  # no wall stands before D_0
    cos, sin = half.cos(), half.sin()
    if undone:
        sin = -sin
    rotations = torch.stack([cos, -sin, sin, cos], -1).view(count, n, 2, 2)
    walls = []
    for block in tables.blocks:
        # The lowest block leaves real and imaginary part apart.
        matrix = torch.eye(2 if block.low == 0 else 1, dtype=half.dtype, device=half.device).expand(count, -1, -1)
        for wire in range(block.low, block.high):
            size = 2 * matrix.shape[-1]
            matrix = torch.einsum("kab,kcd->kacbd", rotations[:, wire], matrix).reshape(count, size, size)
        walls.append(matrix.to(tables.z_signs.dtype))
    return tuple(walls)
