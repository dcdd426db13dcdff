"""``qaml uncertainty`` as a whole: rows, gains, files, a kill, and objects in place of names."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from qaml_qiskit import Deployment, deploy, load_model, uncertainty
from qaml_qiskit.models import Laplace
from tests.integration.conftest import Finished, results

Qaml = Callable[..., Finished]
FAST = ("--images", "20", "--validation", "12", "--curvature-images", "10", "--draws", "3")


def test_families_beside_the_model_at_its_temperature(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    members = ("laplace", "laplace-samples", "noise")
    words = ("uncertainty", trained, "--members", *members, "--shots", "200", *FAST)
    finished = qaml(*words, "--out", run, "--json")
    assert finished.code == 0, finished.err
    assert finished.err == ""
    document = finished.json()
    rows = {row["source"]: row for row in document["results"]}
    assert list(rows) == ["temperature", *members]
    assert [row["members"] for row in rows.values()] == [1, 3, 3, 3]
    for row in rows.values():
        parts = row["expected_entropy"] + row["model_part"] + row["shot_part"]
        assert row["predictive_entropy"] == pytest.approx(parts)
        assert row["shot_part"] > 0
        assert {"nll", "nll_interval", "ece", "auroc_entropy", "auroc_mutual_information"} <= set(row)
    assert rows["temperature"]["model_part"] == pytest.approx(0)
    assert rows["laplace"]["prior"] > 0
    assert {row["source"] for row in document["gains"]} == {*members}
    for name in ("uncertainty.csv", "gains.csv", "uncertainty.png", "predictions.npz", "report.html", "metrics.json"):
        assert (run / name).is_file()
    with np.load(run / "predictions.npz") as kept:
        assert kept["probabilities_laplace"].sum(axis=1) == pytest.approx(1)
        parts = sum(kept[f"{part}_laplace"] for part in ("expected_entropy", "model_part", "shot_part"))
        assert kept["predictive_entropy_laplace"] == pytest.approx(parts)
        assert kept["labels"].shape == (20,)
    with (run / "gains.csv").open() as table:
        assert {row["figure"] for row in csv.DictReader(table)} >= {"nll", "ece", "accuracy", "auroc_entropy"}


def test_an_ensemble_of_a_circuit_and_a_network(
    qaml: Qaml, trained: Path, trained_convnet: Path, tmp_path: Path
) -> None:
    words = ("uncertainty", trained, trained_convnet, "--images", "20", "--shots", "100", "--anomalies", "noise")
    document = qaml(*words, "--out", tmp_path / "run", "--json").json()
    rows, anomalies = document["results"], document["anomalies"]
    assert [(row["source"], row["anomaly"], row["images"]) for row in anomalies] == [
        ("temperature", "noise", 20),
        ("ensemble", "noise", 20),
    ]
    assert all(0 <= row["auroc_entropy"] <= 1 for row in anomalies)
    assert [row["source"] for row in rows] == ["temperature", "ensemble"]
    assert rows[1]["model_part"] > 0
    # The network takes no shots, the circuit does.
    assert rows[1]["shot_part"] > 0
    told = qaml(*words, "--out", tmp_path / "run")
    assert "Gains" in told.out


def test_a_killed_command_goes_on(qaml: Qaml, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("uncertainty", trained, "--members", "noise", "laplace", *FAST)
    assert qaml(*words, "--out", tmp_path / "whole", "--json").code == 0
    real = Laplace.covariances

    def killed(*arguments: object, **options: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(Laplace, "covariances", killed)
    assert qaml(*words, "--out", tmp_path / "run").code != 0
    monkeypatch.setattr(Laplace, "covariances", real)
    assert qaml(*words, "--out", tmp_path / "run", "--json").code == 0
    assert results(tmp_path / "run") == results(tmp_path / "whole")


def test_deployments_stand_for_names(trained: Path, trained_convnet: Path) -> None:
    stored = load_model(trained)
    models: list[Deployment] = [deploy(trained), deploy(trained_convnet)]
    found = uncertainty(models, images=20, validation=12)
    assert [row["source"] for row in found.results] == ["temperature", "ensemble"]
    assert stored.card.temperature is not None
