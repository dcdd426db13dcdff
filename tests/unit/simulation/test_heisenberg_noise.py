"""Noise means to the noisy engine what it means to Aer."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Parameter
from qiskit.circuit.library import PauliGate, SXGate, UnitaryGate, get_standard_gate_name_mapping
from qiskit.quantum_info import Kraus, Operator, Pauli, Statevector, SuperOp, random_unitary
from qiskit_aer import AerSimulator
from qiskit_aer.noise import (
    NoiseModel,
    PauliLindbladError,
    QuantumError,
    ReadoutError,
    amplitude_damping_error,
    depolarizing_error,
    pauli_error,
)
from qiskit_ibm_runtime.fake_provider import FakeManilaV2

from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.simulation.heisenberg import noisy_expectations
from qaml_qiskit.simulation.heisenberg.lowering import IN_PARTS, lower
from qaml_qiskit.simulation.heisenberg.noise import NoiseTable
from tests.tolerances import AER, DIFFERENT, SIGMAS
from tests.unit.simulation.heisenberg_cases import aer_expectations, apply, qvc_native
from tests.unit.simulation.simulation_cases import GATES, close, one_thread, same_values

_one_thread = pytest.fixture(autouse=True)(one_thread)

Case = tuple[QuantumCircuit, NoiseModel]
DAMPING, FLIP = amplitude_damping_error(0.3), pauli_error([("X", 0.2), ("I", 0.8)])
PAIR = DAMPING.tensor(FLIP)


def start(num_qubits: int = 2) -> QuantumCircuit:
    """A circuit that leaves every qubit in a different place of the Bloch sphere."""
    circuit = QuantumCircuit(num_qubits)
    for qubit in range(num_qubits):
        circuit.u(0.4 + qubit, 0.9, -0.3, qubit)
    return circuit


def model(error: QuantumError, *instructions: str, qubits: list[int] | None = None) -> NoiseModel:
    made = NoiseModel()
    for name in instructions:
        if qubits is None:
            made.add_all_qubit_quantum_error(error, name)
        else:
            made.add_quantum_error(error, name, qubits)
    return made


def label_of_the_model() -> Case:
    circuit = start()
    circuit.append(SXGate(label="noisy"), [0])
    circuit.append(SXGate(label="other"), [1])
    made = model(DAMPING, "noisy")
    made.add_all_qubit_quantum_error(FLIP, "sx")
    return circuit, made


def particular_qubits_come_first() -> Case:
    circuit = start()
    circuit.sx([0, 1])
    made = model(DAMPING, "sx")
    made.add_quantum_error(FLIP, "sx", [1], warnings=False)
    return circuit, made


def qubits_in_their_order() -> Case:
    circuit = start()
    circuit.cx(0, 1)
    circuit.cx(1, 0)
    made = model(PAIR, "cx", qubits=[1, 0])
    made.add_quantum_error(depolarizing_error(0.1, 2), "cx", [0, 1])
    return circuit, made


def other_qubits() -> Case:
    circuit = start(3)
    circuit.cz(2, 0)
    circuit.cz(1, 0)
    return circuit, model(PAIR, "cz", qubits=[2, 0])


def identity_and_delay() -> Case:
    circuit = start()
    circuit.id(0)
    circuit.delay(100, 1)
    circuit.barrier()
    return circuit, model(DAMPING, "id", "delay")


def reset() -> Case:
    circuit = start()
    circuit.reset(0)
    circuit.cx(0, 1)
    return circuit, model(FLIP, "reset")


def matrix_with_a_label() -> Case:
    circuit = start()
    circuit.append(UnitaryGate(random_unitary(4, seed=1), label="mine"), [1, 0])
    circuit.unitary(random_unitary(2, seed=2), [1])
    made = model(PAIR, "mine")
    made.add_all_qubit_quantum_error(FLIP, "unitary")
    return circuit, made


def control_on_zero() -> Case:
    circuit = start()
    circuit.cx(0, 1, ctrl_state=0)
    made = model(PAIR, "cx")
    made.add_all_qubit_quantum_error(DAMPING, "x")
    return circuit, made


def pauli_gate() -> Case:
    """Aer looks for the string, not for the name."""
    circuit = start()
    circuit.append(PauliGate("XZ"), [0, 1])
    return circuit, model(PAIR, "XZ", "pauli")


def channels_in_the_circuit() -> Case:
    circuit = start()
    circuit.append(PAIR.to_instruction(), [1, 0])
    circuit.append(Kraus(DAMPING).to_instruction(), [1])
    circuit.append(SuperOp(FLIP).to_instruction(), [0])
    circuit.x(0)
    return circuit, model(FLIP, "x", "kraus")


def generators() -> Case:
    circuit = start()
    circuit.cz(0, 1)
    return circuit, model(PauliLindbladError(["XX", "ZI", "IY"], [0.1, 0.2, 0.05]), "cz")


def only_a_delay() -> Case:
    circuit = start()
    circuit.delay(20, 1, "us")
    return circuit, NoiseModel.from_backend(FakeManilaV2(), readout_error=False)


def device() -> Case:
    circuit = start(3)
    for name in ("sx", "x"):
        apply(circuit, name, [1], np.random.default_rng(0))
    circuit.cx(0, 1)
    circuit.delay(20, 2, "us")
    circuit.cx(2, 1)
    circuit.id(2)
    return circuit, NoiseModel.from_backend(FakeManilaV2(), readout_error=False)


CASES: list[Callable[[], Case]] = [
    label_of_the_model,
    particular_qubits_come_first,
    qubits_in_their_order,
    other_qubits,
    identity_and_delay,
    reset,
    matrix_with_a_label,
    control_on_zero,
    pauli_gate,
    channels_in_the_circuit,
    generators,
    only_a_delay,
    device,
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_errors_are_attached_as_aer_attaches_them(case: Callable[[], Case]) -> None:
    circuit, made = case()
    noisy = torch.from_numpy(aer_expectations(circuit, made))
    # The ideal circuit differs, so the noise does something.
    assert float((noisy - torch.from_numpy(aer_expectations(circuit, None))).abs().max()) > DIFFERENT
    assert close(noisy_expectations(circuit, made, range(circuit.num_qubits)), noisy, AER)


def test_measurements_have_errors_of_their_own() -> None:
    shots, circuit = 20_000, start()
    made = model(FLIP, "measure")
    made.add_all_qubit_quantum_error(DAMPING, "sx")
    made.add_readout_error(ReadoutError([[0.95, 0.05], [0.3, 0.7]]), [1])
    circuit.sx([0, 1])
    unmeasured = circuit.copy()
    circuit.measure_all()
    simulator = AerSimulator(method="density_matrix", noise_model=made, seed_simulator=3, max_parallel_threads=1)
    counts = simulator.run(circuit, shots=shots).result().get_counts()
    sampled = sum(number * torch.tensor([1 - 2 * int(bit) for bit in reversed(key)]) for key, number in counts.items())
    exact = noisy_expectations(circuit, made)
    assert same_values(noisy_expectations(unmeasured, made), exact)
    assert ((sampled / shots - exact).abs() < SIGMAS * ((1 - exact**2) / shots).sqrt()).all()


@pytest.mark.parametrize("name", [name for name, (_, _, width) in GATES.items() if width < 3])
def test_every_gate_on_one_or_two_qubits(name: str) -> None:
    circuit = start()
    apply(circuit, name, [1, 0], np.random.default_rng(1))
    state = Statevector(circuit)
    ideal = torch.tensor([state.expectation_value(Pauli(string)).real for string in ("IZ", "ZI")], dtype=torch.float64)
    assert same_values(noisy_expectations(circuit, None), ideal)


def test_gates_that_only_know_their_definition() -> None:
    inner = QuantumCircuit(2, name="inner")
    inner.h(0)
    inner.crx(0.3, 0, 1)
    circuit = start()
    circuit.append(inner.to_gate(), [1, 0])
    state = Statevector(circuit)
    ideal = torch.tensor([state.expectation_value(Pauli(string)).real for string in ("IZ", "ZI")], dtype=torch.float64)
    assert same_values(noisy_expectations(circuit, None), ideal)


def test_readout_errors_alone_are_noise() -> None:
    circuit = qvc_native(2, 1)
    made = NoiseModel()
    made.add_all_qubit_readout_error(ReadoutError([[0.9, 0.1], [0.2, 0.8]]))
    ideal = noisy_expectations(circuit, None)
    assert same_values(noisy_expectations(circuit, made), 0.7 * ideal + 0.1)


def test_readout_errors_do_not_hide_gate_errors_that_touch_nothing() -> None:
    circuit = start()
    made = model(FLIP, "h", "measure")
    made.add_all_qubit_readout_error(ReadoutError([[0.9, 0.1], [0.2, 0.8]]))
    with pytest.raises(ConfigurationError, match="noise on h; gates u"):
        noisy_expectations(circuit, made)


def test_an_error_of_the_wrong_width_is_refused() -> None:
    circuit = start()
    circuit.append(UnitaryGate(random_unitary(4, seed=1), label="mine"), [0, 1])
    with pytest.raises(ConfigurationError, match=r"'mine' does not fit.*1 qubits.*\[0, 1\]"):
        noisy_expectations(circuit, model(FLIP, "mine"))


def test_readings_follow_the_classical_bits() -> None:
    circuit = QuantumCircuit(3, 3)
    circuit.x(2)
    circuit.measure([2, 0], [0, 2])
    circuit.delay(10, 2)
    assert lower(circuit, NoiseTable(None), None).read == (2, 0)
    assert noisy_expectations(circuit, None).tolist() == [-1.0, 1.0]


def test_values_run_a_free_circuit_several_times() -> None:
    angle = Parameter("a")
    circuit = QuantumCircuit(2)
    circuit.ry(angle, 0)
    circuit.sx(0)
    circuit.cz(0, 1)
    model = NoiseModel()
    model.add_all_qubit_quantum_error(depolarizing_error(0.05, 1), ["sx"])
    values = np.array([[0.3], [1.1], [-2.0]])
    together = noisy_expectations(circuit, model, values=values)
    alone = torch.stack([noisy_expectations(circuit.assign_parameters(row), model) for row in values])
    assert same_values(together, alone)
    with pytest.raises(InputError, match="a column for every parameter"):
        noisy_expectations(circuit, model, values=values.T)


def block() -> QuantumCircuit:
    """Noisy gates, to be used as one."""
    inner = QuantumCircuit(2, name="block")
    inner.rx(0.4, 0)
    inner.cx(0, 1)
    inner.ry(0.7, 1)
    inner.cx(1, 0)
    return inner


def nested() -> QuantumCircuit:
    """Three qubits, with a gate in it that is a circuit."""
    outer = QuantumCircuit(3, name="nest")
    outer.append(block().to_gate(), [2, 0])
    outer.h(1)
    return outer


NOISE_INSIDE = {"cx": depolarizing_error(0.1, 2), "rx": depolarizing_error(0.05, 1), "h": DAMPING}


def model_inside() -> NoiseModel:
    model = NoiseModel()
    for name, error in NOISE_INSIDE.items():
        model.add_all_qubit_quantum_error(error, [name])
    return model


@pytest.mark.parametrize("kind", ["to_gate", "to_instruction"])
def test_a_composite_gate_has_the_noise_of_the_gates_inside(kind: str) -> None:
    whole, flat = start(3), start(3)
    for part, places in ((nested(), [1, 2, 0]), (block(), [0, 1]), (block().inverse(), [2, 1])):
        whole.append(getattr(part, kind)(), places)
        flat.compose(part, places, inplace=True)
    flat = flat.decompose(["block", "block_dg"])
    assert not {"block", "nest"} & set(flat.count_ops())
    model = model_inside()
    read = noisy_expectations(whole, model, [0, 1, 2])
    assert same_values(read, noisy_expectations(flat, model, [0, 1, 2]))
    assert close(read, torch.from_numpy(aer_expectations(flat, model)), AER)
    assert (read - noisy_expectations(whole, None, [0, 1, 2])).abs().max() > DIFFERENT


def test_the_gates_that_aer_wants_in_parts_are_known() -> None:
    native = set(AerSimulator(method="density_matrix").operation_names)
    assert set(get_standard_gate_name_mapping()) - native == IN_PARTS | {"global_phase"}


# Two of them contain a Toffoli gate, which Aer runs as one on three qubits.
@pytest.mark.parametrize("name", sorted(IN_PARTS - {"ccz", "cswap"}))
def test_a_standard_gate_that_aer_wants_in_parts_has_the_noise_inside(name: str) -> None:
    gate = get_standard_gate_name_mapping()[name]
    whole = start(4)
    whole.append(gate.base_class(*np.linspace(0.3, 0.9, len(gate.params))), range(gate.num_qubits))
    flat = transpile(whole, basis_gates=["cx", "u"], optimization_level=0)
    parts = whole
    while set(parts.count_ops()) & IN_PARTS:
        parts = parts.decompose(sorted(IN_PARTS))
    model = NoiseModel()
    model.add_all_qubit_quantum_error(PAIR, ["cx"])
    read = noisy_expectations(whole, model, range(4))
    assert close(read, torch.from_numpy(aer_expectations(parts, model)), AER)
    assert close(noisy_expectations(whole, None, range(4)), noisy_expectations(flat, None, range(4)), AER)


def test_a_composite_gate_that_the_model_names_has_the_noise_of_its_own() -> None:
    model, circuit, same = NoiseModel(), start(), start()
    model.add_all_qubit_quantum_error(PAIR, ["block"])
    circuit.append(block().to_gate(), [0, 1])
    same.append(UnitaryGate(Operator(block()), label="block"), [0, 1])
    assert same_values(noisy_expectations(circuit, model, [0, 1]), noisy_expectations(same, model, [0, 1]))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_angles_that_are_no_numbers_are_refused(value: float) -> None:
    bound, free, outer = QuantumCircuit(2), QuantumCircuit(2), QuantumCircuit(2)
    bound.rx(value, 0)
    free.rx(Parameter("a"), 0)
    outer.append(bound.to_instruction(), [1, 0])
    for circuit, values in ((bound, None), (outer, None), (free, np.array([[0.2], [value]]))):
        with pytest.raises(InputError, match="finite"):
            noisy_expectations(circuit, None, values=values)
