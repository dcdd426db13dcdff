"""``qaml tamper`` as a whole: what it writes and refuses, how it goes on, and that the victims are the classifier."""

import csv
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp, Statevector

from qaml_qiskit import TamperRequest, tamper
from qaml_qiskit.attacks.quantum import Budget, CrosstalkAttack, QuantumAttack
from qaml_qiskit.datasets import load_dataset
from qaml_qiskit.deployments import Batch
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.models import (
    QVC,
    DataCard,
    ModelCard,
    QuadraticClassifier,
    QuadraticConfig,
    QVCConfig,
    load_model,
    save_model,
)
from qaml_qiskit.models.store import model_files
from qaml_qiskit.studies import PARTS, TamperedCell, TamperedPart, Tampering, honest_readout
from qaml_qiskit.studies.tampered_circuits import crosstalk_circuit
from tests.integration import small
from tests.integration.conftest import Finished
from tests.tolerances import BOUND, VALUE

Qaml = Callable[..., Finished]
IMAGES, STRENGTHS = 20, (0.01, 0.1, 0.5)
WORDS = ("--images", IMAGES, "--strengths", "0.5,0.01,0.1", "--steps", 8)
CONFIGS = {
    "padded": QVCConfig(image_shape=(1, 2, 3), num_classes=3, num_layers=2),
    "brickwork": QVCConfig(image_shape=(1, 4, 4), num_classes=3, num_layers=3, ansatz="brickwork"),
    "gray": QVCConfig(image_shape=(1, 3, 4), num_classes=2, num_layers=2, pixel_order="gray"),
    "angle": QVCConfig(image_shape=(1, 1, 3), num_classes=2, num_layers=2, encoding="angle"),
}


@pytest.fixture(params=CONFIGS)
def victim(request: pytest.FixtureRequest) -> Tampering:
    model = QVC(CONFIGS[request.param], 4)
    images = torch.rand(5, *model.config.image_shape, generator=torch.Generator().manual_seed(2))
    batch = Batch(images, model(images).argmax(1).numpy(), np.arange(5), "5")
    deployment = small.ideal(model)
    return Tampering(deployment, batch, honest_readout(deployment, 0.1))


def altered(accuracy: float, model: QVC, weight: torch.Tensor, trained: Path) -> bool:
    """Whether the trained model with these weights has that accuracy."""
    test = load_dataset("digits", classes=(0, 1, 2)).test
    model.weight.data = weight
    found = model(torch.from_numpy(test.images[:IMAGES])).argmax(1).numpy()
    return bool((found == test.labels[:IMAGES]).mean() == accuracy)


# What the attacks are given


def test_states_and_forms_are_the_models_own(victim: Tampering) -> None:
    states, matrices = victim.states, victim.matrices
    np.testing.assert_allclose(states.norm(dim=1), 1, atol=VALUE[torch.float64])
    forms = torch.einsum("ni,kij,nj->nk", states, matrices, states)
    np.testing.assert_allclose(forms, victim.z, atol=VALUE[torch.float32])


def test_crosstalk_turns_neighbours_after_every_layer(victim: Tampering) -> None:
    """Against a circuit that is put together gate by gate, run by Qiskit on single states."""
    model = victim.deployment.qvc
    config, weights = model.config, model.weight.detach().double().numpy()
    n = config.num_qubits
    angles = np.linspace(-0.4, 0.7, n - 1)
    expected, theta = QuantumCircuit(n), iter(weights)
    for layer in range(config.num_layers + (config.ansatz == "brickwork")):
        for qubit in range(n):
            expected.rz(next(theta), qubit)
            expected.ry(next(theta), qubit)
            expected.rz(next(theta), qubit)
        if layer == config.num_layers:
            break
        for qubit in range(layer % 2, n - 1, 2) if config.ansatz == "brickwork" else range(n - 1):
            expected.cz(qubit, qubit + 1)
        for qubit in range(n - 1):
            expected.rzz(angles[qubit], qubit, qubit + 1)
    attack = victim.attack(TamperedCell("crosstalk", Budget(0.1), slice(0, 5)))
    assert isinstance(attack, CrosstalkAttack)
    assert attack.couplings == n - 1
    found = attack.victim(torch.tensor(angles))(attack.images)
    for state, row in zip(victim.states.numpy(), found, strict=True):
        final = Statevector(state).evolve(expected)
        z = [final.expectation_value(SparsePauliOp.from_sparse_list([("Z", [k], 1)], n)).real for k in range(len(row))]
        np.testing.assert_allclose(row, z, atol=VALUE[torch.float32])
    assert crosstalk_circuit(model).num_parameters == n - 1


