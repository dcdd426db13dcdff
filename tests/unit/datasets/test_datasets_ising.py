"""Ground states of the Ising chain, against another diagonalisation."""

import numpy as np
import pytest
import torch
from qiskit.quantum_info import SparsePauliOp
from scipy.sparse.linalg import eigsh

from qaml_qiskit.datasets import load_dataset
from qaml_qiskit.datasets.ising import ising_ground_states
from qaml_qiskit.errors import ConfigurationError
from tests.tolerances import VALUE

EXACT = VALUE[torch.float64]


def hamiltonian(field: float, spins: int) -> SparsePauliOp:
    bonds = [("ZZ", [i, i + 1], -1.0) for i in range(spins - 1)]
    return SparsePauliOp.from_sparse_list([*bonds, *(("X", [i], -field) for i in range(spins))], num_qubits=spins)


@pytest.mark.parametrize("spins", [2, 4, 5])
@pytest.mark.parametrize("field", [0.05, 0.7, 1.0, 1.3, 2.0])
def test_ground_states_against_qiskit(field: float, spins: int) -> None:
    (found,) = ising_ground_states([field], spins)
    matrix = hamiltonian(field, spins).to_matrix(sparse=True).real
    _, wanted = eigsh(matrix, k=1, which="SA", v0=np.ones(2**spins))
    np.testing.assert_allclose(found, np.abs(wanted[:, 0]), atol=EXACT)
    assert np.linalg.norm(found) == pytest.approx(1)


def test_at_no_field_it_is_the_limit() -> None:
    found, near = ising_ground_states([0.0, 1e-6])
    cat = np.zeros(16)
    cat[[0, 15]] = np.sqrt(0.5)
    np.testing.assert_allclose(found, cat, atol=EXACT)
    np.testing.assert_allclose(near, cat, atol=VALUE[torch.float32])


def test_the_data_set() -> None:
    split = load_dataset("ising")
    assert (len(split.train), len(split.test), split.train.image_shape) == (599, 400, (1, 1, 16))
    assert split.train.class_names == ("ferromagnetic", "paramagnetic")
    images = np.concatenate([split.train.images, split.test.images]).reshape(-1, 16)
    labels = np.concatenate([split.train.labels, split.test.labels])
    np.testing.assert_allclose(np.linalg.norm(images, axis=1), 1, atol=VALUE[torch.float32])
    assert images.min() >= 0
    # Spins that point the same way, in the class with the weaker field.
    aligned = images[:, 0] ** 2 + images[:, 15] ** 2
    assert aligned[labels == 0].min() > aligned[labels == 1].max()
    # As the documentation says of the strongest field.
    strongest = images[aligned.argmin()]
    assert 0.16 < strongest.min() < strongest.max() < 0.36
    assert np.bincount(labels).tolist() == [499, 500]
    assert any("other way round" in note for note in split.notes)


def test_its_states_are_not_reshaped() -> None:
    with pytest.raises(ConfigurationError, match="quantum states"):
        load_dataset("ising", pca=4)
