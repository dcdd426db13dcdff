"""The ansätze beside ladder and brickwork: their gates, and what the engines make of them."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from qiskit.circuit import QuantumCircuit
from qiskit.circuit.library import efficient_su2, real_amplitudes
from qiskit.quantum_info import DensityMatrix, Kraus, Operator, Pauli, Statevector

from qaml_qiskit.circuits import ANSAETZE, QCNN, Ansatz, Cnot, CnotRing, EfficientSU2, Real, RealAmplitudes
from qaml_qiskit.deployments.circuits import native_circuit
from qaml_qiskit.encodings import amplitudes
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.models import QVC, QVCConfig
from qaml_qiskit.noise import LAYER_END, Placement, named_noise
from tests.tolerances import AER, VALUE
from tests.unit.noise.noise_cases import hand_made
from tests.unit.simulation.heisenberg_cases import aer_expectations

NEW = ["cnot", "cnot-ring", "qcnn", "real", "real_amplitudes", "efficient_su2"]


def pairs(circuit: QuantumCircuit, name: str) -> list[tuple[int, ...]]:
    """The qubits of every gate of this name, in order."""
    return [tuple(circuit.find_bit(qubit).index for qubit in each.qubits) for each in circuit.data if each.name == name]


def angles(ansatz: Ansatz) -> np.ndarray:
    return np.random.default_rng(3).uniform(-np.pi, np.pi, ansatz.num_parameters)


def bound(part: QuantumCircuit, values: np.ndarray) -> QuantumCircuit:
    """A part of an ansatz with the values of the whole."""
    return part.assign_parameters({each: values[each.index] for each in part.parameters})


def model(name: str, qubits: int = 4) -> QVC:
    return QVC(QVCConfig(image_shape=(1, 2, 2 ** (qubits - 1)), num_classes=2, num_layers=3, ansatz=name), 5)


def test_cnots_go_along_the_line_or_round_the_ring() -> None:
    line = list(pairwise(range(5)))
    assert pairs(Cnot(5, 2).circuit(), "cx") == line * 2
    assert pairs(CnotRing(5, 2).circuit(), "cx") == [*line, (4, 0)] * 2
    assert pairs(CnotRing(2, 1).circuit(), "cx") == [(0, 1)]
    assert CnotRing(5, 2).neighbours == ((0, 1), (0, 4), (1, 2), (2, 3), (3, 4))
    assert Cnot(10, 200).num_parameters == CnotRing(10, 200).num_parameters == 6_000
    assert Cnot(3, 1).circuit().count_ops() == {"rz": 6, "ry": 3, "cx": 2}


def test_real_amplitudes_stay_real() -> None:
    assert Real(5, 2).circuit().count_ops() == {"ry": 15, "cz": 8}
    for ansatz in (Real(4, 3), RealAmplitudes(4, 3)):
        state = Statevector(ansatz.circuit().assign_parameters(angles(ansatz))).data
        assert np.abs(state.imag).max() < VALUE[torch.float64]


@pytest.mark.parametrize(("kind", "build"), [(RealAmplitudes, real_amplitudes), (EfficientSU2, efficient_su2)])
@pytest.mark.parametrize(("qubits", "layers"), [(1, 2), (2, 1), (4, 3)])
def test_library_circuits_are_those_of_the_library(
    kind: type[RealAmplitudes], build: type[QuantumCircuit], qubits: int, layers: int
) -> None:
    ansatz, theirs = kind(qubits, layers), build(qubits, reps=layers)
    assert [each.name for each in ansatz.circuit().parameters] == [each.name for each in theirs.parameters]
    values = angles(ansatz)
    assert ansatz.circuit().assign_parameters(values) == theirs.assign_parameters(values)


def test_a_qcnn_of_eight_qubits() -> None:
    ansatz = QCNN(8, 3)
    circuit = ansatz.circuit()
    first, second = [(0, 1), (2, 3), (4, 5), (6, 7)], [(1, 2), (3, 4), (5, 6)]
    blocks = [*first, *second, (0, 2), (4, 6), (2, 4), (0, 4)]
    assert pairs(circuit, "rxx") == pairs(circuit, "ryy") == pairs(circuit, "rzz") == blocks
    assert pairs(circuit, "cry") == [(1, 0), (3, 2), (5, 4), (7, 6), (2, 0), (6, 4), (4, 0)]
    assert ansatz.num_parameters == circuit.num_parameters == 3 * 15 + 3 * 3 + 3
    assert pairs(ansatz.end(), "ry") == [(0,)]


@pytest.mark.parametrize(("layers", "left"), [(3, [8, 4, 2]), (4, [8, 8, 4, 2]), (5, [8, 8, 4, 4, 2])])
def test_convolutions_are_spread_over_the_stages(layers: int, left: list[int]) -> None:
    ansatz = QCNN(8, layers)
    assert [len(pairs(part, "rxx")) + 1 for part in ansatz.layers()] == left
    pooled = [len(pairs(part, "cry")) for part in ansatz.layers()]
    assert [count for count in pooled if count] == [4, 2, 1]
    assert pooled[-1] == 1


def test_poolings_are_measurements_that_were_deferred() -> None:
    """Measure every second qubit in the middle, and turn its neighbour where it was found in |1⟩."""
    ansatz = QCNN(4, 2)
    values = angles(ansatz)
    state = DensityMatrix.from_label("0000")
    for part in (*ansatz.layers(), ansatz.end()):
        gates = bound(part, values).data
        pooled = [gate for gate in gates if gate.name in ("crz", "cry")]
        for gate in gates:
            qubits = [part.find_bit(qubit).index for qubit in gate.qubits]
            if gate not in pooled:
                state = state.evolve(gate.operation, qubits)
                continue
            turn = Operator(gate.operation.base_gate).data
            # The control is the less significant qubit of the two.
            stay = np.kron(np.eye(2), np.diag([1, 0]))
            state = state.evolve(Kraus([stay, np.kron(turn, np.diag([0, 1]))]), qubits)
    whole = Statevector(ansatz.circuit().assign_parameters(values)).expectation_value(Pauli("Z"), [0])
    assert abs(state.expectation_value(Pauli("Z"), [0]) - whole) < VALUE[torch.float64]


@pytest.mark.parametrize(("qubits", "layers", "told"), [(6, 12, "6 qubits"), (1, 3, "1 qubits"), (8, 2, "at least 3")])
def test_a_qcnn_needs_powers_of_two_and_a_layer_a_stage(qubits: int, layers: int, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        QCNN(qubits, layers)


@pytest.mark.parametrize("name", NEW)
def test_engine_and_quantum_info_agree(name: str) -> None:
    qvc = model(name)
    images = torch.rand(3, 1, 2, 8, generator=torch.Generator().manual_seed(1)) + 0.01
    with torch.no_grad():
        run = qvc.expectations(images).numpy()
        qvc.weight.requires_grad_(requires_grad=False)
        collapsed = qvc.expectations(images).numpy()
    for row, again, state in zip(run, collapsed, amplitudes(images.double(), 4).numpy(), strict=True):
        evolved = Statevector(state).evolve(qvc.ansatz())
        wanted = [evolved.expectation_value(Pauli("Z"), [qubit]).real for qubit in qvc.readout.qubits]
        assert np.abs(row - wanted).max() < VALUE[torch.float32]
        assert np.abs(again - wanted).max() < VALUE[torch.float32]


@pytest.mark.parametrize("name", NEW)
@pytest.mark.parametrize("placement", ["gate", "layer"])
def test_noise_is_that_of_aer(name: str, placement: Placement) -> None:
    qvc, spec = model(name, 2 if name == "qcnn" else 3), named_noise("amplitude-damping", 0.05, placement)
    noisy = native_circuit(qvc, placement, with_encoding=False).under(spec)
    found = noisy.observables(torch.float64).expectations(torch.eye(2**qvc.config.num_qubits).double()[:1])[0].numpy()
    assert np.abs(found - aer_expectations(noisy.circuit, noisy.noise)[:2]).max() < AER
    if placement == "layer":
        ansatz, values = qvc.config.build_ansatz(), qvc.weight.detach().double().numpy()
        *layers, last = (bound(part, values) for part in (*ansatz.layers(), ansatz.end()))
        wanted = hand_made(layers, "amplitude-damping", 0.05, "layer", last)
        assert np.abs(found - wanted[:2]).max() < AER


@pytest.mark.parametrize("name", NEW)
def test_layers_end_where_they_say(name: str) -> None:
    marked = ANSAETZE[name](4, 3).circuit(LAYER_END)
    assert sum(each.label == LAYER_END for each in marked.data) == 3
