"""Merges channels into as few two-digit steps as pays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from qaml_qiskit.simulation.heisenberg.channels import ROUNDING, FloatArray, swapped
from qaml_qiskit.simulation.heisenberg.commuting import Commuting
from qaml_qiskit.simulation.heisenberg.phases import PhasesFinder
from qaml_qiskit.simulation.heisenberg.step import Step
from qaml_qiskit.simulation.heisenberg.structure import Structures
from qaml_qiskit.simulation.heisenberg.varying import Matrix, Varying, combined


@dataclass(frozen=True, eq=False)
class FusedSteps:
    """What happens to a vector of Pauli coefficients.

    Attributes:
        num_digits: the number of digits.
        start: a matrix on each digit, shape (4, 4), that comes first.
        steps: the steps behind them.
    """

    num_digits: int
    start: Sequence[Matrix]
    steps: tuple[Step, ...]


def fuse(operations: Iterable[tuple[tuple[int, ...], Matrix]], num_digits: int, structures: Structures) -> FusedSteps:
    """Merge matrices on one or two digits, given in the order in which they are applied.

    A one-digit matrix joins the step before it, where it costs least. Two-digit matrices on the same pair are
    multiplied up where the product is not dearer than its factors, also past steps that they commute with: a layer's
    diagonal gates and the crosstalk between them become one step a pair. A rotation about ZZ that is not multiplied in
    goes right behind the step on its pair. What is done rests on what does not vary, and on generic angles, so that it
    is right for all angles.
    """
    commuting, phases = Commuting(), PhasesFinder()
    start: list[Matrix] = [np.eye(4)] * num_digits
    steps: list[Step] = []
    last: list[Step | None] = [None] * num_digits
    for digits, matrix in operations:
        if len(digits) == 1:
            _join(last[digits[0]], start, digits[0], matrix)
            continue
        low, high = sorted(digits)
        if low != digits[0]:
            matrix = combined(swapped, matrix)
        before = last[low]
        if before is not None and before is last[high]:
            product = _product(matrix, before.matrix, before, structures)
            if product is not None:
                before.core, before.after_low, before.after_high = product, np.eye(4), np.eye(4)
                continue
        else:
            before, joins = commuting.earlier(steps, low, high, matrix)
            product = _product(matrix, before.core, before, structures) if before is not None and joins else None
            if before is not None and product is not None:
                before.core = product
                continue
        turn = phases(matrix)
        step = Step(low, high, matrix, np.eye(4), np.eye(4))
        _place(step, steps, last, before if turn is not None and turn.only_turns else None)
    _hand_on_diagonals(steps, last)
    return FusedSteps(num_digits, start, tuple(steps))


def _product(matrix: Matrix, part: Matrix, before: Step, structures: Structures) -> Matrix | None:
    """A matrix times a part of the step before it; None where that is dearer than both."""
    product = matrix @ part
    return product if structures.cost(product) <= structures.cost(before.core) + structures.cost(matrix) else None


def _place(step: Step, steps: list[Step], last: list[Step | None], before: Step | None) -> None:
    """Put a step behind all others, or right behind an earlier one on its pair, with which it may share a sweep."""
    position = len(steps)
    while before is not None and steps[position - 1] is not before:
        position -= 1
    steps.insert(position, step)
    for digit in (step.low, step.high):
        if before is None or last[digit] is before:
            last[digit] = step


def _join(step: Step | None, start: list[Matrix], digit: int, matrix: Matrix) -> None:
    if step is None:
        start[digit] = matrix @ start[digit]
    elif digit == step.low:
        step.after_low = matrix @ step.after_low
    else:
        step.after_high = matrix @ step.after_high


def _hand_on_diagonals(steps: list[Step], last: list[Step | None]) -> None:
    """Leave only the shift of a relaxation between two steps; the next step takes its diagonal at no cost.

    Relaxation, dephasing and Pauli channels on one qubit scale X, Z and Y and add to I.
    """
    scales = np.ones((len(last), 4))
    for step in steps:
        scale = np.outer(scales[step.high], scales[step.low]).ravel()
        if (scale != 1).any():
            step.core = step.core * scale
        scales[[step.low, step.high]] = 1.0
        if step is not last[step.low]:
            scales[step.low], step.after_low = _scale_and_rest(step.after_low)
        if step is not last[step.high]:
            scales[step.high], step.after_high = _scale_and_rest(step.after_high)


def _is_relaxation(matrix: FloatArray) -> bool:
    """Whether a 4×4 matrix is diagonal but for its first row, which begins with 1."""
    rest = matrix[1:] - np.diag(matrix.diagonal())[1:]
    return bool(abs(matrix[0, 0] - 1) <= ROUNDING and np.abs(rest).max() <= ROUNDING)


def _scale_and_rest(matrix: Matrix) -> tuple[FloatArray, Matrix]:
    """What is handed on, and what is left: all of a matrix that varies, or is no relaxation."""
    if isinstance(matrix, Varying) or not _is_relaxation(matrix):
        return np.ones(4), matrix
    scale, shift = matrix.diagonal().copy(), np.eye(4)
    scale[0], shift[0] = 1.0, matrix[0]
    return scale, shift
