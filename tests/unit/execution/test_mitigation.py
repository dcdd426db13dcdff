"""Readout correction: unbiased qubit by qubit, refused where a calibration cannot belong to what was read."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from qiskit.primitives.containers import BitArray

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.evaluation import slope
from qaml_qiskit.execution import Calibration, ReadoutCorrection, check_calibration
from qaml_qiskit.execution.readings.calibration import read_calibration
from qaml_qiskit.execution.readings.counts import z_from_bits
from tests.mthree_cases import M3, needs_mthree
from tests.tolerances import SIGMAS, VALUE

QUBITS, P10, P01 = 10, 0.1, 0.25


def record(p10: float = P10, p01: float = P01, shots: int = 1000, **fields: object) -> Calibration:
    qubits = tuple(range(QUBITS))
    return Calibration(
        target="device",
        created="2026-01-01T00:00:00+00:00",
        shots=shots,
        qubits=qubits,
        p10=(p10,) * QUBITS,
        p01=(p01,) * QUBITS,
        **fields,
    )


def read(z: NDArray[np.float64], shots: int, generator: np.random.Generator) -> BitArray:
    """Independent qubits with ⟨Z⟩ as given, shape (N, qubits), read with errors."""
    ones = generator.random((len(z), shots, z.shape[1])) < (1 - z[:, None]) / 2
    flipped = generator.random(ones.shape) < np.where(ones, P01, P10)
    return BitArray.from_bool_array(ones ^ flipped, order="little")


def truth(images: int, generator: np.random.Generator) -> NDArray[np.float64]:
    return generator.uniform(-0.8, 0.8, (images, QUBITS))


@needs_mthree
def test_each_qubit_by_itself_is_unbiased_at_few_shots_and_m3_is_not() -> None:
    """A fifth of the bitstrings that there are is seen: M3 inverts within them and leaves a quarter of the error."""
    generator = np.random.default_rng(0)
    z, shots = truth(60, generator), 200
    bits = read(z, shots, generator)
    margin = SIGMAS / np.sqrt(shots * z.size) / (1 - P10 - P01) / z.std()
    slopes = {}
    for method in ("readout", "m3"):
        found = ReadoutCorrection(record(), method).z_from_bits(bits, range(QUBITS))
        slopes[method] = slope(found, z)
    assert abs(slopes["readout"] - 1) < margin
    assert slopes["m3"] < 1 - 3 * margin


@needs_mthree
def test_both_agree_where_every_bitstring_was_seen() -> None:
    generator = np.random.default_rng(1)
    z = truth(3, generator)[:, :2]
    bits = read(z, 5000, generator)
    first, second = (ReadoutCorrection(record(), method).z_from_bits(bits, (4, 7)) for method in ("readout", "m3"))
    assert np.abs(first - second).max() < VALUE[torch.float32]


def test_the_inverse_by_hand() -> None:
    bits = BitArray.from_bool_array(np.array([[[True, False]] * 3 + [[False, False]]]), order="little")
    raw = z_from_bits(bits)
    assert raw == pytest.approx(np.array([[-0.5, 1.0]]))
    expected = (raw - P01 + P10) / (1 - P10 - P01)
    found = ReadoutCorrection(record(shots=10), "readout").z_from_bits(bits, (0, 1))
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("method", ["readout", M3])
@pytest.mark.parametrize(
    ("p10", "p01", "shots"),
    [(0.0025, 0.97, 4000), (0.6, 0.5, 4000), (0.5, 0.45, 4000), (0.3, 0.4, 10)],
    ids=["twirled", "swapped", "dead", "too few shots to tell"],
)
def test_a_calibration_that_says_nothing_is_refused(method: str, p10: float, p01: float, shots: int) -> None:
    bits = read(np.zeros((1, QUBITS)), 10, np.random.default_rng(0))
    with pytest.raises(ConfigurationError, match=r"qubit 0 cannot be corrected.*readout errors"):
        ReadoutCorrection(record(p10, p01, shots), method).z_from_bits(bits, range(QUBITS))


@pytest.mark.parametrize("method", ["readout", M3])
def test_values_that_no_shot_noise_explains_are_refused(method: str) -> None:
    """What was read well, corrected by the calibration of a readout that says 0 most of the time."""
    bits = read(np.zeros((1, 2)), 4000, np.random.default_rng(0))
    with pytest.raises(ConfigurationError, match=r"does not belong to what qubit 0 read.*up to \d"):
        ReadoutCorrection(record(0.02, 0.8, 4000), method).z_from_bits(bits, (0, 1))


def test_shot_noise_beyond_one_is_accepted() -> None:
    bits = BitArray.from_bool_array(np.ones((1, 20, 2), dtype=bool), order="little")
    found = ReadoutCorrection(record(0.1, 0.3, 20), "readout").z_from_bits(bits, (0, 1))
    assert np.all(found < -1)


def test_a_record_of_other_measurements_is_refused() -> None:
    """Twirled measurements have equal errors, so a record of untwirled ones has another offset."""
    bits = read(np.ones((2, QUBITS)), 10, np.random.default_rng(0))
    kept = read_calibration(bits, target="t", created="2026-01-01T00:00:00+00:00", qubits=range(QUBITS), twirled=True)
    assert kept.twirled
    assert not Calibration.model_validate(record().model_dump(exclude={"twirled"})).twirled
    old = {"target": "device", "measured": [0], "max_age": np.timedelta64(10**5, "D").astype(object)}
    check_calibration(record(twirled=True), twirled=True, **old)
    with pytest.raises(ConfigurationError, match=r"a record of untwirled measurements.*a record of twirled"):
        check_calibration(record(), twirled=True, **old)


def test_a_record_that_cannot_be_inverted_is_refused_before_anything_is_sent() -> None:
    old = {"target": "device", "max_age": np.timedelta64(10**5, "D").astype(object)}
    with pytest.raises(ConfigurationError, match=r"qubit 1 cannot be corrected.*0\.600 and 0\.600.*--calibration"):
        check_calibration(record(0.6, 0.6), measured=[1], **old)
    # With five shots, a contrast of .3 may be of either sign.
    with pytest.raises(ConfigurationError, match="measured with 5 shots"):
        check_calibration(record(0.35, 0.35, shots=5), measured=[1], **old)
    check_calibration(record(0.35, 0.35), measured=[1], **old)
