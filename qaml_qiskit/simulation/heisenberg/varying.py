"""Matrices that differ from run to run, and arithmetic with them that is done later, for many runs at once.

A circuit with free angles is prepared once, so its products of matrices are written down once as well: what varies is a
node that knows what it is computed from. Which of its entries can differ from zero, on which all structure rests, is
seen at a few settings of generic angles, at which nothing vanishes that does not vanish for all angles.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

#: A matrix that is the same in every run, or one that varies.
Matrix: TypeAlias = "FloatArray | Varying"


class Varying:
    """An array for each run.

    Args:
        samples: its values at generic angles, shape (G, …).
        function: makes it of its parts, whatever axes for the runs lie in front of theirs; None for what is given.
        parts: arrays of all runs alike, and what varies.
    """

    #: numpy leaves arithmetic with it to this class.
    __array_ufunc__ = None

    def __init__(
        self, samples: FloatArray, function: Callable[..., FloatArray] | None = None, parts: Sequence[Matrix] = ()
    ) -> None:
        self.samples, self.function, self.parts = samples, function, tuple(parts)

    def __matmul__(self, other: Matrix) -> Varying:
        return Varying(self.samples @ samples(other), np.matmul, (self, other))

    def __rmatmul__(self, other: FloatArray) -> Varying:
        right: Matrix = self
        if self.function is np.matmul and isinstance(self.parts[0], np.ndarray):
            # Matrices that are the same in every run are multiplied once.
            other, right = other @ self.parts[0], self.parts[1]
        return Varying(other @ samples(right), np.matmul, (other, right))

    def __mul__(self, other: FloatArray) -> Varying:
        return Varying(self.samples * other, np.multiply, (self, other))


def samples(matrix: Matrix) -> FloatArray:
    """An array itself, or what varies at generic angles, along an axis in front."""
    return matrix.samples if isinstance(matrix, Varying) else matrix


def pattern(matrix: Matrix) -> FloatArray:
    """An array that vanishes where the matrix does in every run; the array itself where nothing varies."""
    return np.abs(matrix.samples).max(0) if isinstance(matrix, Varying) else matrix


def combined(function: Callable[..., FloatArray], *parts: Matrix) -> Any:
    """A function of arrays, at once where none varies.

    Args:
        function: takes its arrays with any axes in front of their own, and broadcasts these.
        parts: its arguments.
    """
    if not any(isinstance(part, Varying) for part in parts):
        return function(*parts)
    return Varying(function(*map(samples, parts)), function, parts)


class Evaluation:
    """Computes what varies, in an order in which every part is there when it is needed.

    Args:
        wanted: what is computed.
    """

    def __init__(self, wanted: Sequence[Varying]) -> None:
        self._wanted = tuple(wanted)
        self._order: list[Varying] = []
        #: What must be given.
        self.leaves: list[Varying] = []
        seen: set[Varying] = set()
        waiting: list[tuple[Varying, bool]] = [(each, False) for each in reversed(self._wanted)]
        while waiting:
            each, is_ready = waiting.pop()
            if is_ready:
                self._order.append(each)
            elif each not in seen:
                seen.add(each)
                if each.function is None:
                    self.leaves.append(each)
                else:
                    waiting.append((each, True))
                    waiting += [(part, False) for part in each.parts if isinstance(part, Varying)]

    @property
    def size(self) -> int:
        """Numbers that are computed for each run."""
        return sum(each.samples[0].size for each in (*self.leaves, *self._order))

    def __call__(self, leaves: Mapping[Varying, FloatArray]) -> list[FloatArray]:
        """Values in B runs of what is wanted, each of shape (B, …), from those of the leaves."""
        known = dict(leaves)
        for each in self._order:
            assert each.function is not None
            known[each] = each.function(*[known[part] if isinstance(part, Varying) else part for part in each.parts])
        return [known[each] for each in self._wanted]
