"""How gates become RY rotations and diagonals: one table, one short entry a gate.

Every entry states its identity as a product of matrices (rightmost applied first); the calls are in time order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import pi
from types import MappingProxyType
from typing import Protocol

from qiskit.circuit import Gate
from qiskit.circuit.library import (
    CHGate,
    CPhaseGate,
    CRXGate,
    CRYGate,
    CRZGate,
    CU1Gate,
    CXGate,
    CYGate,
    CZGate,
    PhaseGate,
    RGate,
    RXGate,
    RXXGate,
    RYGate,
    RYYGate,
    RZGate,
    RZXGate,
    RZZGate,
    SwapGate,
    U1Gate,
    U2Gate,
    U3Gate,
    UGate,
    iSwapGate,
)

from qaml_qiskit.simulation.angles import Angle


class Sink(Protocol):
    """What the normal form is written to; qubits are those of the circuit."""

    def ry(self, qubit: int, angle: Angle) -> None:
        """RY(angle)."""

    def rz(self, qubit: int, angle: Angle) -> None:
        """RZ(angle)."""

    def cz(self, first: int, second: int) -> None:
        """CZ."""

    def rzz(self, first: int, second: int, angle: Angle) -> None:
        """exp(−i·angle/2·Z·Z)."""

    def swap(self, first: int, second: int) -> None:
        """Exchange two qubits."""

    def phase(self, angle: Angle) -> None:
        """Multiply everything by exp(i·angle)."""


Lowering = Callable[[Sink, Sequence[Angle], Sequence[int]], None]


def _rx(sink: Sink, angles: Sequence[Angle], qubits: Sequence[int]) -> None:
    """RX(θ) = RZ(−π/2)·RY(θ)·RZ(π/2)."""
    sink.rz(qubits[0], Angle(pi / 2))
    sink.ry(qubits[0], angles[0])
    sink.rz(qubits[0], Angle(-pi / 2))


def _u(sink: Sink, angles: Sequence[Angle], qubits: Sequence[int]) -> None:
    """U(θ, φ, λ) = e^{i(φ+λ)/2}·RZ(φ)·RY(θ)·RZ(λ)."""
    theta, phi, lam = angles
    sink.rz(qubits[0], lam)
    sink.ry(qubits[0], theta)
    sink.rz(qubits[0], phi)
    sink.phase((phi + lam) * 0.5)


def _u2(sink: Sink, angles: Sequence[Angle], qubits: Sequence[int]) -> None:
    """U2(φ, λ) = U(π/2, φ, λ)."""
    _u(sink, (Angle(pi / 2), *angles), qubits)


def _r(sink: Sink, angles: Sequence[Angle], qubits: Sequence[int]) -> None:
    """R(θ, φ) = RZ(φ − π/2)·RY(θ)·RZ(π/2 − φ)."""
    theta, phi = angles
    sink.rz(qubits[0], -phi + pi / 2)
    sink.ry(qubits[0], theta)
    sink.rz(qubits[0], phi + -pi / 2)


def _p(sink: Sink, angles: Sequence[Angle], qubits: Sequence[int]) -> None:
    """P(λ) = e^{iλ/2}·RZ(λ)."""
    sink.rz(qubits[0], angles[0])
    sink.phase(angles[0] * 0.5)


def _tilted_cz(sink: Sink, qubits: Sequence[int], tilt: float) -> None:
    """RY(tilt)·CZ·RY(−tilt) on the second qubit: CX at π/2, CH at π/4."""
    control, target = qubits
    sink.ry(target, Angle(-tilt))
    sink.cz(control, target)
    sink.ry(target, Angle(tilt))


def _cy(sink: Sink, angles: Sequence[Angle], qubits: Sequence[int]) -> None:
    """CY = S·CX·S† on the target; the phases of S cancel."""
    sink.rz(qubits[1], Angle(-pi / 2))
    _tilted_cz(sink, qubits, pi / 2)
    sink.rz(qubits[1], Angle(pi / 2))


def _cp(sink: Sink, angles: Sequence[Angle], qubits: Sequence[int]) -> None:
    """CP(λ) = e^{iλ/4}·RZ(λ/2)⊗RZ(λ/2)·RZZ(−λ/2)."""
    for qubit in qubits:
        sink.rz(qubit, angles[0] * 0.5)
    sink.rzz(qubits[0], qubits[1], angles[0] * -0.5)
    sink.phase(angles[0] * 0.25)


def _crz(sink: Sink, angles: Sequence[Angle], qubits: Sequence[int]) -> None:
    """CRZ(θ) = RZ(θ/2) on the target · RZZ(−θ/2)."""
    sink.rz(qubits[1], angles[0] * 0.5)
    sink.rzz(qubits[0], qubits[1], angles[0] * -0.5)


def _crx(sink: Sink, angles: Sequence[Angle], qubits: Sequence[int]) -> None:
    """CRX(θ) = RY(π/2)·CRZ(θ)·RY(−π/2) on the target."""
    sink.ry(qubits[1], Angle(-pi / 2))
    _crz(sink, angles, qubits)
    sink.ry(qubits[1], Angle(pi / 2))


def _cry(sink: Sink, angles: Sequence[Angle], qubits: Sequence[int]) -> None:
    """CRY(θ) = RY(θ/2)·CZ·RY(−θ/2)·CZ on the target."""
    sink.cz(qubits[0], qubits[1])
    sink.ry(qubits[1], angles[0] * -0.5)
    sink.cz(qubits[0], qubits[1])
    sink.ry(qubits[1], angles[0] * 0.5)


def _rxx(sink: Sink, angles: Sequence[Angle], qubits: Sequence[int]) -> None:
    """RXX(θ) = RY(π/2)⊗RY(π/2)·RZZ(θ)·RY(−π/2)⊗RY(−π/2)."""
    for qubit in qubits:
        sink.ry(qubit, Angle(-pi / 2))
    sink.rzz(qubits[0], qubits[1], angles[0])
    for qubit in qubits:
        sink.ry(qubit, Angle(pi / 2))


def _ryy(sink: Sink, angles: Sequence[Angle], qubits: Sequence[int]) -> None:
    """RYY(θ) = S⊗S·RXX(θ)·S†⊗S†; the phases of S cancel."""
    for qubit in qubits:
        sink.rz(qubit, Angle(-pi / 2))
    _rxx(sink, angles, qubits)
    for qubit in qubits:
        sink.rz(qubit, Angle(pi / 2))


def _rzx(sink: Sink, angles: Sequence[Angle], qubits: Sequence[int]) -> None:
    """RZX(θ) = RY(π/2)·RZZ(θ)·RY(−π/2) on the second qubit."""
    sink.ry(qubits[1], Angle(-pi / 2))
    sink.rzz(qubits[0], qubits[1], angles[0])
    sink.ry(qubits[1], Angle(pi / 2))


def _iswap(sink: Sink, angles: Sequence[Angle], qubits: Sequence[int]) -> None:
    """ISWAP = SWAP·diag(1, i, i, 1) and diag(1, i, i, 1) = e^{iπ/4}·RZZ(π/2)."""
    sink.rzz(qubits[0], qubits[1], Angle(pi / 2))
    sink.phase(Angle(pi / 4))
    sink.swap(qubits[0], qubits[1])


#: Gates that the compiler lowers itself. Every other gate is replaced by its definition, fixed one-qubit gates by
#: their matrix.
LOWERINGS: Mapping[type[Gate], Lowering] = MappingProxyType(
    {
        RXGate: _rx,
        RYGate: lambda sink, angles, qubits: sink.ry(qubits[0], angles[0]),
        RZGate: lambda sink, angles, qubits: sink.rz(qubits[0], angles[0]),
        RGate: _r,
        PhaseGate: _p,
        U1Gate: _p,
        U2Gate: _u2,
        U3Gate: _u,
        UGate: _u,
        CXGate: lambda sink, angles, qubits: _tilted_cz(sink, qubits, pi / 2),
        CHGate: lambda sink, angles, qubits: _tilted_cz(sink, qubits, pi / 4),
        CYGate: _cy,
        CZGate: lambda sink, angles, qubits: sink.cz(qubits[0], qubits[1]),
        CPhaseGate: _cp,
        CU1Gate: _cp,
        CRXGate: _crx,
        CRYGate: _cry,
        CRZGate: _crz,
        RXXGate: _rxx,
        RYYGate: _ryy,
        RZXGate: _rzx,
        RZZGate: lambda sink, angles, qubits: sink.rzz(qubits[0], qubits[1], angles[0]),
        SwapGate: lambda sink, angles, qubits: sink.swap(qubits[0], qubits[1]),
        iSwapGate: _iswap,
    }
)
