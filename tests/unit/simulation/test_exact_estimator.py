"""The exact estimator: Aer's values under noise, and the results of Qiskit's own estimator."""

from itertools import product

import numpy as np
import pytest
import torch
from qiskit.circuit import QuantumCircuit
from qiskit.primitives import StatevectorEstimator
from qiskit.quantum_info import SparseObservable, SparsePauliOp, Statevector
from qiskit_aer.primitives import EstimatorV2

from qaml_qiskit import ExactEstimator
from qaml_qiskit.errors import ConfigurationError, InputError
from tests.tolerances import AER, SIGMAS, VALUE
from tests.unit.simulation.exact_cases import device, parametrised, random_circuit

STRINGS = ["".join(letters) for letters in product("IXYZ", repeat=3)]


@pytest.mark.parametrize("seed", range(2))
def test_values_under_noise_are_those_of_aer(seed: int) -> None:
    circuit, model = random_circuit(3, seed), device()
    options = {"backend_options": {"method": "density_matrix", "noise_model": model, "max_parallel_threads": 1}}
    wanted = EstimatorV2(options=options).run([(circuit, STRINGS)], precision=0).result()[0].data
    found = ExactEstimator(model).run([(circuit, STRINGS)]).result()[0].data
    assert np.abs(found.evs - wanted.evs).max() < AER
    assert (found.stds == 0).all()
    single = ExactEstimator(model, dtype=torch.float32).run([(circuit, STRINGS)]).result()[0].data
    assert np.abs(single.evs - wanted.evs).max() < VALUE[torch.float32]


def test_results_are_broadcast_as_qiskits_own() -> None:
    circuit = parametrised().remove_final_measurements(inplace=False)
    values = np.random.default_rng(0).uniform(0, 3, (2, 5, 1, 2))
    sums = [SparsePauliOp(["XIZZ", "YIXX", "IIII"], [1, 2, -0.5]), SparsePauliOp("IXII")]
    found, wanted = (
        estimator.run([(circuit, sums, values)]).result()[0] for estimator in (ExactEstimator(), StatevectorEstimator())
    )
    assert found.data.shape == wanted.data.shape == (2, 5, 2)
    assert np.abs(found.data.evs - wanted.data.evs).max() < VALUE[torch.float64]
    assert found.metadata == wanted.metadata
    measured = ExactEstimator(device()).run([(parametrised(), sums, values)]).result()[0].data.evs
    bare = ExactEstimator(device(readout=False)).run([(circuit, sums, values)]).result()[0].data.evs
    assert (measured == bare).all(), "nothing is measured, and nothing misread"


def test_projectors() -> None:
    circuit = random_circuit(2, 3)
    state = Statevector(circuit)
    for letters in ("0+", "r1", "-l", "XI"):
        observable = SparseObservable(letters)
        wanted = state.expectation_value(SparsePauliOp.from_sparse_observable(observable)).real
        found = ExactEstimator().run([(circuit, observable)]).result()[0].data.evs
        assert abs(found - wanted) < VALUE[torch.float64]


def test_a_precision_is_noise_of_that_size() -> None:
    circuit = QuantumCircuit(1)
    circuit.h(0)
    first, again = (
        ExactEstimator(seed=3, default_precision=0.1).run([(circuit, ["Z"] * 4000)]).result()[0].data for _ in range(2)
    )
    assert (first.evs == again.evs).all()
    assert (first.stds == 0.1).all()
    assert abs(first.evs.std() / 0.1 - 1) < SIGMAS / np.sqrt(2 * 4000)
    assert abs(first.evs.mean()) < SIGMAS * 0.1 / np.sqrt(4000)


def test_a_single_average_with_a_precision_is_an_array_without_axes() -> None:
    (found,) = ExactEstimator(seed=1).run([(QuantumCircuit(1), "Z", [], 0.1)]).result()
    assert found.data.evs.shape == found.data.stds.shape == ()


def test_refusals() -> None:
    circuit = QuantumCircuit(13, 1)
    circuit.h(0)
    circuit.cx(range(12), range(1, 13))
    with pytest.raises(ConfigurationError, match="13 qubits"):
        ExactEstimator().run([(circuit, "Z" * 13)]).result()
    for precision in (-1.0, np.nan, np.inf, "0.1"):
        with pytest.raises(InputError, match="precision"):
            ExactEstimator().run([(QuantumCircuit(1), "Z")], precision=precision)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="list of PUBs"):
        ExactEstimator().run([(QuantumCircuit(1), "ZZ")])
    circuit.measure(0, 0)
    circuit.x(0)
    with pytest.raises(ConfigurationError, match="already measured"):
        ExactEstimator().run([(circuit, "Z" * 13)])
