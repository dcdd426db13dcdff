"""Training under sampled noise: Pauli errors as angles, and their mean against the exact noisy engine."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from qiskit import QuantumCircuit
from qiskit.circuit.library import PauliGate
from qiskit.quantum_info import Operator, Pauli
from qiskit_aer.noise import NoiseModel, depolarizing_error

from qaml_qiskit.circuits import ANSAETZE, Ansatz, Brickwork, Ladder, add_rotations
from qaml_qiskit.circuits.ansatz import Angle
from qaml_qiskit.defences import NoiseAware, noisy_logits
from qaml_qiskit.defences.pauli_errors import SHIFTS, SIGNS, PauliErrors
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.models import (
    QVC,
    ConvNet,
    ConvNetConfig,
    NoisyQVC,
    QVCConfig,
)
from qaml_qiskit.simulation.heisenberg import noisy_observables
from tests.tolerances import DIFFERENT, SIGMAS, VALUE

STRENGTH = 0.05


def config(ansatz: str) -> QVCConfig:
    return QVCConfig(image_shape=(1, 2, 4), num_classes=3, num_layers=2, ansatz=ansatz)


def images() -> torch.Tensor:
    return torch.rand(3, 1, 2, 4, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize(("index", "pauli"), list(enumerate("IXZY")))
def test_a_pauli_behind_a_rotation_is_another_rotation(index: int, pauli: str) -> None:
    angles = np.array([0.3, -1.1, 2.0])
    changed = SIGNS[index].numpy() * angles + SHIFTS[index].numpy()
    matrices = []
    for values in (angles, changed):
        circuit = QuantumCircuit(1)
        circuit.rz(values[0], 0)
        circuit.ry(values[1], 0)
        circuit.rz(values[2], 0)
        matrices.append(Operator(circuit))
    assert Operator(Pauli(pauli)).compose(matrices[0], front=True).equiv(matrices[1])


class Woven(Ansatz):
    """Rotations and CZ of far qubits in any direction, twice in a layer on two of them; layers differ."""

    name = "woven"

    @property
    def num_parameters(self) -> int:
        return 3 * (self.num_qubits * self.num_layers + 2)

    def add_layer(self, circuit: QuantumCircuit, layer: int, angles: Iterator[Angle]) -> None:
        add_rotations(circuit, angles)
        for pair in [(2, 0), (0, 1), (1, 2)][: 3 - layer % 2]:
            circuit.cz(*pair)

    def add_end(self, circuit: QuantumCircuit, angles: Iterator[Angle]) -> None:
        for qubit in (2, 0):
            circuit.rz(next(angles), qubit)
            circuit.ry(next(angles), qubit)
            circuit.rz(next(angles), qubit)


@pytest.fixture
def woven() -> Iterator[None]:
    ANSAETZE.register("woven", Woven)
    yield
    ANSAETZE.remove("woven")


@pytest.mark.parametrize("kind", [Ladder, Brickwork, Woven])
def test_errors_behind_cz_go_back_to_the_rotations(kind: type[Ansatz]) -> None:
    """Every bit alone: a Pauli behind a CZ does what the changed angles say."""
    ansatz = kind(3, 2)
    errors = PauliErrors.of(ansatz)
    theta = np.random.default_rng(5).uniform(-3, 3, ansatz.num_parameters)
    parts, bit = (*ansatz.layers(), ansatz.end()), 0
    for layer, count in enumerate(errors.entanglers):
        for letter, side in (("X", 0), ("X", 1), ("Z", 0), ("Z", 1)):
            for place in range(count):
                late = QuantumCircuit(3)
                for index, part in enumerate(parts):
                    couplers = 0
                    for gate in part.data:
                        late.append(gate)
                        if gate.name != "cz":
                            continue
                        if (index, couplers) == (layer, place):
                            late.append(PauliGate(letter), [gate.qubits[side]])
                        couplers += 1
                pauli = torch.zeros(len(errors.angles), dtype=torch.int64)
                for routes, value in ((errors.x, 1), (errors.z, 2)):
                    for rotation in routes[1][routes[0] == bit]:
                        pauli[rotation] ^= value
                changed = theta.copy()
                changed[errors.angles] = SIGNS[pauli].numpy() * theta[errors.angles] + SHIFTS[pauli].numpy()
                bound = late.assign_parameters({each: theta[each.index] for each in late.parameters})
                assert Operator(bound).equiv(Operator(ansatz.circuit().assign_parameters(changed)))
                bit += 1


class WithCX(Ladder):
    """What cannot be followed."""

    name = "with-cx"

    def add_layer(self, circuit: QuantumCircuit, layer: int, angles: Iterator[Angle]) -> None:
        add_rotations(circuit, angles)
        circuit.cx(0, 1)


def test_errors_that_cannot_be_sampled_are_refused_by_name() -> None:
    ANSAETZE.register("with-cx", WithCX)
    try:
        model = QVC(config("with-cx"), seed=4)
        with pytest.raises(ConfigurationError, match=r"gates of the ansatz with-cx: got a gate 'cx'"):
            NoiseAware(depolarizing=STRENGTH).check(model)
        NoiseAware(shots=100).check(model)
        with torch.no_grad():
            logits = noisy_logits(model, images(), NoiseAware(), torch.Generator())
            assert torch.allclose(logits, model(images()), atol=model.config.logit_scale * VALUE[torch.float32])
    finally:
        ANSAETZE.remove("with-cx")


def test_a_network_without_gates_is_refused() -> None:
    network = ConvNet(ConvNetConfig(image_shape=(1, 8, 8), num_classes=3))
    with pytest.raises(ConfigurationError, match="got a ConvNet; expected a QVC"):
        NoiseAware(shots=100).check(network)


@pytest.mark.parametrize("ansatz", ["ladder", "brickwork", "woven"])
@pytest.mark.usefixtures("woven")
def test_the_mean_over_draws_is_the_exact_noisy_expectation(ansatz: str) -> None:
    model = QVC(config(ansatz), seed=4)
    channel = depolarizing_error(STRENGTH, 1)
    noise = NoiseModel(basis_gates=["rz", "ry", "cz"])
    noise.add_all_qubit_quantum_error(channel.compose(channel), ["ry"])
    noise.add_all_qubit_quantum_error(depolarizing_error(STRENGTH, 2), ["cz"])
    exact = NoisyQVC(model, noisy_observables(model.ansatz(), noise, range(3)))
    generator = torch.Generator().manual_seed(9)
    with torch.no_grad():
        draws = torch.stack(
            [noisy_logits(model, images(), NoiseAware(depolarizing=STRENGTH, draws=1), generator) for _ in range(2000)]
        )
        difference = (draws.mean(0) - exact(images())).abs()
        noiseless = (model(images()) - exact(images())).abs().max()
    margin = SIGMAS * draws.std(0) / len(draws) ** 0.5
    assert bool((difference <= margin).all())
    assert noiseless > 2 * margin.max()


def test_shot_noise_has_the_spread_of_counts() -> None:
    model = QVC(config("ladder"), seed=4)
    generator = torch.Generator().manual_seed(9)
    with torch.no_grad():
        z = model.expectations(images())
        draws = torch.stack([noisy_logits(model, images(), NoiseAware(shots=100), generator) for _ in range(2000)])
    spread = draws.std(0) / model.config.logit_scale
    wanted = ((1 - z**2) / 100).sqrt()
    assert bool(((spread / wanted - 1).abs() <= SIGMAS / (2 * len(draws)) ** 0.5).all())


def test_without_noise_the_logits_are_the_models() -> None:
    model = QVC(config("brickwork"), seed=4)
    with torch.no_grad():
        logits = noisy_logits(model, images(), NoiseAware(), torch.Generator())
        assert torch.allclose(logits, model(images()), atol=model.config.logit_scale * VALUE[torch.float32])


def test_the_gradient_reaches_the_weights() -> None:
    model = QVC(config("brickwork"), seed=4)
    noise = NoiseAware(depolarizing=STRENGTH, shots=100)
    noisy_logits(model, images(), noise, torch.Generator().manual_seed(0)).square().sum().backward()
    gradient = next(model.parameters()).grad
    assert gradient is not None
    assert gradient.abs().max() > DIFFERENT


def test_brickwork_has_a_rotation_behind_every_cz() -> None:
    circuit = Brickwork(10, 24).circuit()
    assert circuit.count_ops() == {"rz": 500, "ry": 250, "cz": 108}
    pairs = {tuple(circuit.find_bit(qubit).index for qubit in op.qubits) for op in circuit.data if op.name == "cz"}
    assert pairs == {(qubit, qubit + 1) for qubit in range(9)}
