"""What models from parts outside the package allow: refused before any work, or counted right."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from qiskit.circuit import QuantumCircuit

import qaml_qiskit as qaml
from qaml_qiskit.circuits import ANSAETZE, READOUTS, Ansatz, Readout, ZString
from qaml_qiskit.circuits.ansatz import Angle
from qaml_qiskit.circuits.brickwork import Brickwork
from qaml_qiskit.deployments import Deployment, OnTarget, UnderNoise, deploy
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.evaluation import LinearHead
from qaml_qiskit.models import QVC, ConvNet, ConvNetConfig, DataCard, ModelCard, QVCConfig, StoredModel, save_model
from qaml_qiskit.studies import PARTS, check_parts, parts_of
from qaml_qiskit.studies.sweeping import SweepCell, check_cell, pack
from qaml_qiskit.studies.tampered_circuits import rotations_of
from tests.tolerances import VALUE


class Apart(Readout):
    """How far each class is from the next: no ⟨Z⟩ of one qubit."""

    name = "toy-apart"

    def check(self) -> None:
        """Any classes fit."""

    @property
    def strings(self) -> tuple[ZString, ...]:
        return tuple((qubit,) for qubit in range(self.num_classes))

    @property
    def head(self) -> LinearHead:
        unit = np.eye(self.num_classes)
        return LinearHead(unit - np.roll(unit, 1, axis=1), np.zeros(self.num_classes))


class Web(Ansatz):
    """No layers: a wall of RX, then what :attr:`kind` couples."""

    name = "toy-web"
    layered = False
    kind = "rzz"

    @property
    def num_parameters(self) -> int:
        return 2 * self.num_qubits - 1

    def add_end(self, circuit: QuantumCircuit, angles: Iterator[Angle]) -> None:
        for qubit in range(self.num_qubits):
            circuit.rx(next(angles), qubit)
        for qubit in range(self.num_qubits - 1):
            angle = next(angles)
            if self.kind == "doubled":
                circuit.rzz(2 * angle, qubit, qubit + 1)
            else:
                getattr(circuit, self.kind)(angle, qubit, qubit + 1)


class Mixed(Web):
    """An arbitrary rotation between single ones."""

    @property
    def num_parameters(self) -> int:
        return 7

    def add_end(self, circuit: QuantumCircuit, angles: Iterator[Angle]) -> None:
        circuit.rz(next(angles), 0)
        circuit.ry(next(angles), 1)
        circuit.h(0)
        for turn in (circuit.rz, circuit.ry, circuit.rz):
            turn(next(angles), 0)
        circuit.rz(next(angles), 0)
        circuit.rzz(next(angles), 0, 1)


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    ANSAETZE.register("toy-web", Web)
    READOUTS.register("toy-apart", Apart)
    yield
    ANSAETZE.remove("toy-web")
    READOUTS.remove("toy-apart")


def deployed(**fields: str) -> Deployment:
    config = QVCConfig(image_shape=(1, 2, 4), num_classes=3, num_layers=1, **fields)  # type: ignore[arg-type]
    return deploy(StoredModel(QVC(config), ModelCard(model=config, data=DataCard(dataset="digits", classes=(0, 1, 2)))))


def test_a_readout_that_makes_more_of_z_goes_to_targets_and_sweeps() -> None:
    model, images = deployed(readout="toy-apart"), torch.ones(2, 1, 2, 4)
    noisy = model.under("depolarizing", 0.1)
    for engine in ("exact", "aer-sampler"):
        cell = SweepCell(noisy, False, pack(images, np.arange(2)), engine, (), (1,), ("none", "readout"), 1, 0, 0)
        assert check_cell(cell) == ()
    sampled = model.at(OnTarget("ideal", "quick")).sample({"all": images}, shots=20)["all"]
    np.testing.assert_allclose(sampled.logits()["ideal"], model.logits(images), atol=VALUE[torch.float32])


def test_its_logits_are_its_own_also_under_noise_on_the_encoding() -> None:
    model, images = deployed(readout="toy-apart"), torch.rand(2, 1, 2, 4, generator=torch.Generator().manual_seed(1))
    own = deployed()
    for noise in (UnderNoise("depolarizing", 0.1), UnderNoise("depolarizing", 0.1, on_encoding=True)):
        z = torch.from_numpy(own.at(noise).expectations(images))
        scale = own.qvc.config.logit_scale
        apart = torch.from_numpy(Apart(3, 3).head.times(scale).logits(z.double().numpy()))
        assert (model.at(noise).logits(images) - apart).abs().max() / scale < VALUE[torch.float32]


def test_an_ansatz_without_layers_has_no_crosstalk_and_is_not_tampered_so() -> None:
    model = deployed(ansatz="toy-web")
    assert parts_of(model) == tuple(part for part in PARTS if part != "crosstalk")
    with pytest.raises(ConfigurationError, match="no crosstalk after the layers of qvc: got the ansatz toy-web, which"):
        check_parts(model, ["crosstalk"])


def test_it_is_tampered_with_in_all_that_it_has(tmp_path: Path) -> None:
    model = deployed(ansatz="toy-web")
    save_model(tmp_path / "web", model.qvc, model.card.data)
    pictures = torch.rand(4, 1, 2, 4, generator=torch.Generator().manual_seed(1)).numpy()
    np.savez(tmp_path / "images.npz", images=pictures, labels=np.arange(4) % 3)
    words = {"model": str(tmp_path / "web"), "images": str(tmp_path / "images.npz")}
    request = qaml.TamperRequest(**words, strengths=(0.0, 1.0), steps=2)  # type: ignore[arg-type]
    found = qaml.tamper(request, out=tmp_path / "run")
    assert {row["part"] for row in found.results} == {*PARTS} - {"crosstalk"}
    assert "crosstalk: left out, because the ansatz toy-web has no layers." in found.notes
    # What is left out turns by the angle of the gate, and any gate may go where the strength allows all.
    none, gone = (row for row in found.results if row["part"] == "gates")
    (dropped,) = np.load(next((tmp_path / "run" / "cells").glob("gates-1.0.npz")))["change"]
    assert (none["components"], gone["components"]) == (0, 1)
    turned = float(torch.sin(model.qvc.weight.detach()[dropped] / 2).abs())
    assert gone["spent"] == pytest.approx(turned, abs=VALUE[torch.float32])


def test_rotations_are_found_in_the_circuit() -> None:
    assert rotations_of(Web(3, 1)) == [(0,), (1,), (2,), (3,), (4,)]
    assert rotations_of(Mixed(2, 1)) == [(0,), (1,), (2, 3, 4), (5,), (6,)]
    assert rotations_of(Brickwork(2, 1)) == [(0, 1, 2), (3, 4, 5), (6, 7, 8), (9, 10, 11)]


@pytest.mark.parametrize(("kind", "got"), [("crx", "the gate crx"), ("doubled", "the gate rzz")])
def test_gates_that_are_no_rotations_are_refused(monkeypatch: pytest.MonkeyPatch, kind: str, got: str) -> None:
    monkeypatch.setattr(Web, "kind", kind)
    model = deployed(ansatz="toy-web")
    assert "gates" not in parts_of(model)
    with pytest.raises(ConfigurationError, match=f"the ansatz toy-web cannot be left out one by one: got {got};"):
        check_parts(model, ["gates"])


def test_a_model_without_a_circuit_has_no_parts() -> None:
    network = deploy(ConvNet(ConvNetConfig(image_shape=(1, 8, 8), num_classes=2)))
    with pytest.raises(ConfigurationError, match="has no quantum circuit"):
        parts_of(network)
