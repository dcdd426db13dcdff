"""Ground states of the transverse-field Ising chain: quantum data, whose images are states."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qaml_qiskit.datasets.parts import hashed_test_part
from qaml_qiskit.datasets.spec import DatasetSpec, RawPart, RawSplit

_SPINS = 4
#: J_x < 1 and J_x > 1.
_CLASS_NAMES = ("ferromagnetic", "paramagnetic")
_STATES = 999


def ising_ground_states(fields: ArrayLike, spins: int = _SPINS) -> NDArray[np.float64]:
    """Ground states of H = −Σ_{i<N} Z_i Z_{i+1} − J_x Σ_i X_i on an open chain (Huang & Zhang 2023, equation 11).

    The ground state for J_x > 0 is even under the flip of all spins, and so is the one that is given for J_x = 0, where
    there are two: the limit J_x → 0+, (|0…0⟩ + |1…1⟩)/√2. Off the diagonal H is nowhere positive, so all amplitudes
    have one sign.

    Args:
        fields: J_x ≥ 0, shape (K,).
        spins: N, at least 2.

    Returns:
        Amplitudes ≥ 0, shape (K, 2ᴺ); spin 0 is the least significant bit.
    """
    flips = np.array([[0.0, 1.0], [1.0, 0.0]])
    signs = np.array([1.0, -1.0])

    def on(factors: dict[int, NDArray[np.float64]], others: NDArray[np.float64]) -> NDArray[np.floating]:
        product: NDArray[np.floating] = np.ones((1,) * others.ndim)
        for spin in range(spins):
            product = np.kron(factors.get(spin, others), product)
        return product

    bonds = np.diag(sum(on({i: signs, i + 1: signs}, np.ones(2)) for i in range(spins - 1)))
    field = sum(on({i: flips}, np.eye(2)) for i in range(spins))
    # Even states are sums of a basis state and its complement; among them the lowest is unique, at J_x = 0 too.
    half = np.eye(2 ** (spins - 1))
    even = np.concatenate([half, half[::-1]]) / np.sqrt(2)
    hamiltonians = -bonds - np.asarray(fields, dtype=np.float64)[:, None, None] * field
    _, vectors = np.linalg.eigh(even.T @ hamiltonians @ even)
    return np.abs(vectors[:, :, 0] @ even.T)


def read_ising() -> RawSplit:
    """Return the ground states of four spins as images of shape 1×1×16: their amplitudes.

    J_x is 2k/999 for k = 1…999: evenly spaced up to 2, neither 0, where the ground state is degenerate, nor 1, where
    the classes meet. Of each class 40 per cent, chosen by a hash, are the test part.
    """
    fields = 2 * np.arange(1, _STATES + 1) / _STATES
    states = ising_ground_states(fields).astype(np.float32).reshape(-1, 1, 1, 2**_SPINS)
    labels = (fields > 1).astype(np.int64)
    in_test = hashed_test_part(labels, "ising", percent=40)
    return RawSplit(_CLASS_NAMES, *(_part(states, labels, mask) for mask in (~in_test, in_test)))


def _part(states: NDArray[np.float32], labels: NDArray[np.int64], mask: NDArray[np.bool_]) -> RawPart:
    chosen = states[mask]
    return RawPart(labels[mask], lambda positions: chosen[positions])


ISING = DatasetSpec(
    name="ising",
    description="ground states of four spins in a transverse field, 16 amplitudes, two classes, 599 + 400 states "
    "(embedded)",
    homepage="https://en.wikipedia.org/wiki/Transverse-field_Ising_model",
    class_names=_CLASS_NAMES,
    read=read_ising,
    states=True,
    notes=(
        "The images are amplitudes of states: an attack changes them one by one, within [0, 1], and the encoding "
        "normalises them again. Changes of sign and phase are not among its attacks.",
        "The classes are J_x < 1 (ferromagnetic) and J_x > 1 (paramagnetic); Huang & Zhang (2023) name them the other "
        "way round. Four spins have no sharp transition: the classes are parts of one smooth family of states.",
    ),
)
