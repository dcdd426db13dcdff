"""Sampled Pauli errors of a circuit of rotations and CZ, as changes of its angles.

A Pauli error behind a rotation RZ(c)·RY(b)·RZ(a) is another rotation of the same form, up to a phase:

    Z: (a, b, c + π)      Y: (a, b + π, −c)      X: (a + π, π − b, −c)

so a circuit with sampled Pauli errors is the same circuit at the angles s·θ + d, and costs what the noiseless one
costs, at any depth. Errors behind a CZ are moved back to the rotations in front of it: on the way through a CZ an X
brings a Z onto the other qubit.
"""

from dataclasses import dataclass
from itertools import chain

import torch
from qiskit.circuit import CircuitInstruction, ParameterVectorElement, QuantumCircuit
from torch import Tensor

from qaml_qiskit.circuits import Ansatz
from qaml_qiskit.errors import ConfigurationError

#: Rows: I, X, Z, Y (as 2·z + x). What becomes of (a, b, c): signs, and multiples of π added.
SIGNS = torch.tensor([[1.0, 1, 1], [1, -1, -1], [1, 1, 1], [1, 1, -1]])
SHIFTS = torch.tensor([[0.0, 0, 0], [1, 1, 0], [0, 0, 1], [0, 1, 0]]) * torch.pi

_ROTATION = ("rz", "ry", "rz")


@dataclass(frozen=True)
class PauliErrors:
    """Where errors of an ansatz end up.

    A layer's CZ draw four bits each: X of the first and of the second qubit, Z of the first and of the second, all CZ
    of the layer for each; ``x`` and ``z`` say which of these bits, counted through all layers, flips which rotation.

    Attributes:
        angles: indices of the rotations' angles in ``θ``, shape (R, 3).
        entanglers: how many CZ each layer has.
        x: pairs (bit, rotation) for X errors, shape (2, …).
        z: the same for Z errors.
    """

    angles: Tensor
    entanglers: tuple[int, ...]
    x: Tensor
    z: Tensor

    @classmethod
    def of(cls, ansatz: Ansatz) -> "PauliErrors":
        """Follow the errors of every CZ back to the rotations in front of it.

        Raises:
            ConfigurationError: the ansatz has something else than rotations with angles of their own, and CZ behind
                them.
        """
        trace = _Trace(ansatz)
        entanglers = tuple(trace.follow(part) for part in (*ansatz.layers(), ansatz.end()))
        if sorted(chain.from_iterable(trace.angles)) != list(range(ansatz.num_parameters)):
            raise trace.refusal("angles that are in no rotation, or in several")
        angles, x, z = (torch.tensor(each, dtype=torch.int64) for each in (trace.angles, trace.x, trace.z))
        return cls(angles.reshape(-1, 3), entanglers, x.reshape(-1, 2).T, z.reshape(-1, 2).T)

    def sample(self, strength: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Signs and shifts of all angles, shape (P,) each: one draw of depolarising errors behind every SX and CZ."""
        count = len(self.angles)
        x, z = torch.zeros(count, dtype=torch.bool), torch.zeros(count, dtype=torch.bool)
        for _ in range(2):  # a rotation takes two SX
            hit = torch.rand(count, generator=generator) < strength
            x ^= hit & _coin(count, generator)
            z ^= hit & _coin(count, generator)
        bits = [torch.zeros(0, dtype=torch.bool)]
        for layer in filter(None, self.entanglers):
            hit = torch.rand(layer, generator=generator) < strength
            bits += [hit & _coin(layer, generator) for _ in range(4)]
        drawn = torch.cat(bits)
        pauli = 2 * (z ^ _flips(drawn, self.z, count)).long() + (x ^ _flips(drawn, self.x, count)).long()
        signs, shifts = torch.ones(3 * count), torch.zeros(3 * count)
        signs[self.angles], shifts[self.angles] = SIGNS[pauli], SHIFTS[pauli]
        return signs, shifts


class _Trace:
    """What is known of a circuit up to a gate."""

    def __init__(self, ansatz: Ansatz) -> None:
        self._name, n = ansatz.name, ansatz.num_qubits
        self.angles: list[list[int]] = []
        self.x: list[tuple[int, int]] = []
        self.z: list[tuple[int, int]] = []
        self._bits = 0
        #: Of every qubit: its gates of an unfinished rotation, and its last rotation.
        self._begun: list[list[int]] = [[] for _ in range(n)]
        self._last: list[int | None] = [None] * n
        #: The rotations that an X of the qubit brings a Z to, on its way back to its own last rotation.
        self._reached: list[list[int]] = [[] for _ in range(n)]

    def follow(self, part: QuantumCircuit) -> int:
        """Take up the gates of a layer; gives the number of its CZ."""
        pairs = []
        for gate in part.data:
            qubits = [part.find_bit(qubit).index for qubit in gate.qubits]
            if gate.name == "cz":
                pairs.append(self._couple(*qubits))
            elif gate.name != "barrier":
                self._rotate(gate, qubits[0])
        for place, routes in enumerate(pairs):
            for kind, (to_x, to_z) in enumerate(routes):
                bit = self._bits + kind * len(pairs) + place
                self.x += [(bit, rotation) for rotation in to_x]
                self.z += [(bit, rotation) for rotation in to_z]
        self._bits += 4 * len(pairs)
        return len(pairs)

    def _rotate(self, gate: CircuitInstruction, qubit: int) -> None:
        begun = self._begun[qubit]
        angle = gate.params[0] if gate.params else None
        if gate.name != _ROTATION[len(begun)] or not isinstance(angle, ParameterVectorElement):
            raise self.refusal(f"a gate '{gate.name}' that is no part of a rotation with angles of its own")
        begun.append(angle.index)
        if len(begun) == len(_ROTATION):
            self._last[qubit] = len(self.angles)
            self.angles.append(begun)
            self._begun[qubit], self._reached[qubit] = [], []

    def _couple(self, first: int, second: int) -> list[tuple[list[int], list[int]]]:
        """The rotations that X and Z of the first and the second qubit behind a CZ flip."""
        here, there = self._last[first], self._last[second]
        if here is None or there is None or self._begun[first] or self._begun[second]:
            raise self.refusal("a CZ without a whole rotation in front of it")
        self._reached[first].append(there)
        self._reached[second].append(here)
        return [
            ([here], [*self._reached[first]]),
            ([there], [*self._reached[second]]),
            ([], [here]),
            ([], [there]),
        ]

    def refusal(self, got: str) -> ConfigurationError:
        return ConfigurationError(
            f"cannot sample errors of the gates of the ansatz {self._name}",
            got=got,
            expected="rotations RZ·RY·RZ with angles of their own, and CZ behind them",
            remedy="leave out the noise of gates (--train-noise), or take another ansatz; noise of shots fits all",
        )


def _flips(drawn: Tensor, routes: Tensor, count: int) -> Tensor:
    """Whether an odd number of the drawn bits flip a rotation, shape (count,)."""
    flips = torch.zeros(count, dtype=torch.int64)
    return flips.index_add_(0, routes[1], drawn[routes[0]].long()) % 2 == 1


def _coin(count: int, generator: torch.Generator) -> Tensor:
    return torch.rand(count, generator=generator) < 0.5
