"""The exact sampler: Aer's statistics, the results of Qiskit's own sampler, and what it refuses."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from qiskit.circuit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.primitives import StatevectorSampler
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, ReadoutError, depolarizing_error

from qaml_qiskit import ExactSampler
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.simulation import use_backend
from tests.tolerances import FALSE_ALARM, SIGMAS
from tests.unit.simulation.exact_cases import agreement, device, parametrised, random_circuit

SHOTS = 4000


@pytest.mark.parametrize("backend", ["auto", "torch"])
@pytest.mark.parametrize("seed", range(3))
def test_counts_are_those_of_aer(seed: int, backend: str) -> None:
    circuit, model = random_circuit(4, seed), device()
    circuit.measure_all()
    with use_backend(backend):
        found = ExactSampler(model, seed=seed).run([circuit], shots=SHOTS).result()[0].data.meas.get_counts()
    simulator = AerSimulator(method="density_matrix", noise_model=model, seed_simulator=seed, max_parallel_threads=1)
    counts = simulator.run(circuit, shots=SHOTS).result().get_counts()
    assert agreement(found, counts) > FALSE_ALARM
    clean = ExactSampler(seed=seed).run([circuit], shots=SHOTS).result()[0].data.meas.get_counts()
    assert agreement(clean, counts) < FALSE_ALARM, "the test would see a difference"


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,)])
def test_results_are_built_as_qiskits_own(shape: tuple[int, ...]) -> None:
    circuit = parametrised()
    values = np.random.default_rng(0).uniform(0, 3, (*shape, 2))
    found = ExactSampler(seed=1).run([(circuit, values)], shots=SHOTS).result()
    wanted = StatevectorSampler(seed=1).run([(circuit, values)], shots=SHOTS).result()
    assert found.metadata == wanted.metadata
    found, wanted = found[0], wanted[0]
    assert found.metadata == wanted.metadata
    assert list(found.data) == list(wanted.data)
    assert found.data.shape == shape
    for name in wanted.data:
        here, there = found.data[name], wanted.data[name]
        assert (here.shape, here.num_bits, here.num_shots) == (there.shape, there.num_bits, there.num_shots)
        assert here.array.dtype == there.array.dtype
        for index in np.ndindex(shape):
            assert agreement(here.get_counts(index), there.get_counts(index)) > FALSE_ALARM
    if shape != (0,):
        assert not np.asarray(found.data.first.array & 0b010).any(), "nothing is measured into the bit between"


def test_registers_that_share_bits_and_those_of_many_bytes() -> None:
    bits = ClassicalRegister(19, "wide")
    circuit = QuantumCircuit(QuantumRegister(2), bits, ClassicalRegister(bits=[bits[17], bits[3]], name="both"))
    circuit.x(1)
    circuit.measure(1, 17)
    circuit.measure(0, 18)
    found, wanted = (
        sampler.run([circuit], shots=5).result()[0].data for sampler in (ExactSampler(seed=0), StatevectorSampler())
    )
    for name in ("wide", "both"):
        assert (found[name].array == wanted[name].array).all()


def test_shots_depend_on_seed_and_place_alone() -> None:
    circuit, values = parametrised(), np.random.default_rng(0).uniform(0, 3, (7, 2))

    def sampled(rows: slice, seed: int = 5, shots: int = 50) -> np.ndarray:
        return ExactSampler(seed=seed).run([(circuit, values[rows])], shots=shots).result()[0].data.first.array

    whole = sampled(slice(None))
    assert (sampled(slice(0, 3)) == whole[:3]).all()
    assert (sampled(slice(None)) == whole).all()
    assert (sampled(slice(None), seed=6) != whole).any()
    twice = ExactSampler(seed=5).run([(circuit, values), (circuit, values)], shots=50).result()
    assert (twice[0].data.first.array == whole).all()
    assert (twice[1].data.first.array != whole).any()
    again = ExactSampler(seed=np.random.default_rng(1))
    first, second = (again.run([(circuit, values)], shots=50).result()[0].data.first.array for _ in range(2))
    assert (first != second).any()


def test_shots_come_in_no_order() -> None:
    circuit = random_circuit(3, 1)
    circuit.measure_all()
    bits = ExactSampler(seed=2).run([circuit], shots=2 * SHOTS).result()[0].data.meas
    halves = [bits.slice_shots(range(start, start + SHOTS)).get_counts() for start in (0, SHOTS)]
    assert agreement(*halves) > FALSE_ALARM


def test_a_circuit_that_changes_is_another_one() -> None:
    circuit, sampler = QuantumCircuit(1), ExactSampler(seed=0)
    circuit.measure_all()
    assert sampler.run([circuit], shots=5).result()[0].data.meas.get_counts() == {"0": 5}
    circuit.data.insert(0, QuantumCircuit(1).compose(flipped()).data[0])
    assert sampler.run([circuit], shots=5).result()[0].data.meas.get_counts() == {"1": 5}
    assert sampler.seeded(7).run([circuit], shots=5).result()[0].data.meas.get_counts() == {"1": 5}


def flipped() -> QuantumCircuit:
    circuit = QuantumCircuit(1)
    circuit.x(0)
    return circuit


def test_components_are_sampled_together() -> None:
    """Sixty qubits in six tiles, correlated within a tile and not between them, measured in another order."""
    circuit = QuantumCircuit(60, 60)
    for tile in range(6):
        circuit.h(10 * tile)
        for qubit in range(10 * tile, 10 * tile + 9):
            circuit.cx(qubit, qubit + 1)
    circuit.measure(range(60), range(59, -1, -1))
    bits = ExactSampler(seed=3).run([circuit], shots=SHOTS).result()[0].data.c
    shots = np.array([[int(bit) for bit in string] for string in bits.get_bitstrings()]).reshape(SHOTS, 6, 10)
    assert (shots == shots[:, :, :1]).all()
    correlations = np.corrcoef(shots[:, :, 0].T)
    assert np.abs(correlations - np.eye(6)).max() < SIGMAS / np.sqrt(SHOTS)


def test_circuits_that_calibrate_a_readout() -> None:
    """No gate of the first is touched by the noise; each qubit of both is a component of its own."""
    model = NoiseModel()
    model.add_all_qubit_quantum_error(depolarizing_error(0.02, 1), ["x"])
    model.add_all_qubit_readout_error(ReadoutError([[0.9, 0.1], [0.3, 0.7]]))
    ones = []
    for excited in (False, True):
        circuit = QuantumCircuit(60)
        if excited:
            circuit.x(range(60))
        circuit.measure_all()
        bits = ExactSampler(model, seed=4).run([circuit], shots=SHOTS).result()[0].data.meas
        ones.append(np.unpackbits(bits.array, axis=-1)[:, -60:].mean(axis=0))
    for found, wanted in zip(ones, (0.1, 0.99 * 0.7 + 0.01 * 0.1), strict=True):
        assert np.abs(found - wanted).max() < SIGMAS * np.sqrt(wanted * (1 - wanted) / SHOTS)


def test_gates_that_nothing_measured_depends_on_cost_nothing() -> None:
    circuit = QuantumCircuit(30, 1)
    circuit.measure(0, 0)
    for qubit in range(1, 29):
        circuit.cx(qubit, qubit + 1)
    assert ExactSampler().run([circuit], shots=3).result()[0].data.c.get_counts() == {"0": 3}


def test_nothing_to_measure() -> None:
    with pytest.warns(UserWarning, match="no output classical registers"):
        empty = ExactSampler().run([flipped()], shots=3).result()[0]
    assert list(empty.data) == []
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    assert ExactSampler().run([circuit]).result()[0].data.c.get_counts() == {"00": ExactSampler().default_shots}


def too_wide(circuit: QuantumCircuit) -> None:
    for qubit in range(circuit.num_qubits - 1):
        circuit.cz(qubit, qubit + 1)
    circuit.measure_all()


def measured_twice(circuit: QuantumCircuit) -> None:
    circuit.measure(0, 0)
    circuit.x(0)


def conditioned(circuit: QuantumCircuit) -> None:
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(1)


def measured_and_reset(circuit: QuantumCircuit) -> None:
    circuit.measure(0, 0)
    circuit.reset(0)


def three_qubits(circuit: QuantumCircuit) -> None:
    circuit.ccx(0, 1, 2)
    circuit.measure(0, 0)


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (too_wide, r"13 qubits.*4\^13 numbers and 1\.\d GiB.*at most 12"),
        (measured_twice, "'x' on qubits .0.*already measured"),
        (conditioned, "'if_else'.*classical bits"),
        (measured_and_reset, "'reset'.*already measured"),
        (three_qubits, "'ccx'.*3 qubits"),
    ],
)
def test_what_cannot_be_followed(build: Callable[[QuantumCircuit], None], said: str) -> None:
    circuit = QuantumCircuit(13, 1)
    build(circuit)
    with pytest.raises(ConfigurationError, match=said):
        ExactSampler().run([circuit]).result()


def test_a_readout_error_of_several_qubits_cannot_be_followed() -> None:
    model = NoiseModel()
    model.add_readout_error(ReadoutError(np.full((4, 4), 0.25)), [0, 1])
    circuit = QuantumCircuit(2)
    circuit.measure_all()
    with pytest.raises(ConfigurationError, match="readout error of several qubits"):
        ExactSampler(model).run([circuit]).result()


def test_values_that_are_no_numbers() -> None:
    with pytest.raises(InputError, match="finite"):
        ExactSampler().run([(parametrised(), [0.0, np.nan])])


@pytest.mark.parametrize("shots", [0, -1, 1.5, "5"])
def test_shots_that_are_none(shots: Any) -> None:
    circuit = QuantumCircuit(1)
    circuit.measure_all()
    for run in (
        lambda: ExactSampler().run([circuit], shots=shots),
        lambda: ExactSampler(default_shots=shots).run([circuit]),
    ):
        with pytest.raises(InputError, match="shots must be"):
            run()


def test_what_is_no_pub_and_no_seed() -> None:
    circuit = QuantumCircuit(1)
    circuit.measure_all()
    for pub in (3, (circuit, [0.1, 0.2])):
        with pytest.raises(InputError, match="list of PUBs"):
            ExactSampler().run([pub])  # type: ignore[list-item]
    for seed in (-1, 1.5):
        with pytest.raises(InputError, match="no seed"):
            ExactSampler(seed=seed).run([circuit])  # type: ignore[arg-type]
