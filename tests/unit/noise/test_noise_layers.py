"""Where noise sits that no gate carries: layers, markers, neighbours."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from qiskit import QuantumCircuit, transpile

from qaml_qiskit.circuits import Brickwork, Ladder
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.noise import BASIS_GATES, LAYER_END, NOISES, NoiseName, NoiseSpec, check_touches, named_noise
from qaml_qiskit.simulation.heisenberg import noisy_expectations
from tests.tolerances import AER, VALUE
from tests.unit.noise.noise_cases import hand_made, marked
from tests.unit.simulation.heisenberg_cases import aer_expectations
from tests.unit.simulation.simulation_cases import one_thread

_one_thread = pytest.fixture(autouse=True)(one_thread)

TOLERANCE = VALUE[torch.float64]


def ansatz(num_qubits: int, layers: int, seed: int = 0, layer_end: str | None = None) -> QuantumCircuit:
    circuit = Ladder(num_qubits, layers).circuit(layer_end)
    return circuit.assign_parameters(np.random.default_rng(seed).uniform(-3, 3, circuit.num_parameters))


def compiled(circuit: QuantumCircuit, level: int = 1) -> QuantumCircuit:
    return transpile(circuit, basis_gates=list(BASIS_GATES), optimization_level=level)


def places(circuit: QuantumCircuit, label: str) -> list[tuple[int, ...]]:
    """The qubits of the instructions with this label, in time order."""
    return [
        tuple(circuit.find_bit(qubit).index for qubit in each.qubits) for each in circuit.data if each.label == label
    ]


def chain(num_qubits: int) -> QuantumCircuit:
    circuit = QuantumCircuit(num_qubits)
    for qubit in range(num_qubits - 1):
        circuit.cz(qubit, qubit + 1)
    return circuit


@pytest.mark.parametrize("level", [1, 2, 3])
@pytest.mark.parametrize("name", ["amplitude-damping", "crosstalk", "over-rotation", "global-depolarizing"])
def test_layers_survive_compilation(name: NoiseName, level: int) -> None:
    """Noise by layer does not see how a layer was compiled, so the layers as they were written are the reference."""
    layers = [ansatz(3, 1, seed) for seed in (0, 1)]
    wanted = hand_made(layers, name, 0.2, "layer")
    circuit, model = named_noise(name, 0.2, "layer").attach(compiled(marked(layers), level))
    assert {each.name for each in circuit.data} <= {*BASIS_GATES, "barrier", "id", "rzz"}
    found = noisy_expectations(circuit, model, range(3), dtype=torch.float64).numpy()
    assert np.abs(found - wanted).max() < TOLERANCE
    assert np.abs(aer_expectations(circuit, model) - wanted).max() < AER


@given(num_qubits=st.integers(2, 4), layers=st.integers(1, 3))
def test_marked_layers_compile_to_the_same_gates(num_qubits: int, layers: int) -> None:
    """No rotation can move past a CZ of its qubit, so the barriers cost nothing."""
    counts = compiled(ansatz(num_qubits, layers, layer_end=LAYER_END)).count_ops()
    assert counts.pop("barrier") == layers
    assert counts == compiled(ansatz(num_qubits, layers)).count_ops()


def test_a_marked_ansatz_may_have_free_parameters() -> None:
    free = Ladder(2, 2).circuit(LAYER_END)
    prepared = named_noise("bit-flip", 0.1, "layer").prepare(free)
    assert prepared.parameters == free.parameters


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("name", [name for name in NOISES if name != "readout"])
def test_noise_by_layer_on_brickwork_is_that_of_its_layers(name: NoiseName, layers: int) -> None:
    """Walls and bricks written out by hand, with the noise between them, against Aer and the exact engine."""
    n, angles = 4, np.random.default_rng(layers).uniform(-3, 3, (layers + 1, 4, 3))
    written = []
    for layer in range(layers):
        part = wall(angles[layer])
        for low in [(0, 2), (1,)][layer % 2]:
            part.cz(low, low + 1)
        written.append(part)
    noisy = hand_made(written, name, 0.1, "layer", last=wall(angles[layers]))
    bound = Brickwork(n, layers).circuit(LAYER_END).assign_parameters(angles.flatten())
    circuit, model = named_noise(name, 0.1, "layer").attach(compiled(bound), Brickwork(n, layers).neighbours)
    assert np.abs(noisy_expectations(circuit, model, range(n), dtype=torch.float64).numpy() - noisy).max() < TOLERANCE
    assert np.abs(aer_expectations(circuit, model) - noisy).max() < AER


def wall(angles: np.ndarray) -> QuantumCircuit:
    circuit = QuantumCircuit(len(angles))
    for qubit, (a, b, c) in enumerate(angles):
        circuit.rz(a, qubit)
        circuit.ry(b, qubit)
        circuit.rz(c, qubit)
    return circuit


def test_noise_by_layer_needs_marked_layers() -> None:
    with pytest.raises(ConfigurationError, match="a circuit without marked layers"):
        named_noise("bit-flip", 0.1, "layer").attach(compiled(ansatz(2, 2)))


def test_crosstalk_reaches_the_other_neighbours() -> None:
    circuit, _ = named_noise("crosstalk", 0.1).attach(chain(4))
    assert places(circuit, "crosstalk") == [(1, 2), (0, 1), (2, 3), (1, 2)]
    circuit, _ = named_noise("crosstalk", 0.1, "layer").attach(marked([chain(4)]))
    assert places(circuit, "crosstalk") == [(0, 1), (1, 2), (2, 3)]


def test_crosstalk_between_given_neighbours() -> None:
    circuit, _ = named_noise("crosstalk", 0.1).attach(chain(3), pairs=[(2, 0)])
    assert places(circuit, "crosstalk") == [(0, 2), (0, 2)]
    with pytest.raises(ConfigurationError, match=r"cannot be neighbours: got \(1, 3\)"):
        named_noise("crosstalk", 0.1).attach(chain(3), pairs=[(0, 1), (1, 3)])


def test_crosstalk_without_a_third_qubit_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="touches no gate"):
        named_noise("crosstalk", 0.1).attach(chain(2))


def test_global_depolarising_comes_before_the_measurement() -> None:
    circuit = QuantumCircuit(4, 2)
    circuit.x([0, 1])
    circuit.measure([1, 0], [0, 1])
    circuit, model = named_noise("global-depolarizing", 0.1).attach(circuit)
    assert [each.name for each in circuit.data] == ["x", "x", "id", "measure", "id", "measure"]
    found = noisy_expectations(circuit, model, dtype=torch.float64).numpy()
    assert np.abs(found + 0.9**2).max() < TOLERANCE


def test_global_depolarising_needs_a_circuit_with_gates() -> None:
    spec = NoiseSpec(global_depolarizing=0.1)
    with pytest.raises(ConfigurationError, match="needs the circuit"):
        spec.build()
    circuit = QuantumCircuit(1)
    circuit.h(0)
    with pytest.raises(ConfigurationError, match="nothing to act on"):
        spec.attach(circuit)


def test_preparing_twice_is_refused() -> None:
    spec = named_noise("bit-flip", 0.1, "layer")
    with pytest.raises(ConfigurationError, match="carries noise markers already"):
        spec.prepare(spec.prepare(marked([chain(2)])))


def test_a_circuit_that_was_not_prepared_is_refused() -> None:
    """Aer would leave out the crosstalk and keep the rest."""
    spec = NoiseSpec(bit_flip=0.1, crosstalk=0.2)
    with pytest.raises(ConfigurationError, match=r"a part of the noise would not act .* no crosstalk marker"):
        check_touches(spec.build(), chain(3))
    check_touches(spec.build(), spec.prepare(chain(3)))


def test_noise_that_gates_carry_leaves_the_circuit_alone() -> None:
    circuit = chain(3)
    spec = NoiseSpec(bit_flip=0.1)
    assert not spec.needs_markers
    assert spec.attach(circuit)[0] is circuit


def test_readout_errors_need_no_gate_and_no_layers() -> None:
    circuit = QuantumCircuit(1)
    circuit.h(0)
    prepared, model = named_noise("readout", 0.2, "layer").attach(circuit)
    assert prepared is circuit
    assert not model.is_ideal()
