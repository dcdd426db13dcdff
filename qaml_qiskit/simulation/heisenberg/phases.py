"""Gates that are diagonal in the computational basis, as what they are: a CZ and a rotation about ZZ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qaml_qiskit.simulation.heisenberg.channels import ROUNDING, FloatArray, unitary_transfer
from qaml_qiskit.simulation.heisenberg.varying import Matrix, Varying

_CZ = unitary_transfer(np.diag([1.0, 1.0, 1.0, -1.0]).astype(np.complex128))
#: Strings that a rotation about ZZ turns into each other, the first towards the second; as in native/pauli_phases.hpp.
_FROM, _TO = np.array([1, 9, 4, 6]), np.array([11, 3, 14, 12])


@dataclass(frozen=True)
class Phases:
    """A rotation about ZZ, perhaps a CZ, and depolarising noise on both qubits; they commute.

    Attributes:
        scale: of all strings but II.
        has_cz: whether there is a CZ.
        cosine: of the rotation's angle.
        sine: of the rotation's angle, from the first towards the second string of each pair.
    """

    scale: float
    has_cz: bool
    cosine: float
    sine: float

    @property
    def turns(self) -> bool:
        """Whether the rotation is not by nothing."""
        return abs(self.sine) > ROUNDING or self.cosine < 0

    @property
    def only_turns(self) -> bool:
        """Whether there is nothing but the rotation."""
        return not self.has_cz and abs(self.scale - 1) <= ROUNDING

    @property
    def matrix(self) -> FloatArray:
        """Shape (16, 16)."""
        turn = np.eye(16)
        turn[[*_FROM, *_TO], [*_FROM, *_TO]] = self.cosine
        turn[_TO, _FROM], turn[_FROM, _TO] = self.sine, -self.sine
        whole: FloatArray = self.scale * (turn @ _CZ if self.has_cz else turn)
        whole[0, 0] = 1.0
        return whole


class PhasesFinder:
    """Finds them in 16×16 matrices, and remembers what it found, since circuits repeat a few matrices many times."""

    def __init__(self) -> None:
        self._known: dict[bytes, Phases | None] = {}

    def __call__(self, matrix: Matrix) -> Phases | None:
        """What a matrix consists of; None if it is anything else, or varies."""
        if isinstance(matrix, Varying):
            return None
        key = matrix.tobytes()
        if key not in self._known:
            self._known[key] = _phases(matrix)
        return self._known[key]


def _phases(matrix: FloatArray) -> Phases | None:
    scale = float(matrix[2, 2])  # Z of one qubit stays
    if scale <= ROUNDING:
        return None
    for has_cz in (True, False):
        turn = (matrix @ _CZ if has_cz else matrix) / scale
        found = Phases(scale, has_cz, float(turn[1, 1]), float(turn[11, 1]))
        if np.abs(found.matrix - matrix).max() <= ROUNDING:
            return found
    return None
