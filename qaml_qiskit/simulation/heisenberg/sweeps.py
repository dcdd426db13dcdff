"""Steps as the kernel's sweeps: 16 rows at a time through small dense blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from qaml_qiskit.simulation.heisenberg.channels import ROUNDING, FloatArray, swapped
from qaml_qiskit.simulation.heisenberg.fusion import Step
from qaml_qiskit.simulation.heisenberg.structure import IntArray, Structures


class Kind(IntEnum):
    """SweepKind of native/pauli.hpp."""

    BLOCKS = 0
    ACROSS = 1
    SHIFT = 2
    DENSE = 3
    EXCHANGE = 4


class Form(IntEnum):
    """BlockForm of native/pauli.hpp: what is zero in the 4×4 matrices."""

    FULL = 0
    PRESERVING = 1
    UNITAL = 2


_NATURAL = np.arange(16)
_IDENTITY = np.eye(4)


@dataclass(frozen=True, eq=False)
class Sweep:
    """QamlSweep of native/pauli.hpp, on digits.

    Attributes:
        kind: what it does.
        form: which entries it may leave out.
        low: the digit that counts single rows in ``source`` and ``target``.
        high: the digit that counts fours of rows.
        source: shape (16,), the rows to read.
        target: shape (16,), the rows to write.
        numbers: shape (64,), (80,) or (256,), row-major matrices.
    """

    kind: Kind
    form: Form
    low: int
    high: int
    source: IntArray
    target: IntArray
    numbers: FloatArray


def sweeps(step: Step, structures: Structures) -> Iterator[Sweep]:
    """The sweeps of a step, in order."""
    blocks = structures.blocks(step.core)
    if blocks is None:
        yield Sweep(Kind.DENSE, Form.FULL, step.low, step.high, _NATURAL, _NATURAL, step.matrix.ravel())
    elif blocks.is_monomial:
        yield _monomial(step)
    else:
        source, target = blocks.columns.ravel(), blocks.rows.ravel()
        form, numbers = _form(blocks.matrices), blocks.matrices.ravel()
        yield Sweep(Kind.BLOCKS, form, step.low, step.high, source, target, numbers)
        if _dearness(step.after_low) or _dearness(step.after_high):
            yield _monomial(replace(step, core=np.eye(16)))


def _monomial(step: Step) -> Sweep:
    """A permutation, a diagonal and the local matrices behind it.

    The lower digit has a matrix for each value of the higher one: the diagonal is multiplied into these.
    """
    if _dearness(step.after_low) < _dearness(step.after_high):  # what is left over for the higher digit is cheap
        step = Step(step.high, step.low, swapped(step.core), step.after_high, step.after_low)
    source = (step.core != 0).argmax(1)
    diagonal = step.core[_NATURAL, source].reshape(4, 1, 4)
    matrices, dearness = step.after_low * diagonal, _dearness(step.after_high)
    numbers = np.concatenate([matrices, step.after_high[None]])
    if dearness == 0:
        kind, form, numbers = Kind.BLOCKS, _form(matrices), matrices
    elif dearness == 1:
        kind, form = Kind.SHIFT, _form(matrices)
    else:
        kind, form = Kind.ACROSS, _form(numbers)
    return Sweep(kind, form, step.low, step.high, source, _NATURAL, numbers.ravel())


def _form(matrices: FloatArray) -> Form:
    if matrices[:, 1:, 0].any():
        return Form.FULL
    return Form.PRESERVING if matrices[:, 0, 1:].any() else Form.UNITAL


def _dearness(matrix: FloatArray) -> int:
    """0 for the identity, 1 for the identity with more in its first row, 2 for anything else."""
    difference = np.abs(matrix - _IDENTITY) > ROUNDING
    return 2 if difference[1:].any() or difference[0, 0] else int(difference.any())
