"""Steps as the kernel's sweeps: 16 rows at a time through small dense blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from functools import partial

import numpy as np

from qaml_qiskit.simulation.heisenberg.channels import ROUNDING, FloatArray, swapped
from qaml_qiskit.simulation.heisenberg.phases import Phases, PhasesFinder
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
    PHASES = 7


class Form(IntEnum):
    """BlockForm of native/pauli.hpp: what is zero in the 4×4 matrices."""

    FULL = 0
    PRESERVING = 1
    UNITAL = 2
    #: Added where a matrix comes behind blocks: each of these is two 2×2 matrices. The rest is of what comes behind.
    PAIRS = 4


class PhasesForm(IntFlag):
    """PhasesForm of native/pauli.hpp: what there is beside the matrix on the lower digit."""

    TURNED = 1
    CONTROLLED = 2
    ON_HIGH = 4
    TURNED_LAST = 8


_NATURAL = np.arange(16)
_IDENTITY = np.eye(4)


@dataclass(frozen=True, eq=False)
class Sweep:
    """QamlSweep of native/pauli.hpp, on digits.

    Attributes:
        kind: what it does.
        form: which entries it may leave out, or a PhasesForm.
        low: the digit that counts single rows in ``source`` and ``target``.
        high: the digit that counts fours of rows.
        source: shape (16,), the rows to read.
        target: shape (16,), the rows to write.
        numbers: shape (23,), (64,), (80,), (96,) or (256,), row-major matrices, which may vary.
    """

    kind: Kind
    form: int
    low: int
    high: int
    source: IntArray
    target: IntArray
    numbers: Matrix


def sweeps(steps: Sequence[Step], structures: Structures) -> Iterator[Sweep]:
    """The sweeps of steps, in order; one for each, or for two on the same pair."""
    phases, index = PhasesFinder(), 0
    while index < len(steps):
        step, behind = steps[index], _turn_behind(steps, index, phases)
        together = _phases(step, behind, phases)
        yield _sweep(step, structures) if together is None else together
        index += 1 if together is None or behind is None else 2


def _turn_behind(steps: Sequence[Step], index: int, phases: PhasesFinder) -> Phases | None:
    """What comes next, if it is a rotation about ZZ on the same pair and nothing else."""
    step, behind = steps[index], steps[index + 1] if index + 1 < len(steps) else None
    if behind is None or (step.low, step.high) != (behind.low, behind.high):
        return None
    found = phases(behind.core)
    is_turn = found is not None and found.only_turns
    return None if not is_turn or _dearness(behind.after_low) or _dearness(behind.after_high) else found


def _phases(step: Step, behind: Phases | None, phases: PhasesFinder) -> Sweep | None:
    """Diagonal gates, and matrices behind them that keep I; None if the step is another."""
    if not _dearness(step.after_low):
        step = _other_way_round(step)
    found = phases(step.core)
    if found is None or not (_keeps_identity(samples(step.after_low)) and _keeps_identity(samples(step.after_high))):
        return None
    form = PhasesForm.TURNED * found.turns | PhasesForm.CONTROLLED * found.has_cz
    form |= PhasesForm.ON_HIGH * (_dearness(step.after_high) > 0) | PhasesForm.TURNED_LAST * (behind is not None)
    last = [1.0, 0.0] if behind is None else [behind.cosine, behind.sine]
    turns = np.array([found.cosine, found.sine, found.scale, *last])
    numbers = combined(partial(_with_turns, turns=turns), step.after_low, step.after_high)
    return Sweep(Kind.PHASES, int(form), step.low, step.high, _NATURAL, _NATURAL, numbers)


def _with_turns(low: FloatArray, high: FloatArray, turns: FloatArray) -> FloatArray:
    """PhasesNumbers of native/pauli.hpp; what scales all strings but II scales the matrix on the lower digit."""
    scale = turns[2]
    low, high = scale * low[..., 1:, 1:], high[..., 1:, 1:]
    low, high = (each.reshape(*each.shape[:-2], 9) for each in (low, high))
    return _joined(turns[:2], low, turns[2:3], high, turns[3:])


def _sweep(step: Step, structures: Structures) -> Sweep:
    blocks = structures.blocks(step.core)
    if blocks is None:
        whole = step.matrix
        form = Form.FULL if _changes_identity(samples(whole)) else Form.PRESERVING
        return Sweep(Kind.DENSE, form, step.low, step.high, _NATURAL, _NATURAL, combined(_flat, whole))
    return _monomial(step) if blocks.is_monomial else _blocks(step, structures)


def _other_way_round(step: Step) -> Step:
    """The same with its digits exchanged."""
    return Step(step.high, step.low, combined(swapped, step.core), step.after_high, step.after_low)


def _blocks(step: Step, structures: Structures) -> Sweep:
    """Blocks, and the local matrices behind them."""
    if _dearness(step.after_high) and not _dearness(step.after_low):
        step = _other_way_round(step)
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
    numbers = combined(_with_behind, matrices, *behind)
    return Sweep(kind, form + Form.PAIRS * are_pairs, step.low, step.high, source, target, numbers)


def _monomial(step: Step) -> Sweep:
    """A permutation, a diagonal and the local matrices behind it.

    The lower digit has a matrix for each value of the higher one: the diagonal is multiplied into these.
    """
    if _dearness(step.after_low) < _dearness(step.after_high):  # what is left over for the higher digit is cheap
        step = _other_way_round(step)
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


def _joined(*parts: FloatArray) -> FloatArray:
    """Numbers one after the other, whatever axes for the runs lie in front of theirs."""
    runs = np.broadcast_shapes(*(each.shape[:-1] for each in parts))
    return np.concatenate([np.broadcast_to(each, (*runs, each.shape[-1])) for each in parts], axis=-1)


def _with_behind(blocks: FloatArray, *behind: FloatArray) -> FloatArray:
    """The numbers of blocks and of the 4×4 matrices behind them."""
    return _joined(blocks, *(each.reshape(*each.shape[:-2], 16) for each in behind))


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


def _keeps_identity(matrices: FloatArray) -> bool:
    """Whether the first rows and columns of 4×4 matrices are those of the identity."""
    is_unital = _form(matrices) == Form.UNITAL
    return is_unital and bool((np.abs(matrices[..., 0, 0] - 1) <= ROUNDING).all())


def _form(*matrices: FloatArray) -> Form:
    if any(each[..., 1:, 0].any() for each in matrices):
        return Form.FULL
    return Form.PRESERVING if any(each[..., 0, 1:].any() for each in matrices) else Form.UNITAL


def _dearness(matrix: Matrix) -> int:
    """0 for the identity, 1 for the identity with more in its first row, 2 for anything else; in any run."""
    difference = np.abs(samples(matrix) - _IDENTITY) > ROUNDING
    return 2 if difference[..., 1:, :].any() or difference[..., 0, 0].any() else int(difference.any())
