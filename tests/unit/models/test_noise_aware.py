"""Training under sampled noise: Pauli errors as angles, and their mean against the exact noisy engine."""

import numpy as np
import pytest
import torch
from qiskit import QuantumCircuit
from qiskit.quantum_info import Operator, Pauli
from qiskit_aer.noise import NoiseModel, depolarizing_error

from qaml_qiskit.circuits import qvc_ansatz
from qaml_qiskit.models import QVC, NoisyQVC, QVCConfig, TrainingNoise, noisy_logits
from qaml_qiskit.models.noise_aware import _SHIFTS, _SIGNS, _errors_behind_cz
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
    changed = _SIGNS[index].numpy() * angles + _SHIFTS[index].numpy()
    matrices = []
    for values in (angles, changed):
        circuit = QuantumCircuit(1)
        circuit.rz(values[0], 0)
        circuit.ry(values[1], 0)
        circuit.rz(values[2], 0)
        matrices.append(Operator(circuit))
    assert Operator(Pauli(pauli)).compose(matrices[0], front=True).equiv(matrices[1])


@pytest.mark.parametrize("bonds", [range(3), range(0, 3, 2)])
def test_errors_move_in_front_of_the_layers_cz(bonds: range) -> None:
    x, z = torch.zeros(4, dtype=torch.bool), torch.zeros(4, dtype=torch.bool)
    _errors_behind_cz(x, z, bonds, 1.0, torch.Generator().manual_seed(1))
    # The same errors, drawn again in the same order, and pushed by Qiskit.
    generator = torch.Generator().manual_seed(1)
    torch.rand(len(bonds), generator=generator)
    lower_x, upper_x, lower_z, upper_z = (torch.rand(1, len(bonds), generator=generator)[0] < 0.5 for _ in range(4))
    late = QuantumCircuit(4)
    for place, bond in enumerate(bonds):
        late.cz(bond, bond + 1)
        for qubit, flip_x, flip_z in ((bond, lower_x, lower_z), (bond + 1, upper_x, upper_z)):
            if flip_z[place]:
                late.z(qubit)
            if flip_x[place]:
                late.x(qubit)
    early = QuantumCircuit(4)
    for qubit in range(4):
        if z[qubit]:
            early.z(qubit)
        if x[qubit]:
            early.x(qubit)
    for bond in bonds:
        early.cz(bond, bond + 1)
    assert Operator(late).equiv(Operator(early))


@pytest.mark.parametrize("ansatz", ["ladder", "brickwork"])
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
            [
                noisy_logits(model, images(), TrainingNoise(depolarizing=STRENGTH, draws=1), generator)
                for _ in range(2000)
            ]
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
        draws = torch.stack([noisy_logits(model, images(), TrainingNoise(shots=100), generator) for _ in range(2000)])
    spread = draws.std(0) / model.config.logit_scale
    wanted = ((1 - z**2) / 100).sqrt()
    assert bool(((spread / wanted - 1).abs() <= SIGMAS / (2 * len(draws)) ** 0.5).all())


def test_without_noise_the_logits_are_the_models() -> None:
    model = QVC(config("brickwork"), seed=4)
    with torch.no_grad():
        logits = noisy_logits(model, images(), TrainingNoise(), torch.Generator())
        assert torch.allclose(logits, model(images()), atol=model.config.logit_scale * VALUE[torch.float32])


def test_the_gradient_reaches_the_weights() -> None:
    model = QVC(config("brickwork"), seed=4)
    noise = TrainingNoise(depolarizing=STRENGTH, shots=100)
    noisy_logits(model, images(), noise, torch.Generator().manual_seed(0)).square().sum().backward()
    gradient = next(model.parameters()).grad
    assert gradient is not None
    assert gradient.abs().max() > DIFFERENT


def test_brickwork_has_a_rotation_behind_every_cz() -> None:
    circuit = qvc_ansatz(10, 24, "brickwork")
    assert circuit.count_ops() == {"rz": 500, "ry": 250, "cz": 108}
    pairs = {tuple(circuit.find_bit(qubit).index for qubit in op.qubits) for op in circuit.data if op.name == "cz"}
    assert pairs == {(qubit, qubit + 1) for qubit in range(9)}
