"""``qaml certify`` as a whole: what it writes, what it refuses, how it goes on, and what noise cannot change."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import Pauli
from qiskit_aer import AerSimulator

from qaml_qiskit import TrainRequest, train
from qaml_qiskit.certificates import certify_l2
from qaml_qiskit.datasets import load_dataset
from qaml_qiskit.deployments import Ideal, UnderNoise, deploy
from qaml_qiskit.execution import open_target
from qaml_qiskit.execution.catalogue import FakeEntry
from qaml_qiskit.models import QVC, DataCard, ModelCard, QVCConfig, StoredModel, load_model
from qaml_qiskit.models.store import model_files
from tests.integration import small
from tests.integration.conftest import Finished
from tests.tolerances import AER, BOUND, CERTIFICATE, DIFFERENT, VALUE

Qaml = Callable[..., Finished]
IMAGES = 20


def radii(trained: Path, noise: str | None = None, strength: float | None = None) -> np.ndarray:
    condition = Ideal() if noise is None or strength is None else UnderNoise(noise, strength)
    forms = deploy(load_model(trained), condition).decisions()
    test = load_dataset("digits", classes=(0, 1, 2)).test
    pixels = test.images[:IMAGES].reshape(IMAGES, -1).astype(float)
    return certify_l2(forms, pixels, forms.labels(pixels)).radius


def test_rows_files_and_witnesses(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    finished = qaml("certify", trained, "--images", IMAGES, "--out", tmp_path / "run", "--json")
    assert finished.code == 0, finished.err
    assert finished.err == ""
    rows = finished.json()["results"]
    assert [row["index"] for row in rows] == list(range(IMAGES))
    right = [row for row in rows if row["predicted"] == row["label"]]
    assert len(right) > IMAGES / 2
    for row in rows:
        assert row["witness_flips"] is True
        assert (row["radius"] > 0) == (row["predicted"] == row["label"])
    for row in right:
        assert row["runner_up"] != row["label"]
        assert 0 < row["linf_lower"] <= row["linf_upper"]
        assert row["lipschitz"] <= row["hypothesis_testing"] <= row["radius"]
        assert row["attack"] >= row["radius"] * (1 - CERTIFICATE)
        assert row["duality_gap"] < CERTIFICATE
    written = list(csv.DictReader((tmp_path / "run" / "certificates.csv").read_text().splitlines()))
    assert [float(row["radius"]) for row in written] == [row["radius"] for row in rows]
    for name in ("certificates.png", "metrics.json", "report.html", "config.yaml"):
        assert (tmp_path / "run" / name).is_file()


def test_predictions_and_margins_are_the_models_own(trained: Path) -> None:
    model = load_model(trained).model
    images = torch.from_numpy(load_dataset("digits", classes=(0, 1, 2)).test.images[:IMAGES])
    forms = deploy(load_model(trained)).decisions()
    pixels = images.flatten(1).double().numpy()
    values = forms.values(pixels / np.linalg.norm(pixels, axis=1, keepdims=True))
    with torch.no_grad():
        expected = model(images).numpy() / model.config.logit_scale
    np.testing.assert_allclose(values, expected, atol=VALUE[torch.float32])


@pytest.mark.parametrize("order", ["flat", "gray"])
def test_any_pixel_order(order: str) -> None:
    config = QVCConfig(image_shape=(1, 3, 4), num_classes=3, num_layers=2, pixel_order=order)
    model = QVC(config, 5)
    card = ModelCard(model=config, data=DataCard(dataset="digits", classes=(0, 1, 2)))
    forms = deploy(StoredModel(model, card)).decisions()
    images = torch.rand(5, 1, 3, 4, generator=torch.Generator().manual_seed(1))
    pixels = images.flatten(1).double().numpy()
    with torch.no_grad():
        expected = model(images).numpy() / config.logit_scale
    values = forms.values(pixels / np.linalg.norm(pixels, axis=1, keepdims=True))
    np.testing.assert_allclose(values, expected, atol=VALUE[torch.float32])


@pytest.mark.parametrize(("noise", "strength"), [("readout", 0.2), ("global-depolarizing", 0.001)])
def test_noise_that_shrinks_all_signals_alike_keeps_the_radius(trained: Path, noise: str, strength: float) -> None:
    np.testing.assert_allclose(radii(trained, noise, strength), radii(trained), rtol=BOUND)


def test_other_noise_changes_the_radius(trained: Path) -> None:
    assert np.abs(radii(trained, "amplitude-damping", 0.01) - radii(trained)).max() > DIFFERENT


def test_witnesses_flip_under_noise(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    words = ("--noise", "amplitude-damping", "--strength", "0.01", "--images", IMAGES, "--out", tmp_path / "run")
    rows = qaml("certify", trained, *words, "--json").json()["results"]
    assert all(row["witness_flips"] for row in rows)


def test_a_quadratic_classifier(qaml: Qaml, tmp_path: Path) -> None:
    train(TrainRequest(model="quadratic", classes=(0, 1, 2), epochs=2, seed=1), out=tmp_path / "model")
    words = ("certify", tmp_path / "model", "--images", IMAGES, "--out", tmp_path / "run")
    rows = qaml(*words, "--json").json()["results"]
    assert all(row["witness_flips"] for row in rows)
    assert "lipschitz" not in rows[0]
    refused = qaml("certify", tmp_path / "model", "--noise", "readout", "--strength", "0.1", "--out", tmp_path / "no")
    assert refused.code == 2
    assert not (tmp_path / "no").exists()


def test_a_terminal_gets_the_summary(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    finished = qaml("certify", trained, "--images", IMAGES, "--out", tmp_path / "run")
    assert finished.code == 0
    assert "median radius" in finished.out
    assert "Certified accuracy" in finished.out
    assert len(finished.out.splitlines()) < 40


def test_a_killed_run_certifies_no_image_twice(
    qaml: Qaml, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qaml_qiskit.studies.certifying.CHUNK", 5)
    calls = []

    def counted(*arguments: object) -> object:
        if len(calls) == 2:
            calls.append("killed")
            raise KeyboardInterrupt
        calls.append("done")
        return certify_l2(*arguments)

    monkeypatch.setattr("qaml_qiskit.studies.certifying.certify_l2", counted)
    words = ("certify", trained, "--images", IMAGES, "--json")
    assert qaml(*words, "--out", tmp_path / "run").code == 130
    again = qaml(*words, "--out", tmp_path / "run")
    assert again.code == 0
    assert calls.count("done") == 4
    whole = qaml(*words, "--out", tmp_path / "whole")
    assert whole.json()["results"] == again.json()["results"]


def test_a_convnet_is_refused(qaml: Qaml, trained_convnet: Path, tmp_path: Path) -> None:
    refused = qaml("certify", trained_convnet, "--out", tmp_path / "run")
    assert refused.code == 2
    assert "no quadratic forms" in refused.err
    assert not (tmp_path / "run").exists()


def test_an_approximate_encoding_is_refused(qaml: Qaml, tmp_path: Path) -> None:
    config = QVCConfig(
        image_shape=(1, 8, 8),
        num_classes=3,
        num_layers=1,
        encoding="approximate",
        encoding_layers=1,
        pixel_order="gray",
    )
    card = ModelCard(model=config, data=DataCard(dataset="digits", classes=(0, 1, 2)))
    for file, content in model_files(QVC(config), card).items():
        (tmp_path / file).write_bytes(content)
    refused = qaml("certify", tmp_path, "--out", tmp_path / "run")
    assert refused.code == 2
    assert "approximate" in refused.err
    assert not (tmp_path / "run").exists()


def test_a_noise_may_be_part_of_the_name(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    words = ("--images", 4, "--json")
    long = qaml("certify", trained, "--noise", "depolarizing", "--strength", "0.01", *words, "--out", tmp_path / "long")
    short = qaml("certify", f"{trained}@depolarizing:0.01", *words, "--out", tmp_path / "short")
    assert short.code == 0, short.err
    assert short.json()["results"] == long.json()["results"]
    for wrong, said in (
        ("@depolarizing:2", "0 to 1"),
        ("@fake-torino:x", "fake-torino"),
        ("@fake-torrino", "fake-torino"),
        ("@bit-flip:0.1:encoding", "no quadratic forms"),
        ("@readout:0.1@ideal", "names a condition"),
    ):
        refused = qaml("certify", f"{trained}{wrong}", *words, "--out", tmp_path / "wrong")
        assert refused.code == 2
        assert said in refused.err
    assert not (tmp_path / "wrong").exists()


def test_forms_on_a_device_are_those_of_its_layers_under_its_noise() -> None:
    """Against Aer's density matrix, for states that enter without noise."""
    target = open_target("manila", FakeEntry(kind="fake", device="FakeManilaV2"), 3)
    deployed = small.deployed(target, "level3")
    forms, layers = deployed.decisions(), deployed.layers
    simulator = AerSimulator(method="density_matrix", noise_model=layers.noise)
    pixels = small.images(3).flatten(1).double().numpy()
    for row in pixels / np.linalg.norm(pixels, axis=1, keepdims=True):
        circuit, state = QuantumCircuit(layers.circuit.num_qubits), np.zeros(2**layers.circuit.num_qubits)
        for number, amplitude in enumerate(row):
            state[sum((number >> k & 1) << qubit for k, qubit in enumerate(layers.inputs))] = amplitude
        circuit.set_density_matrix(np.outer(state, state))
        circuit.compose(layers.circuit, inplace=True)
        for k, qubit in enumerate(layers.read):
            circuit.save_expectation_value(Pauli("Z"), [qubit], label=str(k))
        found = simulator.run(circuit).result().data()
        z = layers.readout.read(np.array([[found[str(k)] for k in range(len(layers.read))]]))
        np.testing.assert_allclose(forms.values(row[None]), z, atol=AER)


def test_a_target_is_certified(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    """Readout errors that are the same for all classes shrink all margins alike, and change no radius."""
    (tmp_path / "backends.yaml").write_text(small.STRONG_READOUT)
    where = ("--backends", tmp_path / "backends.yaml", "--recipe", "quick", "--images", 6)
    document = qaml("certify", f"{trained}@poor", *where, "--out", tmp_path / "run", "--json").json()
    rows = document["results"]
    assert all(row["witness_flips"] for row in rows)
    expected = np.where([row["predicted"] == row["label"] for row in rows], radii(trained)[: len(rows)], 0)
    np.testing.assert_allclose([row["radius"] for row in rows], expected, rtol=BOUND)
    assert any("noiseless" in note for note in document["notes"])
    assert "target" in yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())["resolved"]
