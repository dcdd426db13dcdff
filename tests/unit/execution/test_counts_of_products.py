"""⟨P_s⟩ of products of Z from counts: by hand, unbiased without readout errors, with errors that repetitions have."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit
from qiskit.primitives.containers import BitArray

from qaml_qiskit.errors import InputError
from qaml_qiskit.evaluation import Products
from qaml_qiskit.execution import Calibration, ReadoutCorrection, build_workload
from qaml_qiskit.execution.readings import counts
from qaml_qiskit.execution.readings.counts import average_covariance, averages
from qaml_qiskit.execution.workload import Workload
from tests.mthree_cases import M3
from tests.tolerances import SIGMAS

P10, P01 = np.array([0.03, 0.06, 0.1, 0.02]), np.array([0.1, 0.2, 0.15, 0.05])
#: Of four qubits: alone, neighbours, three, all.
PRODUCTS = Products(((0,), (2,), (0, 1), (1, 2), (0, 1, 3), (0, 1, 2, 3)), 4)


def record(shots: int = 10**9) -> Calibration:
    return Calibration(
        target="device",
        created="2026-01-01T00:00:00+00:00",
        shots=shots,
        qubits=(5, 6, 7, 8),
        p10=tuple(P10),
        p01=tuple(P01),
    )


def drawn(frequencies: NDArray[np.float64], shots: int, generator: np.random.Generator, images: int = 1) -> BitArray:
    """Shots of entangled qubits, read with errors."""
    numbers = generator.choice(16, p=frequencies, size=(images, shots))
    ones = (numbers[..., None] >> np.arange(4) & 1).astype(bool)
    flips = generator.random(ones.shape) < np.where(ones, P01, P10)
    return BitArray.from_bool_array(ones ^ flips, order="little")


def truth(frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
    signs = 1 - 2 * (np.arange(16)[:, None] >> np.arange(4) & 1)
    return np.array([frequencies @ signs[:, list(string)].prod(axis=1) for string in PRODUCTS.strings])


def test_averages_by_hand() -> None:
    # Two images of four shots, written as Qiskit does: bit 0 is the rightmost.
    shots = [["0000", "0001", "0011", "1011"], ["1111", "1111", "0100", "1000"]]
    bits = BitArray(np.array([[[int(word, 2)] for word in image] for image in shots], dtype=np.uint8), 4)
    found = averages(bits, Products(((0,), (0, 1), (2, 3), (0, 1, 2, 3)), 4))
    assert found.tolist() == [[-0.5, 0.5, 0.5, 0.0], [0.0, 1.0, 0.0, 0.0]]
    spread = average_covariance(bits, Products(((0,), (0, 1)), 4))
    # Of ±1 in four shots: (Σ ab − 4·āb̄)/3/4.
    assert spread[0].ravel() == pytest.approx([(4 - 1) / 12, (0 + 1) / 12, (0 + 1) / 12, (4 - 1) / 12])


def test_more_than_eight_bits_are_counted_alike() -> None:
    ones = np.random.default_rng(0).random((3, 50, 11)) < 0.4
    bits = BitArray.from_bool_array(ones, order="little")
    found = averages(bits, Products(((10,), (0, 9), (1, 7, 8, 10)), 11))
    signs = 1 - 2 * ones.astype(int)
    expected = [signs[..., list(string)].prod(axis=-1).mean(axis=1) for string in ((10,), (0, 9), (1, 7, 8, 10))]
    assert found == pytest.approx(np.stack(expected, axis=1))


@pytest.mark.parametrize("method", ["readout", M3])
def test_products_are_freed_of_readout_errors(method: str) -> None:
    """20,000 shots show all sixteen bitstrings, so that M3 has no bias either."""
    generator = np.random.default_rng(1)
    frequencies, shots = generator.dirichlet(np.ones(16)), 20_000
    bits = drawn(frequencies, shots, generator, images=20)
    found = ReadoutCorrection(record(), method).estimates(bits, (5, 6, 7, 8), PRODUCTS)
    errors = found.standard_errors()
    assert (np.abs(found.values - truth(frequencies)) < SIGMAS * errors).all()
    mean_error = np.sqrt((errors**2).mean(axis=0) / len(errors))
    assert (np.abs(found.values.mean(axis=0) - truth(frequencies)) < SIGMAS * mean_error).all()
    # It is the errors that are inverted: what is read is far off.
    assert (np.abs(averages(bits, PRODUCTS).mean(axis=0) - truth(frequencies)) > 3 * SIGMAS * mean_error).any()


def test_inverting_shot_by_shot_is_unbiased_at_ten_shots() -> None:
    generator = np.random.default_rng(2)
    frequencies = generator.dirichlet(np.full(16, 0.3))
    found = ReadoutCorrection(record(), "readout").by_qubit(
        drawn(frequencies, 10, generator, images=20_000), (5, 6, 7, 8), PRODUCTS
    )
    margin = SIGMAS * found.values.std(axis=0) / np.sqrt(len(found.values))
    assert (np.abs(found.values.mean(axis=0) - truth(frequencies)) < margin).all()


def test_the_covariance_is_that_of_repetitions() -> None:
    """Of the same shots: single qubits and products that share them, before and after mitigation."""
    generator = np.random.default_rng(3)
    frequencies, repetitions = generator.dirichlet(np.full(16, 0.5)), 4000
    bits = drawn(frequencies, 100, generator, images=repetitions)
    found = ReadoutCorrection(record(), "readout").by_qubit(bits, (5, 6, 7, 8), PRODUCTS)
    raw = averages(bits, PRODUCTS), average_covariance(bits, PRODUCTS)
    for values, covariances in (raw, (found.values, found.whole_covariance())):
        scattered, told = np.cov(values.T), covariances.mean(axis=0)
        scale = np.sqrt(np.outer(np.diag(scattered), np.diag(scattered)))
        assert (np.abs(scattered - told) / scale).max() < SIGMAS * np.sqrt(2 / repetitions)


def test_errors_have_the_calibrations_shots() -> None:
    """Each repetition with a calibration of its own: |value − truth| < 1.96 standard errors in 95 % of them."""
    generator, inside, repetitions = np.random.default_rng(4), [], 800
    frequencies = generator.dirichlet(np.full(16, 0.5))
    for _ in range(repetitions):
        p10, p01 = (tuple(generator.binomial(300, p) / 300) for p in (P10, P01))
        calibration = record(300).model_copy(update={"p10": p10, "p01": p01})
        bits = drawn(frequencies, 300, generator)
        found = ReadoutCorrection(calibration, "readout").by_qubit(bits, (5, 6, 7, 8), PRODUCTS)
        inside.append(np.abs(found.values - truth(frequencies))[0] < 1.96 * found.standard_errors()[0])
    share = np.mean(inside, axis=0)
    assert (np.abs(share - 0.95) < SIGMAS * np.sqrt(0.95 * 0.05 / repetitions)).all()


def test_images_are_counted_alike_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(5)
    bits, correction = (
        drawn(generator.dirichlet(np.ones(16)), 30, generator, images=5),
        ReadoutCorrection(record(), "readout"),
    )
    whole, spread = correction.estimates(bits, (5, 6, 7, 8), PRODUCTS), average_covariance(bits, PRODUCTS)
    monkeypatch.setattr(counts, "MOST_OUTCOMES", 2 * 30 * (4 + len(PRODUCTS.strings)))
    pieces = correction.estimates(bits, (5, 6, 7, 8), PRODUCTS)
    assert (pieces.values == whole.values).all()
    assert (pieces.whole_covariance() == whole.whole_covariance()).all()
    assert (average_covariance(bits, PRODUCTS) == spread).all()


def circuit(width: int = 3) -> QuantumCircuit:
    made = QuantumCircuit(width)
    made.h(0)
    for qubit in range(width - 1):
        made.cz(qubit, qubit + 1)
    made.measure_all()
    return made


def test_a_workload_keeps_its_strings_and_old_ones_have_none(tmp_path: Path) -> None:
    values = np.zeros((2, 0))
    made = build_workload(circuit(), values, target="t", shots=5, strings=((0,), (0, 2)))
    made.save(tmp_path)
    assert Workload.load(tmp_path).products == Products(((0,), (0, 2)), 3)
    plain = build_workload(circuit(), values, target="t", shots=5, strings=((0,), (1,), (2,)))
    assert plain.products == Products.of_bits(3)
    assert "strings" not in plain.settings.model_dump(mode="json")


def test_an_estimator_is_asked_for_the_strings() -> None:
    made = build_workload(circuit(), np.zeros((1, 0)), target="t", shots=5, mitigation="trex", strings=((1,), (0, 2)))
    ((_, observables, _),) = made.pubs(made.image_jobs[0], made.circuits(made.image_jobs[0]))
    assert [each.paulis.to_labels() for each in observables] == [["IZI"], ["ZIZ"]]


@pytest.mark.parametrize("strings", [((3,),), ((1, 0),), ((0, 0),), ((),)])
def test_strings_of_other_bits_are_refused(strings: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(InputError, match="products of Z do not fit the circuit"):
        build_workload(circuit(), np.zeros((2, 0)), target="t", shots=5, strings=strings)
