"""An ansatz from outside the package: it takes a registered class, and nothing else, for everything to work with it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import Statevector

from qaml_qiskit import ResourcesRequest, TrainRequest, resources
from qaml_qiskit.circuits import ANSAETZE, Ansatz, add_rotations
from qaml_qiskit.circuits.ansatz import Angle
from qaml_qiskit.defences import NoiseAware
from qaml_qiskit.deployments.circuits import native_circuit
from qaml_qiskit.encodings import amplitudes
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.models import (
    QVC,
    DataCard,
    QVCConfig,
    Trainer,
    TrainingConfig,
    load_model,
    save_model,
)
from qaml_qiskit.noise import named_noise
from qaml_qiskit.simulation.heisenberg import noisy_expectations
from tests.tolerances import AER, DIFFERENT, VALUE
from tests.unit.noise.noise_cases import hand_made
from tests.unit.simulation.heisenberg_cases import aer_expectations


class Ring(Ansatz):
    """Rotations in every second layer, and CZ round a ring in all; a last wall."""

    name = "toy-ring"

    @property
    def num_parameters(self) -> int:
        return 3 * self.num_qubits * ((self.num_layers + 1) // 2 + 1)

    def add_layer(self, circuit: QuantumCircuit, layer: int, angles: Iterator[Angle]) -> None:
        if layer % 2 == 0:
            add_rotations(circuit, angles)
        for qubit in range(layer % 2, self.num_qubits):
            circuit.cz(qubit, (qubit + 1) % self.num_qubits)

    def add_end(self, circuit: QuantumCircuit, angles: Iterator[Angle]) -> None:
        add_rotations(circuit, angles)


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    ANSAETZE.register("toy-ring", Ring)
    yield
    ANSAETZE.remove("toy-ring")


def toy(seed: int = 3) -> QVC:
    return QVC(QVCConfig(image_shape=(1, 2, 4), num_classes=2, num_layers=3, ansatz="toy-ring"), seed)


def images(count: int = 4) -> torch.Tensor:
    return torch.rand(count, 1, 2, 4, generator=torch.Generator().manual_seed(1)) + 0.01


def test_a_classifier_is_built_on_it() -> None:
    model = toy()
    with torch.no_grad():
        z = model.expectations(images()).numpy()
    for row, state in zip(z, amplitudes(images(), 3).double().numpy(), strict=True):
        evolved = Statevector(state / np.linalg.norm(state)).evolve(model.ansatz())
        probabilities = [evolved.probabilities([qubit]) for qubit in (0, 1)]
        assert np.abs(row - [p[0] - p[1] for p in probabilities]).max() < VALUE[torch.float32]


def test_it_is_stored_and_asked_for_by_name(tmp_path: Path) -> None:
    model = toy()
    save_model(tmp_path, model, DataCard(dataset="mine", classes=(0, 1)))
    again = load_model(tmp_path).model
    assert isinstance(again, QVC)
    assert torch.equal(again.weight, model.weight)
    assert TrainRequest(ansatz="toy-ring").ansatz == "toy-ring"
    ANSAETZE.remove("toy-ring")
    try:
        with pytest.raises(InputError, match=r"model\.json: got there is no such ansatz"):
            load_model(tmp_path)
        with pytest.raises(ConfigurationError, match=r"ansatz does not fit: got 'brickwall'.*brickwork"):
            TrainRequest(ansatz="brickwall")
    finally:
        ANSAETZE.register("toy-ring", Ring)


def test_noise_by_layer_knows_its_layers() -> None:
    model = toy()
    angles, ansatz = model.weight.detach().double().numpy(), model.config.build_ansatz()
    *layers, last = (
        part.assign_parameters({each: angles[each.index] for each in part.parameters})
        for part in (*ansatz.layers(), ansatz.end())
    )
    noisy = native_circuit(model, "layer", with_encoding=False).under(named_noise("amplitude-damping", 0.1, "layer"))
    wanted = hand_made(layers, "amplitude-damping", 0.1, "layer", last)
    found = noisy_expectations(noisy.circuit, noisy.noise, range(3), dtype=torch.float64).numpy()
    assert np.abs(found - wanted).max() < VALUE[torch.float64]
    assert np.abs(aer_expectations(noisy.circuit, noisy.noise) - wanted).max() < AER


def test_crosstalk_goes_round_the_ring() -> None:
    spec = named_noise("crosstalk", 0.1, "layer")
    circuit = native_circuit(toy(), "layer", with_encoding=False).under(spec).circuit
    pairs = [[circuit.find_bit(q).index for q in each.qubits] for each in circuit.data if each.label == "crosstalk"]
    assert pairs == [[0, 1], [0, 2], [1, 2]] * 3


def test_it_is_trained_under_noise() -> None:
    model, labels = toy(), torch.tensor([0, 1, 0, 1])
    before = model.weight.detach().clone()
    data = (images(), labels)
    config = TrainingConfig(epochs=1, batch_size=2)
    Trainer(model, data, data, config, objective=NoiseAware(depolarizing=0.05, shots=100, draws=2)).run()
    assert (model.weight - before).abs().max() > DIFFERENT


def test_its_resources_are_counted() -> None:
    request = ResourcesRequest.model_validate(
        {
            "qubits": (4,),
            "layers": (2,),
            "ansatz": ("ladder", "toy-ring"),
            "encoding": ("none",),
            "recipe": ("quick",),
            "images": 1,
        }
    )
    rows = resources(request).results
    built = [(row["ansatz"], row["two_qubit_gates"]) for row in rows if row["target"] is None]
    assert built == [("ladder", 2 * 3), ("toy-ring", 4 + 3)]
    assert [row["ansatz"] for row in rows if row["target"]] == ["ladder", "toy-ring"]
