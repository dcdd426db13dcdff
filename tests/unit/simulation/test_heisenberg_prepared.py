"""Circuits that are prepared once for many rows of values, whole and cut, against Aer."""

import pickle
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from math import pi
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import Gate, Parameter, ParameterVector
from qiskit.quantum_info import DensityMatrix, SparsePauliOp
from qiskit_aer.noise import NoiseModel, ReadoutError, depolarizing_error
from qiskit_ibm_runtime.fake_provider import FakeManilaV2

from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.noise import NoiseSpec
from qaml_qiskit.simulation import use_backend
from qaml_qiskit.simulation.heisenberg import PreparedCircuit, gate_sensitivities, noisy_expectations
from qaml_qiskit.simulation.heisenberg.free import FreeGates
from qaml_qiskit.simulation.heisenberg.lowering import lower
from qaml_qiskit.simulation.heisenberg.memory import cut_memory_needed, memory_needed
from qaml_qiskit.simulation.heisenberg.noise import NoiseTable
from qaml_qiskit.simulation.heisenberg.propagation import cut, light_cone
from tests.tolerances import AER, DIFFERENT, VALUE
from tests.unit.simulation.heisenberg_cases import ERRORS, aer_probabilities, noisy_circuits
from tests.unit.simulation.kernel_cases import needs_kernel
from tests.unit.simulation.simulation_cases import GATES, close, mixed, one_thread, qvc, same_values

_one_thread = pytest.fixture(autouse=True)(one_thread)

BACKENDS = ["torch", pytest.param("kernel", marks=needs_kernel)]
FIXED = ("sx", "x", "h", "cz", "cx", "ecr", "reset", "id")
FREE = ("rx", "ry", "rz", "p", "u", "rzz", "rxx", "rzx", "cp", "u3", "r")
#: Where a structure that was found at one angle would be wrong at another.
ANGLES = (0.0, pi / 2, pi, -pi / 2, 2 * pi, 0.3, -1.1, 2.7)
EXPRESSIONS: list[Callable[[ParameterVector], object]] = [
    lambda t: t[0],
    lambda t: t[1] + pi,
    lambda t: -2 * t[2] + t[0] / 3,
    lambda t: t[0] * t[1],
    lambda t: t[2].sin() + 1,
    lambda t: t[1] ** 2,
    lambda t: t[2].abs() - t[2],
]
#: How many rows make a cut pay for few readings, and fewer than ever pay.
MANY, ONE = 10**6, 1


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    with use_backend(request.param):
        yield request.param