def test_honest_victims_are_the_classifier(victim: Tampering) -> None:
    for part in PARTS:
        damage = victim.attack(TamperedCell(part, Budget(0.0), slice(0, 5))).damage(Budget(0.0))
        assert damage.before == damage.after == 1, part


def test_readout_of_a_target() -> None:
    readout = honest_readout(small.deployed(small.strong_readout()), 0.02)
    np.testing.assert_allclose(readout.p10, 0.08, atol=VALUE[torch.float64])
    np.testing.assert_allclose(readout.p01, 0.25, atol=VALUE[torch.float64])
    certain = readout.read(torch.tensor([[1.0] * 3, [-1.0] * 3], dtype=torch.float64))
    np.testing.assert_allclose(certain, [[1 - 2 * 0.08] * 3, [2 * 0.25 - 1] * 3], atol=VALUE[torch.float64])


# The command


def test_rows_and_files(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    finished = qaml("tamper", trained, *WORDS, "--out", tmp_path / "run", "--json")
    assert finished.code == 0, finished.err
    assert finished.err == ""
    rows = finished.json()["results"]
    assert [(row["part"], row["strength"]) for row in rows] == [(part, s) for part in PARTS for s in STRENGTHS]
    for row in rows:
        assert row["images"] == IMAGES
        assert row["interval"][0] <= row["accuracy"] <= row["interval"][1]
        assert row["accuracy"] <= row["accuracy_before"]
        assert row["spent"] <= row["strength"] + BOUND
    for part in PARTS:
        accuracies = [row["accuracy"] for row in rows if row["part"] == part]
        assert accuracies == sorted(accuracies, reverse=True)
        if part != "gates":
            assert accuracies[-1] < rows[0]["accuracy_before"]
    written = list(csv.DictReader((tmp_path / "run" / "tamper.csv").read_text().splitlines()))
    assert [float(row["accuracy"]) for row in written] == [row["accuracy"] for row in rows]
    assert all({"changes", "knows"} <= row.keys() for row in written)
    for name in ("tamper.png", "metrics.json", "report.html", "config.yaml"):
        assert (tmp_path / "run" / name).is_file()


def test_kept_changes_do_what_the_rows_say(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    words = ("--images", IMAGES, "--strengths", 0.3, "--part", "weights,gates", "--components", 2)
    rows = qaml("tamper", trained, *words, "--out", tmp_path / "run", "--json").json()["results"]
    by_part = {row["part"]: row for row in rows}
    model = load_model(trained).model
    assert isinstance(model, QVC)
    honest = model.weight.detach().clone()
    change = torch.from_numpy(np.load(tmp_path / "run/cells/weights-0.3.npz")["change"])
    assert 0 < int((change != 0).sum()) == by_part["weights"]["components"] <= 2
    assert change.abs().max() <= 2 * math.asin(0.3) + BOUND
    assert altered(by_part["weights"]["accuracy"], model, honest + change, trained)
    dropped = np.load(tmp_path / "run/cells/gates-0.3.npz")["change"]
    without = honest.clone()
    for gate in dropped.astype(int):
        without[3 * gate : 3 * gate + 3] = 0
    assert len(dropped) == by_part["gates"]["components"] <= 2
    assert altered(by_part["gates"]["accuracy"], model, without, trained)


def test_a_killed_run_goes_on(qaml: Qaml, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = qaml("tamper", trained, *WORDS, "--out", tmp_path / "whole", "--json").json()["results"]
    monkeypatch.setattr("qaml_qiskit.studies.tampered.BLOCK", 8)
    real, calls = Tampering.attack, []

    def counted(work: Tampering, cell: TamperedCell) -> QuantumAttack:
        if len(calls) == 7:
            calls.append("killed")
            raise KeyboardInterrupt
        calls.append("done")
        return real(work, cell)

    monkeypatch.setattr(Tampering, "attack", counted)
    words = ("tamper", trained, *WORDS, "--out", tmp_path / "run", "--json")
    assert qaml(*words).code == 130
    assert len(list((tmp_path / "run" / "cells").glob("*.json"))) == 7
    again = qaml(*words)
    assert again.code == 0
    # Five parts of three strengths, and three blocks of states.
    assert calls.count("done") == 5 * 3 + 3 * 3
    for row, expected in zip(again.json()["results"], whole, strict=True):
        assert row.pop("spent") == pytest.approx(expected.pop("spent"), abs=BOUND)
        assert row == expected
    assert qaml(*words).json()["results"] == again.json()["results"]
    assert calls.count("done") == 5 * 3 + 3 * 3


def test_readout_errors_of_a_target_are_used(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "backends.yaml").write_text(small.STRONG_READOUT)
    words = ("--part", "readout", "--part", "calibration", "--strengths", 0, "--images", IMAGES)
    where = ("--target", "poor", "--recipe", "quick", "--backends", tmp_path / "backends.yaml")
    rows = qaml("tamper", trained, *words, *where, "--out", tmp_path / "run", "--json").json()["results"]
    model, test = load_model(trained).model, load_dataset("digits", classes=(0, 1, 2)).test
    with torch.no_grad():
        z = model(torch.from_numpy(test.images[:IMAGES])).numpy() / model.config.logit_scale
    assert not (tmp_path / "run" / "tamper.png").exists(), "a logarithmic axis has no place for strength 0"
    read = (1 - 0.08 - 0.25) * z + 0.25 - 0.08
    for row, values in zip(rows, (read, z), strict=True):
        right = (values.argmax(1) == test.labels[:IMAGES]).mean()
        assert row["accuracy"] == row["accuracy_before"] == right


def test_a_terminal_gets_the_figures_and_what_is_assumed(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    finished = qaml("tamper", trained, "--part", "readout", "--strengths", 0.1, "--out", tmp_path / "run")
    assert finished.code == 0
    assert "accuracy before" in finished.out
    assert "What each attack assumes" in finished.out
    assert "0.02 for every qubit" in finished.out


def test_a_convnet_is_refused(qaml: Qaml, trained_convnet: Path, tmp_path: Path) -> None:
    refused = qaml("tamper", trained_convnet, "--out", tmp_path / "run")
    assert refused.code == 2
    assert "no quantum circuit" in refused.err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("part", PARTS)
def test_a_quadratic_classifier_is_refused_for_every_part(part: TamperedPart, tmp_path: Path) -> None:
    model = QuadraticClassifier(QuadraticConfig(image_shape=(1, 8, 8), num_classes=2), 0)
    save_model(tmp_path / "model", model, DataCard(dataset="digits", classes=(0, 1)))
    with pytest.raises(ConfigurationError, match="no quantum circuit: got a quadratic"):
        tamper(TamperRequest(model=str(tmp_path / "model"), part=(part,)), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_many_qubits_leave_the_encoding_out(
    qaml: Qaml, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qaml_qiskit.studies.tampered_circuits.MOST_QUBITS", 5)
    document = qaml("tamper", trained, *WORDS, "--out", tmp_path / "run", "--json").json()
    assert "encoding" not in {row["part"] for row in document["results"]}
    assert any(note.startswith("encoding: left out") for note in document["notes"])


def test_a_model_file_with_a_brickwork_runs(qaml: Qaml, tmp_path: Path) -> None:
    config = QVCConfig(image_shape=(1, 8, 8), num_classes=3, num_layers=2, ansatz="brickwork")
    card = ModelCard(model=config, data=DataCard(dataset="digits", classes=(0, 1, 2)))
    (tmp_path / "model").mkdir()
    for file, content in model_files(QVC(config), card).items():
        (tmp_path / "model" / file).write_bytes(content)
    assert qaml("tamper", tmp_path / "model", *WORDS, "--out", tmp_path / "run", "--json").code == 0


def test_a_noise_is_refused(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    refused = qaml("tamper", f"{trained}@readout:0.1", "--out", tmp_path / "run")
    assert refused.code == 2
    assert "under a noise" in refused.err
    assert not (tmp_path / "run").exists()
