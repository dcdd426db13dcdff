"""Which 16×16 matrices fall into four 4×4 blocks, and which of those are a permutation and a diagonal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qaml_qiskit.simulation.heisenberg.channels import FloatArray
from qaml_qiskit.simulation.heisenberg.varying import Matrix, pattern

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Blocks:
    """A 16×16 matrix M with M[rows[g], columns[g]] = matrices[g] for g = 0…3 and zeros elsewhere.

    Attributes:
        rows: shape (4, 4), each of 0…15 once; in ascending order if the matrix is monomial.
        columns: shape (4, 4), each of 0…15 once.
        matrices: shape (4, 4, 4); of a matrix that varies, where they can differ from zero.
        is_monomial: at most one entry in each row and column, and so all ``matrices`` are diagonal.
    """

    rows: IntArray
    columns: IntArray
    matrices: FloatArray
    is_monomial: bool


class Structures:
    """Finds the structure of matrices, and remembers it, since circuits repeat a few matrices many times."""

    def __init__(self) -> None:
        self._known: dict[bytes, Blocks | None] = {}

    def blocks(self, matrix: Matrix) -> Blocks | None:
        """The blocks of a 16×16 matrix; None if it is dense."""
        shown = pattern(matrix)
        key = shown.tobytes()
        if key not in self._known:
            self._known[key] = _blocks(shown)
        return self._known[key]

    def cost(self, matrix: Matrix) -> int:
        """Multiply–adds for a coefficient, and three for reading and writing it."""
        blocks = self.blocks(matrix)
        return 3 + (16 if blocks is None else 1 if blocks.is_monomial else 4)


def _blocks(matrix: FloatArray) -> Blocks | None:
    components = _components(matrix != 0)
    if components is None:
        return None
    is_monomial = all(len(rows) == 1 for rows, _ in components)
    groups: list[tuple[list[int], list[int]]] = [([], []) for _ in range(4)]
    order = sorted(components) if is_monomial else sorted(components, key=lambda part: -len(part[0]))
    for rows, columns in order:
        room = next((group for group in groups if len(group[0]) + len(rows) <= 4), None)
        if room is None:
            return None
        room[0].extend(rows)
        room[1].extend(columns)
    all_rows, all_columns = (np.array([group[side] for group in groups]) for side in (0, 1))
    return Blocks(all_rows, all_columns, matrix[all_rows[:, :, None], all_columns[:, None, :]], is_monomial)


def _components(pattern: npt.NDArray[np.bool_]) -> list[tuple[list[int], list[int]]] | None:
    """Rows and columns that entries connect, as many of both in each component; None if that cannot be had.

    Rows and columns without entries fill up components that lack some, and the rest of them are paired.
    """
    reach = pattern.astype(np.int64)
    for _ in range(4):  # paths double in length, so after four rounds every path through 16 rows is found
        reach = ((reach @ reach.T @ reach) > 0).astype(np.int64)
    found: dict[tuple[int, ...], list[int]] = {}
    for index, row in enumerate(reach):
        found.setdefault(tuple(np.flatnonzero(row).tolist()), []).append(index)
    empty_rows, empty_columns = found.pop((), []), np.flatnonzero(~pattern.any(0)).tolist()
    components = [(rows, list(columns)) for columns, rows in found.items()]
    for rows, columns in components:
        for side, spare in ((rows, empty_rows), (columns, empty_columns)):
            missing = max(len(rows), len(columns)) - len(side)
            if missing > len(spare):
                return None
            side.extend(spare.pop() for _ in range(missing))
    return components + [([row], [column]) for row, column in zip(empty_rows, empty_columns, strict=True)]
