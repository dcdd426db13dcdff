"""From real symmetric matrices to the expectation values of Pauli strings."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

#: Rows I, X, Z, Y of a qubit; columns are the entries 00, 01, 10, 11 of its matrix. Of Y without its factor i.
_ENTRIES = ((1.0, 0, 0, 1), (0, 1, 1, 0), (1, 0, 0, -1), (0, 1, -1, 0))
#: Qubits whose entries become strings in one product.
_TOGETHER = 3
_Y = 3


def string_values(matrix: Tensor) -> Tensor:
    """Tr(P·S) of a real symmetric matrix S for every string P, shape (4^k,), the first qubit's digit the lowest.

    Args:
        matrix: shape (2^k, 2^k), bit j of the indices for qubit j.
    """
    num_qubits = (len(matrix) - 1).bit_length()
    places, signs = _tables(num_qubits)
    values = matrix.reshape(-1)[places]
    first = 0
    while first < num_qubits:
        count = min(_TOGETHER, num_qubits - first)
        entries = torch.tensor(_ENTRIES, dtype=matrix.dtype)
        table = entries
        for _ in range(count - 1):
            table = torch.kron(table, entries)
        below = 4**first
        values = values.view(-1, 4**count) @ table.T if below == 1 else table @ values.view(-1, 4**count, below)
        values = values.reshape(-1)
        first += count
    return values * signs


@lru_cache(maxsize=2)
def _tables(num_qubits: int) -> tuple[Tensor, Tensor]:
    """Which entry of the matrix each setting of the digits is, and the real part of i to the number of Y."""
    places, count = torch.zeros(1, dtype=torch.int64), torch.zeros(1, dtype=torch.int8)
    for qubit in range(num_qubits):
        row, column = 2 ** (qubit + num_qubits), 2**qubit
        places = torch.cat([places, places + column, places + row, places + row + column])
        count = torch.cat([count, count, count, count + 1])
    signs = torch.tensor([1, 0, -1, 0], dtype=torch.int8)[(count % 4).long()]
    return places, signs