def readout_errors(num_qubits: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Row s of a qubit's matrix: to read 0 and to read 1 in the state s."""
    return [np.array([[1 - p, p], [q, 1 - q]]) for p, q in rng.uniform(0, 0.3, (num_qubits, 2))]


@st.composite
def free_circuits(draw: st.DrawFn) -> tuple[QuantumCircuit, NoiseModel, np.ndarray, list[np.ndarray]]:
    """A circuit with free angles anywhere, noise with readout errors, rows of values, and the readout errors."""
    num_qubits, rng = draw(st.integers(1, 4)), np.random.default_rng(draw(st.integers(0, 2**32)))
    names = [name for name in (*FIXED, *FREE) if name == "reset" or GATES[name][2] <= num_qubits]
    vector, circuit, model = ParameterVector("t", 3), QuantumCircuit(num_qubits), NoiseModel()
    for name in draw(st.lists(st.sampled_from(names), min_size=1, max_size=16)):
        order = draw(st.permutations(range(num_qubits)))
        if name == "reset":
            circuit.reset(order[0])
            continue
        kind, num_angles, width = GATES[name]
        angles = [draw(st.sampled_from([*EXPRESSIONS, lambda t: 0.4]))(vector) for _ in range(num_angles)]
        circuit.append(kind(*angles), order[:width])
        if draw(st.booleans()):
            error = ERRORS[draw(st.sampled_from(sorted(ERRORS)))](width, rng)
            model.add_quantum_error(error, name, order[:width], warnings=False)
    errors = readout_errors(num_qubits, rng)
    for qubit, error in enumerate(errors):
        model.add_readout_error(ReadoutError(error), [qubit])
    rows = draw(st.lists(st.lists(st.sampled_from(ANGLES), min_size=3, max_size=3), min_size=1, max_size=4))
    return circuit, model, np.array(rows)[:, [each.index for each in circuit.parameters]], errors


def strings(num_qubits: int) -> list[tuple[int, ...]]:
    """All products of Z, by size."""
    return [each for size in range(1, num_qubits + 1) for each in combinations(range(num_qubits), size)]


def by_aer(circuit: QuantumCircuit, model: NoiseModel, rows: np.ndarray, errors: Sequence[np.ndarray]) -> np.ndarray:
    """How often each bitstring is read, shape (N, 2^n)."""
    found = []
    for row in rows:
        bound = circuit.assign_parameters(row)
        tensor = aer_probabilities(bound, model).reshape([2] * len(errors))
        for qubit, error in enumerate(errors):
            axis = len(errors) - 1 - qubit
            tensor = np.moveaxis(np.tensordot(tensor, error, (axis, 0)), -1, axis)
        found.append(tensor.ravel())
    return np.array(found)


def averages(frequencies: np.ndarray, readings: Sequence[tuple[int, ...]]) -> np.ndarray:
    index = np.arange(frequencies.shape[1])
    signs = [np.prod([1 - 2 * (index >> qubit & 1) for qubit in reading], axis=0) for reading in readings]
    return np.asarray(frequencies @ np.array(signs).T)


@given(case=free_circuits())
@settings(max_examples=60)
def test_free_circuits_agree_with_aer_whole_and_cut(
    case: tuple[QuantumCircuit, NoiseModel, np.ndarray, list[np.ndarray]],
) -> None:
    circuit, model, rows, errors = case
    readings = strings(circuit.num_qubits)
    expected = by_aer(circuit, model, rows, errors)
    for backend in ("torch", "auto"):
        with use_backend(backend):
            prepared = PreparedCircuit(circuit, model, range(circuit.num_qubits))
            assert close(prepared.frequencies(rows), torch.from_numpy(expected), AER)
            for asked in (ONE, MANY):
                found = prepared.expectations(rows, readings, rows=asked)
                assert close(found, torch.from_numpy(averages(expected, readings)), AER)


@given(case=noisy_circuits(max_qubits=4))
@settings(max_examples=20)
def test_a_circuit_without_parameters_has_equal_rows(case: tuple[QuantumCircuit, NoiseModel]) -> None:
    circuit, model = case
    prepared, nothing = PreparedCircuit(circuit, model), np.zeros((3, 0))
    for rows in (ONE, MANY):
        found = prepared.expectations(nothing, rows=rows)
        assert (found == found[0]).all()
        assert same_values(found[0], noisy_expectations(circuit, model))


@pytest.mark.parametrize("name", [name for name, (_, angles, width) in GATES.items() if angles and width < 3])
def test_every_gate_may_be_free(name: str, backend: str) -> None:
    kind, num_angles, width = GATES[name]
    free = ParameterVector("a", num_angles)
    circuit = QuantumCircuit(2)
    for qubit in range(2):
        circuit.u(0.4 + qubit, 0.9, -0.3, qubit)
    circuit.append(kind(*free), [1, 0][:width])
    circuit.sx([0, 1])
    rows = np.array([np.full(num_angles, angle) for angle in (*ANGLES, 1.234)])
    rows[-1] += np.arange(num_angles)
    ideal = []
    for row in rows:
        state = DensityMatrix(circuit.assign_parameters(row))
        ideal.append([state.expectation_value(SparsePauliOp(each)).real for each in ("IZ", "ZI", "ZZ")])
    for asked in (ONE, MANY):
        found = PreparedCircuit(circuit, None).expectations(rows, [0, 1, (0, 1)], rows=asked)
        assert same_values(found, torch.tensor(ideal, dtype=torch.float64))


def test_every_kind_of_expression(backend: str) -> None:
    circuit = mixed()
    rows = np.random.default_rng(0).uniform(-2, 2, (5, circuit.num_parameters))
    alone = torch.stack([noisy_expectations(circuit.assign_parameters(row), None) for row in rows])
    assert same_values(PreparedCircuit(circuit, None).expectations(rows), alone)


NOISE = NoiseSpec.model_validate(
    {
        "depolarizing": {"one_qubit": 0.01, "two_qubit": 0.03},
        "amplitude_damping": 0.02,
        "readout": {"p10": 0.03, "p01": 0.08},
    }
).build()


def native(num_qubits: int, layers: int = 1, fixed: int = 2) -> QuantumCircuit:
    """Free angles first, then layers whose angles are fixed, in native gates."""
    circuit, rng = QuantumCircuit(num_qubits), np.random.default_rng(1)
    free = iter(ParameterVector("a", 2 * num_qubits * layers))
    for layer in range(layers + fixed):
        for qubit in range(num_qubits):
            for _ in range(2):
                circuit.rz(next(free) if layer < layers else rng.uniform(-pi, pi), qubit)
                circuit.sx(qubit)
        for qubit in range(num_qubits - 1):
            circuit.cz(qubit, qubit + 1)
    return circuit


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("num_qubits", [2, 5, 9])
def test_cut_and_whole_circuits_read_the_same(backend: str, num_qubits: int, dtype: torch.dtype) -> None:
    circuit = native(num_qubits, layers=2)
    rows = np.random.default_rng(2).uniform(-pi, pi, (3, circuit.num_parameters))
    prepared = PreparedCircuit(circuit, NOISE, dtype=dtype)
    readings = [0, num_qubits - 1, (0, num_qubits - 1), tuple(range(num_qubits))]
    cut_short, whole = (prepared.expectations(rows, readings, rows=asked) for asked in (MANY, ONE))
    assert cut_short.dtype == whole.dtype == dtype
    assert close(cut_short, whole, VALUE[dtype])
    alone = torch.stack([noisy_expectations(circuit.assign_parameters(row), NOISE, readings) for row in rows])
    assert close(whole.double(), alone, VALUE[dtype])
    sums = averages(prepared.frequencies(rows).double().numpy(), [(qubit,) for qubit in range(num_qubits)])
    assert close(torch.from_numpy(sums), prepared.expectations(rows).double(), VALUE[dtype])


@needs_kernel
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_no_row_depends_on_those_beside_it(dtype: torch.dtype) -> None:
    circuit, model = mixed(6), NoiseModel()
    model.add_all_qubit_quantum_error(depolarizing_error(0.02, 2), ["rzz", "crx"])
    circuit.compose(native(6, layers=0), inplace=True)
    # More than are worked out at a time.
    rows = np.random.default_rng(3).uniform(-2, 2, (301, circuit.num_parameters))
    prepared = PreparedCircuit(circuit, model, dtype=dtype)
    for ask in (
        lambda these: prepared.expectations(these, rows=ONE),
        lambda these: prepared.expectations(these, rows=MANY),
        prepared.frequencies,
    ):
        together = ask(rows)
        for first, size in ((0, 1), (128, 1), (3, 5), (250, 51), (40, 130)):
            assert torch.equal(ask(rows[first : first + size]), together[first : first + size])


def test_everything_that_no_angle_needs_lies_behind_the_cut() -> None:
    circuit, free = QuantumCircuit(4), FreeGates([Parameter("a")])
    angle = Parameter("a")
    circuit.sx([0, 1, 2, 3])
    circuit.cz(0, 1)
    circuit.cz(2, 3)  # its qubits meet no angle later, though one stands behind it
    circuit.rz(angle, 1)
    circuit.sx(1)
    circuit.cz(1, 2)
    free = FreeGates(circuit.parameters)
    cone = light_cone(lower(circuit, NoiseTable(None), [0, 1, 2, 3], free), ())
    front, back = cut(cone)
    assert [each.qubits for each in front.channels] == [(0,), (1,), (0, 1), (1,)]
    assert [each.qubits for each in back.channels] == [(2,), (3,), (2, 3), (1,), (1, 2)]


@pytest.mark.parametrize("place", ["first", "last", "nowhere near what is read"])
def test_angles_at_the_ends_of_a_circuit(place: str, backend: str) -> None:
    angle, circuit = Parameter("a"), QuantumCircuit(3)
    where = 2 if place == "nowhere near what is read" else 0
    if place == "first":
        circuit.rx(angle, 0)
    circuit.sx([0, 1])
    circuit.cz(0, 1)
    circuit.sx([0, 1])
    if place != "first":
        circuit.rx(angle, where)
    rows = np.array([[0.0], [pi], [0.7]])
    alone = torch.stack([noisy_expectations(circuit.assign_parameters(row), NOISE, [0, 1]) for row in rows])
    prepared = PreparedCircuit(circuit, NOISE, [0, 1])
    for asked in (ONE, MANY):
        assert same_values(prepared.expectations(rows, rows=asked), alone)
    assert ((alone[0] - alone[1]).abs().max() > DIFFERENT) == (where == 0)


def test_waiting_costs_as_much_as_aer_says() -> None:
    angle, circuit = Parameter("a"), QuantumCircuit(2)
    model = NoiseModel.from_backend(FakeManilaV2(), readout_error=False)
    circuit.sx([0, 1])
    circuit.rz(angle, 0)
    circuit.delay(20, 0, "us")
    circuit.cx(0, 1)
    circuit.sx(0)
    circuit.delay(10, 1, "us")
    rows = np.array([[0.2], [2.0]])
    expected = [averages(aer_probabilities(circuit.assign_parameters(row), model)[None], [(0,), (1,)]) for row in rows]
    for asked in (ONE, MANY):
        found = PreparedCircuit(circuit, model).expectations(rows, rows=asked)
        assert close(found, torch.from_numpy(np.concatenate(expected)), AER)
    free = QuantumCircuit(1)
    free.delay(angle, 0)
    with pytest.raises(ConfigurationError, match=r"'delay'.*without a value"):
        PreparedCircuit(free, None)


def test_gates_of_ones_own_may_be_free(backend: str) -> None:
    angle, inner = Parameter("a"), QuantumCircuit(2, name="block")
    inner.rx(2 * angle, 0)
    inner.cx(0, 1)
    circuit = QuantumCircuit(2)
    circuit.append(inner.to_gate(), [1, 0])
    circuit.h(0)
    rows = np.array([[0.0], [0.4], [pi / 2]])
    inside, outside = NoiseModel(), NoiseModel()
    inside.add_all_qubit_quantum_error(depolarizing_error(0.1, 2), ["cx"])
    # An error of the block's own name keeps it whole.
    outside.add_all_qubit_quantum_error(depolarizing_error(0.1, 2), ["block"])
    for model in (inside, outside):
        alone = torch.stack([noisy_expectations(circuit.assign_parameters(row), model) for row in rows])
        for asked in (ONE, MANY):
            assert same_values(PreparedCircuit(circuit, model).expectations(rows, rows=asked), alone)


def test_a_prepared_circuit_can_be_sent_and_the_backend_changed() -> None:
    circuit = native(4)
    rows = np.random.default_rng(4).uniform(-pi, pi, (4, circuit.num_parameters))
    prepared = PreparedCircuit(circuit, NOISE, [2, 0])
    before = prepared.expectations(rows)
    again = pickle.loads(pickle.dumps(prepared))
    assert again.qubits == (2, 0)
    assert torch.equal(again.expectations(rows), before)
    with use_backend("torch"):
        assert same_values(prepared.expectations(rows), before)
    assert torch.equal(prepared.expectations(rows), before)


def test_other_readings_of_the_same_circuit_are_carried_back_anew() -> None:
    circuit = native(3)
    rows = np.random.default_rng(5).uniform(-pi, pi, (2, circuit.num_parameters))
    prepared = PreparedCircuit(circuit, NOISE)
    for readings in ([0, 1], [2], [(0, 2), 1], [0, 1]):
        assert same_values(prepared.expectations(rows, readings, rows=MANY), prepared.expectations(rows, readings))
    with pytest.raises(InputError, match=r"prepared to read, \[0\]"):
        PreparedCircuit(circuit, NOISE, [0]).expectations(rows, [1])


def test_runs_are_told_one_by_one() -> None:
    circuit, told = native(3), list[tuple[int, int]]()
    prepared, rows = PreparedCircuit(circuit, NOISE), np.zeros((5, circuit.num_parameters))
    for asked in (ONE, MANY):
        told.clear()
        prepared.expectations(rows, progress=lambda *now: told.append(now), rows=asked)
        assert told == [(done, 5) for done in range(1, 6)]


def test_a_cut_that_has_no_room_is_not_made() -> None:
    circuit, place = native(6), torch.device("cpu")
    rows = np.random.default_rng(6).uniform(-pi, pi, (3, circuit.num_parameters))
    plain = memory_needed(6, 0, torch.float64, num_inputs=0)
    assert plain < cut_memory_needed(6, 6, torch.float64, place)
    small, large = (PreparedCircuit(circuit, NOISE, memory_limit=limit) for limit in (plain, None))
    assert torch.equal(small.expectations(rows, rows=MANY), large.expectations(rows, rows=ONE))
    with pytest.raises(ConfigurationError, match="too many for the memory"):
        PreparedCircuit(circuit, NOISE, memory_limit=plain - 1).expectations(rows)


def test_an_expression_without_a_value_is_refused() -> None:
    angle, circuit = Parameter("a"), QuantumCircuit(1)
    circuit.rx(angle.log(), 0)
    prepared = PreparedCircuit(circuit, None)
    assert prepared.expectations(np.array([[1.0]])).item() == 1.0
    with pytest.raises(InputError, match=r"'rx'.*finite"):
        prepared.expectations(np.array([[1.0], [-1.0]]))


def test_a_gate_that_needs_numbers_to_say_what_it_is_made_of_is_refused() -> None:
    class Needy(Gate):
        def __init__(self, angle: object) -> None:
            super().__init__("needy", 1, [angle])

        def _define(self) -> None:
            inner = QuantumCircuit(1)
            inner.rx(float(self.params[0]), 0)
            self.definition = inner

    circuit = QuantumCircuit(1)
    circuit.append(Needy(Parameter("a")), [0])
    with pytest.raises(ConfigurationError, match="'needy'"):
        PreparedCircuit(circuit, None)


def test_the_ansatz_itself_may_be_free(backend: str) -> None:
    circuit = qvc(3, 2)
    rows = np.random.default_rng(7).uniform(-pi, pi, (3, circuit.num_parameters))
    alone = torch.stack([noisy_expectations(circuit.assign_parameters(row), None) for row in rows])
    assert same_values(PreparedCircuit(circuit, None).expectations(rows), alone)


@pytest.mark.parametrize("readings", [[], 7, [7], [(0, 0)], [()], ["0"]])
def test_readings_that_are_none_are_refused(readings: Any) -> None:
    circuit = native(2)
    rows = np.zeros((1, circuit.num_parameters))
    with pytest.raises(InputError, match="cannot use these qubits"):
        PreparedCircuit(circuit, NOISE).expectations(rows, readings)
    with pytest.raises(InputError, match="cannot use these qubits"):
        gate_sensitivities(circuit, NOISE, readings, rows)
    listed = PreparedCircuit(circuit, NOISE).expectations(rows, [[0, 1]])  # type: ignore[list-item]
    assert torch.equal(listed, PreparedCircuit(circuit, NOISE).expectations(rows, [(0, 1)]))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([[0.0], [0.0, 1.0]], "no array"),
        (torch.zeros(1, 2, requires_grad=True), "no array"),
        (np.zeros((1, 2), dtype=complex), r"complex128;"),
    ],
)
def test_values_of_another_kind_are_refused_by_their_kind(values: Any, said: str) -> None:
    circuit = QuantumCircuit(1)
    circuit.rx(Parameter("a"), 0)
    circuit.rz(Parameter("b"), 0)
    with pytest.raises(InputError, match=said):
        PreparedCircuit(circuit, None).expectations(values)
