"""What a program needs on a device, whatever its angles: placed there once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from qaml_qiskit.simulation.program import Program
from qaml_qiskit.simulation.readings import Strings, string_signs, z_signs

#: Wires of one block of a wall at most, one of them for real and imaginary part.
_BLOCK = 6


@dataclass(frozen=True, eq=False)
class Block:
    """Adjacent wires that one real matrix rotates.

    Attributes:
        low: the first wire.
        high: one more than the last.
        below: real numbers between two neighbouring values of its index.
        size: of its matrix; twice as many where the real and the imaginary part are part of its index.
        generators: shape (size², wires): column q takes (C[1, 0] − C[0, 1])/2 of wire q from C[i, j] = Σ λ_i ψ_j.
    """

    low: int
    high: int
    below: int
    size: int
    generators: Tensor


@dataclass(frozen=True, eq=False)
class Constants:
    """Tables of a program.

    Attributes:
        blocks: of every wall, the lowest wires first.
        z_signs: shape (2ⁿ, n), in the precision of states.
        pair_signs: shape (2ⁿ, U), of the different pairs of wires that ZZ rotations join, in the same.
        all_signs: both, transposed, in double precision.
        pair_rows: shape (M,): where each ZZ rotation stands in a table of (K + 1, U), flattened.
        cz_signs: shape (different patterns, 2ⁿ), of CZ, ±1.
        cz_of: shape (K + 1,): which of them belongs to each diagonal.
    """

    blocks: tuple[Block, ...]
    z_signs: Tensor
    pair_signs: Tensor
    all_signs: Tensor
    pair_rows: Tensor
    cz_signs: Tensor
    cz_of: Tensor


@lru_cache(maxsize=32)
def constants(program: Program, dtype: torch.dtype, device: torch.device) -> Constants:
    """The tables for states of this real precision on this device."""
    # Also where the caller is in inference mode, whose tensors a later backward pass could not use.
    with torch.inference_mode(False), torch.no_grad():
        like = torch.empty(0, dtype=dtype, device=device)
        signs = z_signs(program.num_qubits, torch.empty(0, dtype=torch.float64))
        joined = sorted({(low, high) for _, low, high in program.pairs.tolist()})
        places = {wires: place for place, wires in enumerate(joined)}
        rows = [index * len(joined) + places[low, high] for index, low, high in program.pairs.tolist()]
        pairs = torch.stack([signs[:, low] * signs[:, high] for low, high in joined], 1) if joined else signs[:, :0]
        patterns, which = _cz_patterns(program)
        cz = torch.stack([_cz_signs(signs, pattern) for pattern in patterns])
        return Constants(
            blocks=_blocks(program.num_qubits, like),
            z_signs=signs.to(like),
            pair_signs=pairs.to(like),
            all_signs=torch.cat([signs, pairs], 1).T.contiguous().to(device),
            pair_rows=torch.tensor(rows, dtype=torch.int64).to(device),
            cz_signs=cz.to(like),
            cz_of=torch.tensor(which, dtype=torch.int64).to(device),
        )


@lru_cache(maxsize=32)
def reading_signs(num_qubits: int, strings: Strings, dtype: torch.dtype, device: torch.device) -> Tensor:
    """:func:`string_signs` on a device, where they are placed once."""
    with torch.inference_mode(False), torch.no_grad():
        return string_signs(num_qubits, strings, torch.empty(0, dtype=dtype)).to(device)


def _cz_patterns(program: Program) -> tuple[list[tuple[tuple[int, int], ...]], list[int]]:
    """The different sets of CZ, and which of them every diagonal has."""
    found: list[list[tuple[int, int]]] = [[] for _ in range(program.num_diagonals)]
    for index, low, high in program.cz.tolist():
        found[index].append((low, high))
    by_diagonal = [tuple(sorted(each)) for each in found]
    patterns = list(dict.fromkeys(by_diagonal))
    return patterns, [patterns.index(each) for each in by_diagonal]


def _cz_signs(signs: Tensor, pattern: tuple[tuple[int, int], ...]) -> Tensor:
    """±1 for every basis state, shape (2ⁿ,)."""
    result = torch.ones_like(signs[:, 0])
    for low, high in pattern:
        result = torch.where((signs[:, low] < 0) & (signs[:, high] < 0), -result, result)
    return result


def block_edges(num_qubits: int) -> tuple[int, ...]:
    """Where the blocks of a wall begin, and where the last one ends."""
    # The real and the imaginary part lie next to each other, as if a wire below all others told them apart.
    wires = num_qubits + 1
    count = -(-wires // _BLOCK)
    edges = [wires * place // count for place in range(count + 1)]
    return tuple(max(edge - 1, 0) for edge in edges)


def _blocks(num_qubits: int, like: Tensor) -> tuple[Block, ...]:
    blocks = []
    for low, high in pairwise(block_edges(num_qubits)):
        parts = 2 if low == 0 else 1
        generators = torch.from_numpy(_generators(high - low, parts)).to(like)
        below = 1 if low == 0 else 2 * 2**low
        blocks.append(Block(low, high, below, parts * 2 ** (high - low), generators))
    return tuple(blocks)


def _generators(wires: int, parts: int) -> np.ndarray:
    """See :class:`Block`; the index is wires above parts."""
    size = 2**wires
    found = np.zeros((size, parts, size, parts, wires))
    for wire in range(wires):
        zero = np.array([index for index in range(size) if not index >> wire & 1])
        one = zero + 2**wire
        for part in range(parts):
            found[one, part, zero, part, wire], found[zero, part, one, part, wire] = 0.5, -0.5
    return found.reshape((size * parts) ** 2, wires)
