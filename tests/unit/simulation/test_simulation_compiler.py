import copy
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import Gate, Parameter
from qiskit.circuit.library import CXGate, CZGate, RXGate, UnitaryGate
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import Operator, random_unitary

from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.simulation import Program, compile_circuit, unitary, use_backend
from tests.tolerances import VALUE
from tests.unit.simulation.simulation_cases import GATES, bound, mixed, one_thread, qvc, weights_for

_one_thread = pytest.fixture(autouse=True)(one_thread)

NO_WEIGHTS = torch.zeros(0, dtype=torch.float64)


def assert_same_unitary(circuit: QuantumCircuit, weights: torch.Tensor = NO_WEIGHTS) -> None:
    expected = Operator(bound(circuit, weights) if circuit.parameters else circuit).data
    actual = unitary(compile_circuit(circuit), weights).numpy()
    assert np.abs(actual - expected).max() < VALUE[torch.float64]


@pytest.mark.parametrize("name", sorted(GATES))
@pytest.mark.parametrize("fixed", [True, False], ids=["fixed", "weights"])
def test_every_standard_gate(name: str, fixed: bool) -> None:
    gate, num_angles, num_qubits = GATES[name]
    angles = [0.3, -1.2, 2.9, 5.0][:num_angles]
    parameters = [Parameter(f"p{index}") for index in range(num_angles)]
    circuit = QuantumCircuit(max(num_qubits, 2))
    for turn in range(2):
        for qubit in range(circuit.num_qubits):
            circuit.ry(0.4 + qubit + turn, qubit)
        places = list(range(circuit.num_qubits))[:: 1 - 2 * turn][:num_qubits]
        circuit.append(gate(*(angles if fixed else parameters)), places)
    assert_same_unitary(circuit, NO_WEIGHTS if fixed else torch.tensor(angles, dtype=torch.float64))


@st.composite
def circuits(draw: st.DrawFn) -> QuantumCircuit:
    num_qubits = draw(st.integers(1, 5))
    names = sorted(name for name, (_, _, size) in GATES.items() if size <= num_qubits)
    circuit = QuantumCircuit(num_qubits, global_phase=draw(st.floats(-4, 4)))
    for _ in range(draw(st.integers(0, 12))):
        gate, num_angles, size = GATES[draw(st.sampled_from(names))]
        places = draw(st.permutations(range(num_qubits)))[:size]
        circuit.append(gate(*(draw(st.floats(-7, 7)) for _ in range(num_angles))), places)
    return circuit


@given(circuits(), st.sampled_from(["auto", "torch"]))
@settings(max_examples=40)
def test_any_circuit_of_standard_gates(circuit: QuantumCircuit, backend: str) -> None:
    with use_backend(backend):
        assert_same_unitary(circuit)


@pytest.mark.parametrize("seed", range(4))
def test_definitions_of_larger_gates_are_unrolled(seed: int) -> None:
    circuit = random_circuit(5, 5, max_operands=4, seed=seed)
    circuit.append(UnitaryGate(random_unitary(4, seed=seed)), [3, 1])
    circuit.append(UnitaryGate(random_unitary(2, seed=seed)), [2])
    circuit.append(CXGate(ctrl_state=0), [0, 4])
    circuit.append(CZGate().control(1, ctrl_state=0), [0, 4, 2])
    assert_same_unitary(circuit)


def test_parameters_inside_custom_gates() -> None:
    inner = mixed(2)
    circuit = QuantumCircuit(3)
    circuit.append(inner.to_gate(), [2, 0])
    circuit.append(RXGate(inner.parameters[0]).control(1), [1, 2])
    assert_same_unitary(circuit, weights_for(circuit))


def test_all_kinds_of_angles() -> None:
    circuit = mixed()
    assert len(compile_circuit(circuit).expressions) == 4
    assert_same_unitary(circuit, weights_for(circuit, scale=1.0))


def test_an_angle_without_a_value_is_told() -> None:
    """Not as a NaN of everything behind it."""
    a, b = Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(1)
    circuit.ry((2 * b).arcsin() + a, 0)
    program = compile_circuit(circuit)
    assert torch.isfinite(unitary(program, torch.tensor([9.0, 0.4], dtype=torch.float64)).abs()).all()
    with pytest.raises(InputError, match=r"angle of the circuit has no value: got .*= nan where a = 9, b = 0\.7"):
        unitary(program, torch.tensor([9.0, 0.7], dtype=torch.float64))


