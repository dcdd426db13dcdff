"""Channels on one or two qubits as real transfer matrices in the Pauli basis.

A Pauli digit is I, X, Z, Y = 0, 1, 2, 3: bit 0 says whether there is an X, bit 1 whether there is a Z. A string on two
qubits has the index 4·(digit of the second) + (digit of the first). A transfer matrix maps expectation values of
strings, ⟨P_i⟩ after = Σ_j R_ij ⟨P_j⟩ before; its transpose maps the coefficients of observables backwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from qaml_qiskit.simulation.heisenberg.varying import Varying

FloatArray = npt.NDArray[np.float64]
ComplexArray = npt.NDArray[np.complex128]

#: Entries of transfer matrices below this are rounding of zero.
ROUNDING = 1e-14

_PAULIS = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[1, 0], [0, -1]], [[0, -1j], [1j, 0]]])
_STRINGS = {
    2: _PAULIS,
    4: np.einsum("aij,bkl->abikjl", _PAULIS, _PAULIS).reshape(16, 4, 4),
}


#: A gate as the device knows it: its name and its qubits, in its own order.
PhysicalGate = tuple[str, tuple[int, ...]]


class Channel(NamedTuple):
    """A channel in a circuit.

    Attributes:
        qubits: the one or two qubits that it acts on, the least significant first.
        transfer: shape (4, 4) or (16, 16); at generic angles where it differs from run to run.
        free: what it is in each run; None where it is the same in all.
        source: of an error, the name of the instruction that it follows (or, of measurements, precedes) and the
            qubits of that instruction; None for what the circuit itself does.
    """

    qubits: tuple[int, ...]
    transfer: FloatArray
    free: Varying | None = None
    source: PhysicalGate | None = None

    def on(self, qubits: Sequence[int]) -> Channel:
        """The same channel with qubit q renamed to ``qubits[q]``; its source keeps its name."""
        return self._replace(qubits=tuple([qubits[q] for q in self.qubits]))


def unitary_transfer(matrix: ComplexArray) -> FloatArray:
    """Transfer matrices (..., d², d²) of unitary matrices (..., d, d) in Qiskit's bit order, d = 2 or 4."""
    size = matrix.shape[-1]
    strings, matrix = _STRINGS[size], matrix[..., None, :, :]
    images = matrix @ strings @ matrix.conj().swapaxes(-1, -2)
    # Tr(P_i·image of P_j)/d, the strings being their own adjoints.
    columns = images.reshape(*images.shape[:-2], size**2).swapaxes(-1, -2)
    return _rounded((strings.conj().reshape(size**2, size**2) @ columns).real / size)


def kraus_transfer(operators: ComplexArray) -> FloatArray:
    """The transfer matrix, shape (d², d²), of the channel Σ K·ρ·K† with operators of shape (r, d, d)."""
    return _rounded(unitary_transfer(operators).sum(0))


def superoperator_transfer(superoperator: ComplexArray) -> FloatArray:
    """The transfer matrix, shape (d², d²), of a superoperator on column-stacked density matrices (Qiskit's SuperOp)."""
    size = round(len(superoperator) ** 0.5)
    columns = _STRINGS[size].transpose(2, 1, 0).reshape(size**2, size**2)
    return _rounded((columns.conj().T @ superoperator @ columns).real / size)


def split(channel: Channel) -> list[Channel]:
    """A two-qubit channel as cheaper ones in time order, where it is a product of local channels and a diagonal one.

    Noise often has this form: depolarising, then relaxation of each qubit. Local channels cost little because they
    merge with the gates beside them.
    """
    matrix = channel.transfer
    if len(channel.qubits) == 1 or _is_diagonal(matrix):
        return [channel]
    digits = matrix.reshape(4, 4, 4, 4)
    low, high = digits[0, :, 0, :], digits[:, 0, :, 0]
    locals_ = [Channel(channel.qubits[:1], low), Channel(channel.qubits[1:], high)]
    product = on_pair(high, low)
    for axis in (0, 1):
        weights = (product**2).sum(axis)
        factors = (product * matrix).sum(axis) / np.where(weights > 0, weights, 1.0)
        scaled = product * (factors if axis == 0 else factors[:, None])
        if np.abs(scaled - matrix).max() <= ROUNDING:
            diagonal = [] if np.abs(factors - 1).max() <= ROUNDING else [Channel(channel.qubits, np.diag(factors))]
            return diagonal + locals_ if axis == 0 else locals_ + diagonal
    return [channel]


def on_pair(high: FloatArray, low: FloatArray) -> FloatArray:
    """The 16×16 matrices of two 4×4 matrices each (Kronecker products, ten times faster than numpy's)."""
    pairs = high[..., :, None, :, None] * low[..., None, :, None, :]
    return pairs.reshape(*pairs.shape[:-4], 16, 16)


def on_sorted(qubits: Sequence[int], matrix: FloatArray) -> tuple[tuple[int, ...], FloatArray]:
    """The same two-qubit matrix with its qubits in ascending order."""
    if len(qubits) == 1 or qubits[0] < qubits[1]:
        return tuple(qubits), matrix
    return (qubits[1], qubits[0]), swapped(matrix)


def swapped(matrix: FloatArray) -> FloatArray:
    """16×16 matrices, shape (..., 16, 16), with their two digits exchanged."""
    digits = matrix.reshape(*matrix.shape[:-2], 4, 4, 4, 4)
    return digits.swapaxes(-4, -3).swapaxes(-2, -1).reshape(matrix.shape)


def _is_diagonal(matrix: FloatArray) -> bool:
    return not (matrix - np.diag(matrix.diagonal())).any()


def _rounded(matrix: FloatArray) -> FloatArray:
    return np.where(np.abs(matrix) <= ROUNDING, 0.0, matrix)
