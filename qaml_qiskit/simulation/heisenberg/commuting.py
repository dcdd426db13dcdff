"""Which matrices on two digits may change places, so that two on the same pair meet that others lie between."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qaml_qiskit.simulation.heisenberg.channels import ROUNDING, FloatArray, on_pair
from qaml_qiskit.simulation.heisenberg.step import Step
from qaml_qiskit.simulation.heisenberg.varying import Matrix, Varying

#: How many steps back a partner is looked for: those of a layer, on a line of many qubits.
_HORIZON = 64
_IDENTITY = np.eye(4)


class Commuting:
    """Finds an earlier step that a matrix may join, and remembers which matrices commute: circuits repeat a few."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, bytes, bool, bool], bool] = {}

    def earlier(self, steps: Sequence[Step], low: int, high: int, matrix: Matrix) -> tuple[Step | None, bool]:
        """Where a matrix may go.

        Returns:
            The last step on this pair, if the matrix commutes with all steps behind it, else None; and whether it also
            commutes with what lies behind that step's core.
        """
        if isinstance(matrix, Varying):
            return None, False
        for step in reversed(steps[-_HORIZON:]):
            shared = {low, high} & {step.low, step.high}
            if not shared:
                continue
            passes = all(self._with_local(matrix, digit == high, _after(step, digit)) for digit in shared)
            if len(shared) == 2:
                return step, passes and not isinstance(step.core, Varying)
            (digit,) = shared
            if not passes or not self._with_core(matrix, digit == high, step, digit):
                return None, False
        return None, False

    def _with_local(self, matrix: FloatArray, is_high: bool, local: Matrix) -> bool:
        """Whether a matrix on a pair commutes with one on a digit of it."""
        if isinstance(local, Varying):
            return False
        if np.array_equal(local, _IDENTITY):
            return True
        wide = on_pair(local, _IDENTITY) if is_high else on_pair(_IDENTITY, local)
        return bool(np.abs(matrix @ wide - wide @ matrix).max() <= ROUNDING)

    def _with_core(self, matrix: FloatArray, is_high: bool, step: Step, digit: int) -> bool:
        """Whether a matrix on a pair commutes with the core of a step that shares one digit of it."""
        if isinstance(step.core, Varying):
            return False
        key = matrix.tobytes(), step.core.tobytes(), is_high, digit == step.high
        if key not in self._known:
            one = _by_digit(matrix, shared_is_high=is_high)
            other = _by_digit(step.core, shared_is_high=digit == step.high)
            # Own digits a, c of the one and b, d of the other; the shared one is s behind both, u in front of both.
            one_last = np.einsum("asct,btdu->abscdu", one, other)
            one_first = np.einsum("bsdt,atcu->abscdu", other, one)
            self._known[key] = bool(np.abs(one_last - one_first).max() <= ROUNDING)
        return self._known[key]


def _after(step: Step, digit: int) -> Matrix:
    return step.after_low if digit == step.low else step.after_high


def _by_digit(matrix: FloatArray, *, shared_is_high: bool) -> FloatArray:
    """Shape (own digit, shared digit, own digit, shared digit): what comes out, what goes in."""
    digits = matrix.reshape(4, 4, 4, 4)
    return digits.transpose(1, 0, 3, 2) if shared_is_high else digits
