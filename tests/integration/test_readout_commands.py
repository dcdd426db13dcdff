"""Ten digits on six qubits, by a trained head over ⟨Z⟩ and ⟨ZZ⟩: through every command that asks no device."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import qaml_qiskit as qaml_package
from qaml_qiskit.models import QVC, load_model
from tests.integration.conftest import Finished

Qaml = Callable[..., Finished]
CLASSES = tuple(range(10))


@pytest.fixture(scope="module")
def ten(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readout") / "ten"
    request = qaml_package.TrainRequest(readout="linear-zz", layers=3, epochs=8)
    qaml_package.train(request, out=folder)
    return folder


def test_the_digits_are_all_ten_where_the_readout_is_trained(ten: Path, qaml: Qaml) -> None:
    fields = json.loads((ten / "model.json").read_text())
    assert tuple(fields["data"]["classes"]) == CLASSES
    assert (fields["model"]["readout"], fields["model"]["num_classes"]) == ("linear-zz", 10)
    assert "observables" not in fields["model"]
    stored = load_model(ten)
    assert isinstance(stored.model, QVC)
    assert not torch.equal(stored.model.head_matrix, torch.eye(10, 11))
    metrics = json.loads((ten / "metrics.json").read_text())
    assert metrics["test_accuracy"] > 0.6
    few = qaml("train", "--readout", "single", "--classes", "3,8", "--layers", 1, "--epochs", 1, "--out", "few")
    assert few.code == 0, few.err
    assert load_model("few").card.model.num_classes == 2


def test_observables_are_kept_in_the_card(qaml: Qaml) -> None:
    words = ("--readout", "linear", "--observables", "ZIIIIZ,IZZIII,IIIIZZ,ZZZZZZ", "--layers", 1, "--epochs", 1)
    assert qaml("train", *words, "--out", "run").code == 0
    model = load_model("run").model
    assert isinstance(model, QVC)
    assert model.config.observables == ("ZIIIIZ", "IZZIII", "IIIIZZ", "ZZZZZZ")
    assert model.readout.strings == ((0, 5), (3, 4), (0, 1), (0, 1, 2, 3, 4, 5))
    assert "IIIIZZ" in (Path("run") / "config.yaml").read_text()


def test_it_is_attacked_carried_over_certified_and_tampered_with(ten: Path, qaml: Qaml) -> None:
    noisy = f"{ten}@depolarizing:0.005"
    for victim in (str(ten), noisy):
        words = ("--attack", "pgd", "--steps", 5, "--eps", "0.05,0.3", "--images", 6, "--json")
        rows = qaml("attack", victim, *words).json()["results"]
        assert rows[-1]["robust_accuracy"] <= rows[0]["robust_accuracy"] <= rows[0]["clean_accuracy"]
    moved = qaml(
        "transfer", "--sources", ten, "--victims", noisy, "--images", 6, "--eps", "0.3", "--steps", 2, "--json"
    )
    assert moved.code == 0, moved.err
    certified = qaml("certify", noisy, "--images", 2, "--json")
    assert certified.code == 0, certified.err
    assert all(row["witness_flips"] for row in certified.json()["results"])
    tampered = qaml("tamper", ten, "--images", 6, "--strengths", "0.5", "--steps", 2, "--json")
    assert tampered.code == 0, tampered.err
    assert len(tampered.json()["results"]) == 6
