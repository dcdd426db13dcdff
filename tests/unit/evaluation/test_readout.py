"""The map of readout errors: against bits that are flipped, against Aer, and back."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.circuit import QuantumCircuit
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, ReadoutError

from qaml_qiskit.evaluation import ReadoutMap
from qaml_qiskit.simulation.heisenberg import readout_map
from tests.tolerances import SIGMAS, VALUE

EXACT = VALUE[torch.float64]
PROBABILITIES = st.lists(st.floats(0, 0.45), min_size=3, max_size=3).map(np.array)
EXPECTATIONS = st.lists(st.floats(-1, 1), min_size=3, max_size=3).map(np.array)


@given(PROBABILITIES, PROBABILITIES, EXPECTATIONS)
@settings(deadline=None)
def test_what_is_read_follows_from_the_flips_and_is_inverted(p10: np.ndarray, p01: np.ndarray, z: np.ndarray) -> None:
    """A qubit is 1 with probability (1 − ⟨Z⟩)/2, and read as 1 if that is not flipped, or if it was 0 and is."""
    readout = ReadoutMap(p10, p01)
    one = (1 - z) / 2
    read_as_one = one * (1 - p01) + (1 - one) * p10
    assert readout.read(z) == pytest.approx(1 - 2 * read_as_one, abs=EXACT)
    assert readout.inverted(readout.read(z)) == pytest.approx(z, abs=EXACT)
    again = ReadoutMap.affine(readout.contrast, readout.offset)
    assert np.concatenate([again.p10, again.p01]) == pytest.approx(np.concatenate([p10, p01]), abs=EXACT)


def test_aer_reads_the_same() -> None:
    model, shots, angles = NoiseModel(), 20_000, (0.7, 2.1)
    model.add_readout_error(ReadoutError([[0.9, 0.1], [0.25, 0.75]]), [0])
    circuit = QuantumCircuit(2)
    for qubit, angle in enumerate(angles):
        circuit.ry(angle, qubit)
    circuit.measure_all()
    counts = AerSimulator(noise_model=model, seed_simulator=1).run(circuit, shots=shots).result().get_counts()
    found = [sum(n * (1 - 2 * int(bits[-1 - k])) for bits, n in counts.items()) / shots for k in range(2)]
    readout = readout_map(model, (0, 1))
    assert (readout.p10, readout.p01) == (pytest.approx([0.1, 0]), pytest.approx([0.25, 0]))
    assert found == pytest.approx(readout.read(np.cos(angles)), abs=SIGMAS / np.sqrt(shots))


def test_tensors_are_read_as_arrays_are() -> None:
    p10, p01, z = np.array([0.1, 0.0]), np.array([0.3, 0.2]), np.array([[0.5, -1.0], [0.0, 0.25]])
    tensors = ReadoutMap(torch.from_numpy(p10), torch.from_numpy(p01))
    assert (tensors.read(torch.from_numpy(z)).numpy() == ReadoutMap(p10, p01).read(z)).all()
    assert (tensors.inverted(torch.from_numpy(z)).numpy() == ReadoutMap(p10, p01).inverted(z)).all()
    assert tensors.document() == {"p10": [0.1, 0.0], "p01": [0.3, 0.2]}


def test_a_perfect_readout_changes_nothing() -> None:
    z = np.linspace(-1, 1, 7)[:, None]
    perfect = readout_map(None, (0,))
    assert perfect.is_perfect
    assert (perfect.read(z) == z).all()
    assert (perfect.inverted(z) == z).all()
    assert not ReadoutMap(np.zeros(2), np.array([0.0, 0.1])).is_perfect


def test_errors_are_as_sure_as_their_calibration() -> None:
    known = ReadoutMap(np.array([0.1]), np.array([0.2]))
    assert known.contrast_error == 0
    measured = known.calibrated(100)
    assert measured.variances() == (pytest.approx([0.1 * 0.9 / 100]), pytest.approx([0.2 * 0.8 / 100]))
    assert measured.contrast_error == pytest.approx(np.sqrt(0.25 / 100))