@pytest.mark.parametrize(("layers", "num_qubits"), [(1, 2), (3, 5), (200, 10)])
def test_a_qvc_layer_is_one_wall_and_one_diagonal(layers: int, num_qubits: int) -> None:
    program = compile_circuit(qvc(num_qubits, layers))
    assert (program.num_walls, program.num_diagonals) == (layers, layers + 1)
    assert program.num_weights == 3 * num_qubits * layers
    assert not len(program.pairs)


def walls(circuit: QuantumCircuit) -> int:
    return compile_circuit(circuit).num_walls


def test_rotations_about_one_axis_share_a_wall() -> None:
    circuit = QuantumCircuit(1)
    for angle in (Parameter("a"), Parameter("b"), 0.3):
        circuit.rx(angle, 0)
    assert walls(circuit) == 1
    circuit = QuantumCircuit(1)
    circuit.ry(Parameter("a"), 0)
    circuit.z(0)
    circuit.ry(Parameter("b"), 0)
    assert walls(circuit) == 1
    assert_same_unitary(circuit, weights_for(circuit))


def test_fixed_gates_of_one_qubit_share_a_wall_and_swaps_are_free() -> None:
    circuit = QuantumCircuit(2)
    for _ in range(3):
        circuit.h(0)
        circuit.t(0)
        circuit.sx(0)
        circuit.swap(0, 1)
        circuit.swap(1, 0)
    circuit.iswap(0, 1)
    assert walls(circuit) == 1
    assert_same_unitary(circuit)


def test_harmless_instructions_are_dropped() -> None:
    plain, dressed = qvc(3, 1), QuantumCircuit(3, 3)
    dressed.barrier()
    dressed.compose(qvc(3, 1), inplace=True)
    dressed.id(1)
    dressed.delay(10, 0)
    dressed.measure(0, 0)
    dressed.barrier()
    dressed.measure([1, 2], [1, 2])
    weights = weights_for(plain)
    assert torch.equal(unitary(compile_circuit(plain), weights), unitary(compile_circuit(dressed), weights))


def test_weights_follow_the_given_order() -> None:
    a, b, unused = Parameter("a"), Parameter("b"), Parameter("c")
    circuit = QuantumCircuit(1)
    circuit.rx(a, 0)
    circuit.rz(b, 0)
    values = torch.tensor([0.2, 0.7], dtype=torch.float64)
    by_name = unitary(compile_circuit(circuit), values)
    program = compile_circuit(circuit, [b, unused, a])
    assert program.parameters == (b, unused, a)
    assert torch.allclose(unitary(program, torch.tensor([0.7, 9.0, 0.2], dtype=torch.float64)), by_name)


@pytest.mark.parametrize("names", ["a", "aab"], ids=["missing", "twice"])
def test_an_order_that_does_not_fit_is_refused(names: str) -> None:
    known = {name: Parameter(name) for name in "ab"}
    circuit = QuantumCircuit(1)
    circuit.rx(known["a"] + known["b"], 0)
    with pytest.raises(ConfigurationError, match="order of the weights"):
        compile_circuit(circuit, [known[name] for name in names])


def with_measurement_inside(circuit: QuantumCircuit) -> None:
    circuit.measure(0, 0)
    circuit.h(0)


def with_branch(circuit: QuantumCircuit) -> None:
    with circuit.if_test((circuit.clbits[0], True)):
        circuit.x(0)


REFUSED = {
    "'h' on qubits \\[0\\].*already measured": with_measurement_inside,
    "'reset'": lambda circuit: circuit.reset(0),
    "'initialize'": lambda circuit: circuit.initialize([1, 0], 0),
    "'if_else'": with_branch,
    "'riddle' on qubits \\[1, 0\\].*without a definition": lambda circuit: circuit.append(
        Gate("riddle", 2, []), [1, 0]
    ),
    "angle of rx": lambda circuit: circuit.rx(1j * Parameter("a"), 0),
    "angle of ry": lambda circuit: circuit.ry(float("nan"), 0),
    "angle of p": lambda circuit: circuit.p(2 ** Parameter("a"), 0),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_compiled_is_named(message: str) -> None:
    circuit = QuantumCircuit(2, 1)
    REFUSED[message](circuit)
    with pytest.raises(ConfigurationError, match=message):
        compile_circuit(circuit)


def test_a_circuit_without_qubits_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no qubits"):
        compile_circuit(QuantumCircuit())


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda program: pickle.loads(pickle.dumps(program))])
def test_programs_can_be_copied_and_pickled(duplicate: object) -> None:
    circuit = mixed()
    weights, program = weights_for(circuit, scale=1.0), compile_circuit(circuit)
    expected = unitary(program, weights)  # also generates the functions that cannot be pickled
    twin: Program = duplicate(program)  # type: ignore[operator]
    assert torch.equal(unitary(twin, weights), expected)
