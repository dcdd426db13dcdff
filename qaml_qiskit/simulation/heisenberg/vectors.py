"""Vectors of Pauli coefficients, and the matrices that they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

#: Numbers that one step of a conversion works on, so that its index tables stay small.
_CHUNK = 2**17
#: A Walsh–Hadamard transform takes this many bits at once, as a product with a small matrix.
_BITS = 6


@dataclass(frozen=True, eq=False)
class PauliVectors:
    """B real vectors over the 4^D strings on D digits, wherever the digits lie.

    Attributes:
        numbers: shape (B, size).
        strides: for each digit, how many numbers lie between one value of the digit and the next.
    """

    numbers: Tensor
    strides: tuple[int, ...]

    def strings(self) -> Tensor:
        """A view of shape (B, 4, …, 4), the last digit first."""
        shape = (len(self.numbers), *[4] * len(self.strides))
        return self.numbers.as_strided(shape, (self.numbers.stride(0), *reversed(self.strides)))

    def matrix(self, index: int, digits: Sequence[int], *, is_hermitian: bool) -> Tensor:
        """The observable Σ c_P·P of one vector on the qubits of k digits.

        P = i^|x∧z|·X^x·Z^z for the masks x and z of its X and Z, so that Σ_z is a Walsh–Hadamard transform for each x.

        Args:
            index: which vector.
            digits: the first is the least significant bit of the matrix's indices. All other qubits are in the state
                |0⟩, where I and Z have the value 1, X and Y the value 0.
            is_hermitian: whether the whole matrix is wanted, or only its real part, which is symmetric.

        Returns:
            Shape (2^k, 2^k), complex if ``is_hermitian``.
        """
        size, vector = 2 ** len(digits), self.numbers[index]
        rows = range(0, size, max(1, _CHUNK // size))
        x_bits = _offsets([self.strides[digit] for digit in digits], vector)
        z_bits = _offsets([2 * self.strides[digit] for digit in digits], vector)
        others = [0]
        for digit in set(range(len(self.strides))).difference(digits):
            others += [offset + 2 * self.strides[digit] for offset in others]
        parts = []
        for phases in _phases(len(digits), vector)[: 1 + is_hermitian]:
            by_x = vector.new_empty(size, size)
            for start in rows:
                now = slice(start, start + rows.step)
                strings = x_bits[now, None] + z_bits
                coefficients = torch.zeros_like(by_x[now])
                for other in others:
                    coefficients += vector.index_select(0, (strings + other).view(-1)).view(-1, size)
                by_x[now] = _transform(coefficients * phases[now])
            parts.append(torch.cat([_unshuffle(by_x, slice(start, start + rows.step)) for start in rows]))
        return torch.complex(*parts) if is_hermitian else parts[0]


def products(factors: Tensor) -> Tensor:
    """Tensor products of single-digit vectors: shape (B, D, 4) to (B, 4^D), digit 0 the least significant."""
    result = factors[:, 0]
    for digit in range(1, factors.shape[1]):
        result = (factors[:, digit, :, None] * result[:, None, :]).flatten(1)
    return result


def _offsets(strides: Sequence[int], like: Tensor) -> Tensor:
    """Where each setting of some bits lies, shape (2^k,), the first stride belonging to the lowest bit."""
    offsets = torch.zeros(1, dtype=torch.int64, device=like.device)
    for stride in strides:
        offsets = torch.cat([offsets, offsets + stride])
    return offsets


def _phases(num_bits: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Real and imaginary part of i^|x∧z|, shape (2^k, 2^k), as small integers."""
    real = torch.ones(1, 1, dtype=torch.int8, device=like.device)
    imaginary = torch.zeros_like(real)
    for _ in range(num_bits):
        real, imaginary = (
            torch.cat([torch.cat([a, a], 1), torch.cat([a, b], 1)]) for a, b in ((real, -imaginary), (imaginary, real))
        )
    return real, imaginary


def _transform(rows: Tensor) -> Tensor:
    """Walsh–Hadamard transform of every row."""
    shape, below = rows.shape, 1
    while below < shape[1]:
        size = min(2**_BITS, shape[1] // below)
        signs = rows.new_ones(1, 1)
        while len(signs) < size:
            signs = torch.cat([torch.cat([signs, signs], 1), torch.cat([signs, -signs], 1)])
        rows = rows.reshape(-1, size) @ signs if below == 1 else signs @ rows.view(-1, size, below)
        below *= size
    return rows.view(shape)


def _unshuffle(by_x: Tensor, rows: slice) -> Tensor:
    """Rows of the matrix with entries [i, j] = by_x[i ^ j, j]."""
    size = len(by_x)
    position = torch.arange(size, device=by_x.device)
    places = (position[rows, None] ^ position) * size + position
    return by_x.view(-1).index_select(0, places.view(-1)).view(-1, size)
