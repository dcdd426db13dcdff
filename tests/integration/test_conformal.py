"""``qaml conformal`` as a whole: its rows and files, what it refuses, and the same from Python."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import qaml_qiskit
from qaml_qiskit.datasets import load_dataset
from qaml_qiskit.deployments import deploy, load_validation
from tests.integration.conftest import Finished

Qaml = Callable[..., Finished]
WORDS = ("--images", 30, "--alpha", "0.2,0.1", "--radius", "0,0.2")


def test_rows_and_files(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    words = (*WORDS, "--score", "probability,adaptive,margin,lipschitz,radius", "--out", tmp_path / "run")
    finished = qaml("conformal", trained, *words, "--json")
    assert finished.code == 0, finished.err
    document = finished.json()
    rows = document["results"]
    assert len(rows) == 5 * 2 * 2
    for row in rows:
        robust = row["score"] in ("margin", "lipschitz", "radius")
        assert row["guaranteed"] == (1 - row["alpha"] if robust or row["radius"] == 0 else None)
        assert row["radius"] > 0 or row["attacked_coverage"] == row["coverage"]
        assert row["expected"][0] <= 1 - row["alpha"] <= row["expected"][1]
        clean = next(
            each
            for each in rows
            if each["radius"] == 0 and (each["score"], each["alpha"]) == (row["score"], row["alpha"])
        )
        assert row["mean_size"] >= clean["mean_size"]
        if robust and row["radius"] > 0:
            # Image by image, what was covered stays covered.
            assert clean["coverage"] <= row["attacked_coverage"] <= row["coverage"]
    sets = list(csv.DictReader((tmp_path / "run" / "sets.csv").read_text().splitlines()))
    sizes = [len(row["radius_alpha0.1_radius0.2"].split()) for row in sets]
    last = next(row for row in rows if (row["score"], row["alpha"], row["radius"]) == ("radius", 0.1, 0.2))
    assert np.mean(sizes) == pytest.approx(last["mean_size"])
    for name in ("coverage.csv", "coverage.png", "metrics.json", "report.html", "config.yaml"):
        assert (tmp_path / "run" / name).is_file()
    assert any("at most this length" in note for note in document["notes"])


def test_without_options_it_is_probabilities_of_any_model(qaml: Qaml, trained_convnet: Path, tmp_path: Path) -> None:
    finished = qaml("conformal", trained_convnet, "--images", 20, "--out", tmp_path / "run")
    assert finished.code == 0, finished.err
    assert "probability" in finished.out
    refused = qaml("conformal", trained_convnet, "--radius", 0.1, "--out", tmp_path / "no")
    assert refused.code == 2
    assert "quadratic" in refused.err
    assert not (tmp_path / "no").exists()


def test_noise_and_validation_from_a_file(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    data = load_dataset("digits", classes=(0, 1, 2)).test
    np.savez(tmp_path / "mine.npz", images=data.images[:60], labels=data.labels[:60])
    words = ("--images", 20, "--validation", tmp_path / "mine.npz", "--score", "radius", "--by-class", "--json")
    finished = qaml("conformal", f"{trained}@readout:0.1", *words, "--out", tmp_path / "run")
    assert finished.code == 0, finished.err
    (row,) = finished.json()["results"]
    assert (row["validation"], row["expected"]) == (60, None)
    assert not any("best epoch" in note for note in finished.json()["notes"])


def test_the_same_from_python(trained: Path, tmp_path: Path) -> None:
    deployment = deploy(str(trained))
    validation = load_validation(None, [deployment])
    found = qaml_qiskit.conformal(deployment, score="radius", radius=(0.0, 0.2), images=20, validation=validation)
    predictor = qaml_qiskit.fit_conformal(deployment, validation, alpha=0.1)
    images = load_dataset("digits", classes=(0, 1, 2)).test.images[:20]
    sets = predictor.sets(torch.from_numpy(images), radius=0.2)
    assert sets.sum(1).mean() == pytest.approx(found.results[1]["mean_size"])


def test_certify_with_shots(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    plain = qaml("certify", trained, "--images", 20, "--json", "--out", tmp_path / "plain").json()
    finished = qaml("certify", trained, "--images", 20, "--shots", 1000000, "--json", "--out", tmp_path / "shots")
    assert finished.code == 0, finished.err
    document = finished.json()
    assert "radius_shots" not in plain["results"][0]
    for before, row in zip(plain["results"], document["results"], strict=True):
        assert 0 <= row["radius_shots"] <= row["radius"] == before["radius"]
    assert 0 < document["summary"][0]["median_radius_shots"] < document["summary"][0]["median_radius"]
    levels = {(row["norm"], row["distance"]): row for row in document["certified_accuracy"]}
    assert levels["l2", 0.1]["certified_with_shots"] <= levels["l2", 0.1]["certified"]
    assert any("1000000 shots" in note for note in document["notes"])
    few = qaml("certify", trained, "--images", 20, "--shots", 5, "--json", "--out", tmp_path / "few").json()
    assert few["summary"][0]["median_radius_shots"] == 0
