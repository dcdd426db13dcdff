"""Merges rotations and diagonals as they come into walls and diagonals."""

from __future__ import annotations

import cmath
import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from qiskit.circuit import Parameter

from qaml_qiskit.simulation.angles import Angle, Expression
from qaml_qiskit.simulation.program import Program

#: Angles of fixed gates closer than this to a multiple of π are that multiple (they carry rounding of 1e-16).
_SNAP = 1e-12

_Matrix = tuple[complex, complex, complex, complex]  # row-major 2×2
_IDENTITY: _Matrix = (1.0, 0.0, 0.0, 1.0)
_Slot = defaultdict[int, dict[int, Angle]]


class NormalForm:
    """A sink for :data:`~qaml_qiskit.simulation.gates.LOWERINGS` that merges greedily.

    Every operation goes to the earliest wall or diagonal that commutation allows. Fixed one-qubit gates are
    multiplied up and written as RZ·RY·RZ only when something else needs the qubit.

    Args:
        num_qubits: the number of wires.
    """

    def __init__(self, num_qubits: int) -> None:
        self._wire = list(range(num_qubits))
        self._pending: list[_Matrix] = [_IDENTITY] * num_qubits
        self._level = [0] * num_qubits  # the first diagonal that a wire may still write to
        self._blocked = [True] * num_qubits  # whether an RY can no longer join the wire's last wall
        self._residue = [0.0] * num_qubits  # fixed RZ angle behind the wire's last wall
        self._walls: _Slot = defaultdict(dict)
        self._diagonals: _Slot = defaultdict(dict)
        self._cz: set[tuple[int, int, int]] = set()
        self._pairs: dict[tuple[int, int, int], Angle] = {}
        self._phase = Angle()

    def ry(self, qubit: int, angle: Angle) -> None:
        """RY(angle)."""
        if angle.is_constant:
            cos, sin = math.cos(angle.constant / 2), math.sin(angle.constant / 2)
            self.matrix(qubit, (cos, -sin, sin, cos))
        else:
            self._flush(self._wire[qubit])
            self._add_ry(self._wire[qubit], angle)

    def rz(self, qubit: int, angle: Angle) -> None:
        """RZ(angle)."""
        if angle.is_constant:
            self.matrix(qubit, (cmath.exp(-0.5j * angle.constant), 0.0, 0.0, cmath.exp(0.5j * angle.constant)))
        else:
            self._flush(self._wire[qubit])
            self._add_rz(self._wire[qubit], angle)

    def matrix(self, qubit: int, matrix: _Matrix) -> None:
        """A fixed unitary of one qubit, row-major."""
        a, b, c, d = matrix
        e, f, g, h = self._pending[self._wire[qubit]]
        self._pending[self._wire[qubit]] = (a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h)

    def cz(self, first: int, second: int) -> None:
        """CZ."""
        self._cz ^= {self._slot(first, second)}

    def rzz(self, first: int, second: int, angle: Angle) -> None:
        """exp(−i·angle/2·Z·Z)."""
        slot = self._slot(first, second)
        self._pairs[slot] = self._pairs.get(slot, Angle()) + angle

    def swap(self, first: int, second: int) -> None:
        """Exchange two qubits, by relabelling their wires."""
        self._wire[first], self._wire[second] = self._wire[second], self._wire[first]

    def phase(self, angle: Angle) -> None:
        """Multiply everything by exp(i·angle)."""
        self._phase += angle

    def _slot(self, first: int, second: int) -> tuple[int, int, int]:
        """The earliest diagonal for a two-qubit diagonal, as (diagonal, lower wire, higher wire)."""
        low, high = sorted((self._wire[first], self._wire[second]))
        for wire in (low, high):
            self._flush(wire)
        level = max(self._level[low], self._level[high])
        for wire in (low, high):
            self._level[wire] = level
            self._blocked[wire] = True
        return level, low, high

    def _flush(self, wire: int) -> None:
        """Write the pending fixed gate as RZ·RY·RZ and a phase."""
        matrix, self._pending[wire] = self._pending[wire], _IDENTITY
        if matrix == _IDENTITY:
            return
        phase, after, tilt, before = _zyz(matrix)
        self.phase(Angle(phase))
        self._add_rz(wire, Angle(before))
        self._add_ry(wire, Angle(tilt))
        self._add_rz(wire, Angle(after))

    def _add_rz(self, wire: int, angle: Angle) -> None:
        if angle == Angle():
            return
        slot = self._diagonals[self._level[wire]]
        slot[wire] = slot.get(wire, Angle()) + angle
        if angle.is_constant:
            self._residue[wire] += angle.constant
        else:
            self._blocked[wire] = True

    def _add_ry(self, wire: int, angle: Angle) -> None:
        if angle == Angle():
            return
        half_turns = round(self._residue[wire] / math.pi)
        if not self._blocked[wire] and abs(self._residue[wire] - half_turns * math.pi) < _SNAP:
            # Only Z to some power lies between this rotation and the last wall: RY(a)·Z = Z·RY(−a).
            wall = self._walls[self._level[wire] - 1]
            wall[wire] += -angle if half_turns % 2 else angle
            return
        self._walls[self._level[wire]][wire] = angle
        self._level[wire] += 1
        self._blocked[wire] = False
        self._residue[wire] = 0.0

    def program(self, parameters: Sequence[Parameter], expressions: Sequence[Expression]) -> Program:
        """The finished program; the sink must not be used afterwards."""
        for wire in range(len(self._wire)):
            self._flush(wire)
        num_qubits, num_walls = len(self._wire), max(self._level)
        pairs = sorted(self._pairs)
        angles = [
            *(self._walls[wall].get(wire, Angle()) for wall in range(num_walls) for wire in range(num_qubits)),
            *(self._diagonals[slot].get(wire, Angle()) for slot in range(num_walls + 1) for wire in range(num_qubits)),
            *(self._pairs[pair] for pair in pairs),
            self._phase,
        ]
        terms = [(row, column, value) for row, angle in enumerate(angles) for column, value in angle.terms]
        return Program(
            num_qubits=num_qubits,
            parameters=tuple(parameters),
            num_walls=num_walls,
            constants=np.array([angle.constant for angle in angles], dtype=np.float64),
            rows=np.array([term[0] for term in terms], dtype=np.int64),
            columns=np.array([term[1] for term in terms], dtype=np.int64),
            coefficients=np.array([term[2] for term in terms], dtype=np.float64),
            expressions=tuple(expressions),
            cz=np.array(sorted(self._cz), dtype=np.int64).reshape(-1, 3),
            pairs=np.array(pairs, dtype=np.int64).reshape(-1, 3),
            wires=tuple(self._wire),
        )


def _zyz(matrix: _Matrix) -> tuple[float, float, float, float]:
    """Angles (phase, after, tilt, before) with matrix = e^{i·phase}·RZ(after)·RY(tilt)·RZ(before)."""
    a, b, c, d = matrix
    tilt = 2 * math.atan2(math.hypot(abs(b), abs(c)), math.hypot(abs(a), abs(d)))
    if tilt < _SNAP:
        turn = cmath.phase(d / a)
        return cmath.phase(a) + turn / 2, 0.0, 0.0, _snap(turn)
    if math.pi - tilt < _SNAP:
        turn = cmath.phase(-c / b)
        return cmath.phase(c) - turn / 2, _snap(turn), math.pi, 0.0
    total = cmath.phase(d / a)
    phase = cmath.phase(a) + total / 2
    difference = 2 * (cmath.phase(c) - phase)
    return phase, (total + difference) / 2, tilt, (total - difference) / 2


def _snap(angle: float) -> float:
    return 0.0 if abs(angle) < _SNAP else angle
