"""Steps as the kernel's sweeps: 16 rows at a time through small dense blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import partial

import numpy as np

from qaml_qiskit.simulation.heisenberg.channels import ROUNDING, FloatArray, swapped
from qaml_qiskit.simulation.heisenberg.step import Step
from qaml_qiskit.simulation.heisenberg.structure import IntArray, Structures
from qaml_qiskit.simulation.heisenberg.varying import Matrix, combined, pattern, samples


class Kind(IntEnum):
    """SweepKind of native/pauli.hpp."""

    BLOCKS = 0
    ACROSS = 1
    SHIFT = 2
    DENSE = 3
    EXCHANGE = 4
    BLOCKS_LOW = 5
    BLOCKS_BOTH = 6


class Form(IntEnum):
    """BlockForm of native/pauli.hpp: what is zero in the 4×4 matrices."""

    FULL = 0
    PRESERVING = 1
    UNITAL = 2
    #: Added where a matrix comes behind blocks: each of these is two 2×2 matrices. The rest is of what comes behind.
    PAIRS = 4


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
        numbers: shape (64,), (80,), (96,) or (256,), row-major matrices, which may vary.
    """

    kind: Kind
    form: int
    low: int
    high: int
    source: IntArray
    target: IntArray
    numbers: Matrix


def sweeps(step: Step, structures: Structures) -> Iterator[Sweep]:
    """The sweeps of a step, in order."""
    blocks = structures.blocks(step.core)
    if blocks is None:
        whole = step.matrix
        form = Form.FULL if _changes_identity(samples(whole)) else Form.PRESERVING
        yield Sweep(Kind.DENSE, form, step.low, step.high, _NATURAL, _NATURAL, combined(_flat, whole))
    elif blocks.is_monomial:
        yield _monomial(step)
    else:
        yield _blocks(step, structures)


def _blocks(step: Step, structures: Structures) -> Sweep:
    """Blocks, and the local matrices behind them."""
    if _dearness(step.after_high) and not _dearness(step.after_low):
        step = Step(step.high, step.low, combined(swapped, step.core), step.after_high, step.after_low)
    blocks = structures.blocks(step.core)
    assert blocks is not None
    source, target = blocks.columns.ravel(), blocks.rows.ravel()
    matrices = combined(partial(_in_blocks, rows=blocks.rows, columns=blocks.columns), step.core)
    if not _dearness(step.after_low):
        return Sweep(Kind.BLOCKS, _form(blocks.matrices), step.low, step.high, source, target, matrices)
    behind = [step.after_low] if not _dearness(step.after_high) else [step.after_low, step.after_high]
    kind = Kind.BLOCKS_LOW if len(behind) == 1 else Kind.BLOCKS_BOTH
    form = Form.UNITAL if _form(*map(samples, behind)) == Form.UNITAL else Form.FULL
    are_pairs = not (blocks.matrices[:, :2, 2:].any() or blocks.matrices[:, 2:, :2].any())
    numbers = combined(_joined, matrices, *behind)
    return Sweep(kind, form + Form.PAIRS * are_pairs, step.low, step.high, source, target, numbers)


def _monomial(step: Step) -> Sweep:
    """A permutation, a diagonal and the local matrices behind it.

    The lower digit has a matrix for each value of the higher one: the diagonal is multiplied into these.
    """
    if _dearness(step.after_low) < _dearness(step.after_high):  # what is left over for the higher digit is cheap
        step = Step(step.high, step.low, combined(swapped, step.core), step.after_high, step.after_low)
    source = (pattern(step.core) != 0).argmax(1)
    matrices = combined(partial(_times_diagonal, source=source), step.after_low, step.core)
    dearness = _dearness(step.after_high)
    if dearness == 0:
        kind, form, numbers = Kind.BLOCKS, _form(samples(matrices)), combined(_flat, matrices)
    else:
        kind, form = Kind.SHIFT, _form(samples(matrices))
        if dearness == 2:
            kind, form = Kind.ACROSS, _form(samples(matrices), samples(step.after_high))
        numbers = combined(_with_last, matrices, step.after_high)
    return Sweep(kind, form, step.low, step.high, source, _NATURAL, numbers)


def _flat(matrices: FloatArray) -> FloatArray:
    """Row-major numbers of 16×16 matrices, or of four 4×4 matrices each."""
    return matrices.reshape(*matrices.shape[: -2 if matrices.shape[-1] == 16 else -3], -1)


def _joined(blocks: FloatArray, *behind: FloatArray) -> FloatArray:
    """The numbers of blocks and of the 4×4 matrices behind them, one after the other."""
    parts = [blocks, *(each.reshape(*each.shape[:-2], 16) for each in behind)]
    runs = np.broadcast_shapes(*(each.shape[:-1] for each in parts))
    return np.concatenate([np.broadcast_to(each, (*runs, each.shape[-1])) for each in parts], axis=-1)


def _in_blocks(matrix: FloatArray, rows: IntArray, columns: IntArray) -> FloatArray:
    return _flat(matrix[..., rows[:, :, None], columns[:, None, :]])


def _times_diagonal(after: FloatArray, core: FloatArray, source: IntArray) -> FloatArray:
    """The matrix behind the permutation, times a part of the diagonal for each value of the other digit."""
    diagonal = core[..., _NATURAL, source]
    return after[..., None, :, :] * diagonal.reshape(*diagonal.shape[:-1], 4, 1, 4)


def _with_last(matrices: FloatArray, last: FloatArray) -> FloatArray:
    """Four matrices and the one across them, row-major."""
    runs = np.broadcast_shapes(matrices.shape[:-3], last.shape[:-2])
    first, last = np.broadcast_to(matrices, (*runs, 4, 4, 4)), np.broadcast_to(last, (*runs, 4, 4))
    return np.concatenate([first.reshape(*runs, 64), last.reshape(*runs, 16)], axis=-1)


def _changes_identity(matrices: FloatArray) -> bool:
    """Whether the first column of one is not that of the identity."""
    difference = np.abs(matrices[..., :, 0] - np.eye(16)[0])
    return bool((difference > ROUNDING).any())


def _form(*matrices: FloatArray) -> Form:
    if any(each[..., 1:, 0].any() for each in matrices):
        return Form.FULL
    return Form.PRESERVING if any(each[..., 0, 1:].any() for each in matrices) else Form.UNITAL


def _dearness(matrix: Matrix) -> int:
    """0 for the identity, 1 for the identity with more in its first row, 2 for anything else; in any run."""
    difference = np.abs(samples(matrix) - _IDENTITY) > ROUNDING
    return 2 if difference[..., 1:, :].any() or difference[..., 0, 0].any() else int(difference.any())
