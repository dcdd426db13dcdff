"""Attacks that lead to targets, training sets of such images, and single images along an attack: whole commands."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

import qaml_qiskit as qaml_python
from qaml_qiskit.artifacts import read_adversarial
from qaml_qiskit.datasets import load_dataset
from qaml_qiskit.deployments import deploy
from qaml_qiskit.models import load_model, predict
from tests.integration.conftest import Finished
from tests.tolerances import VALUE

Qaml = Callable[..., Finished]
LED = ("--part", "train", "--targets", "random", "--images", 200, "--eps", "0.3", "--steps", "4")


def test_a_model_learns_from_attacked_images_alone(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    finished = qaml("attack", trained, *LED, "--json", "--out", tmp_path / "led")
    assert finished.code == 0, finished.err
    (row,) = finished.json()["results"]
    data = load_dataset("digits", classes=(0, 1, 2))
    made = read_adversarial(tmp_path / "led/adversarial/pgd-eps0.3.npz")
    assert made.targets is not None
    assert made.provenance.images == "200 of training"
    assert np.abs(made.images - data.train.images[:200]).max() <= 0.3 + VALUE[torch.float32]
    assert np.array_equal(made.labels, data.train.labels[:200])
    said = predict(load_model(trained).model, torch.from_numpy(made.images)).numpy().argmax(1)
    assert row["target_rate"] == (said == made.targets).mean()
    assert row["target_interval"][0] < row["target_rate"] < row["target_interval"][1]
    path = tmp_path / "led/training/pgd-eps0.3.npz"
    learned = load_dataset(str(path))
    assert np.array_equal(learned.train.labels, made.targets)
    assert np.array_equal(learned.test.images, data.test.images)
    assert np.array_equal(learned.test.labels, data.test.labels)
    student = qaml("train", "--dataset", path, "--model", "fnn", "--epochs", 2, "--json", "--out", tmp_path / "student")
    assert student.code == 0, student.err
    assert student.json()["results"][-1]["images"] == len(data.test)


def test_the_same_from_python(trained: Path) -> None:
    led = qaml_python.attack(trained, part="train", targets="next", images=60, eps=0.1, steps=2)
    (made,) = led.adversarial.values()
    assert made.targets is not None
    assert np.array_equal(made.targets, (made.labels + 1) % 3)
    student = qaml_python.train(led.training["pgd-eps0.1"], model="quadratic", epochs=1)
    assert 0 <= student.results[-1]["test_accuracy"] <= 1


def test_what_was_not_asked_for_is_not_written(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    fast = ("--images", 5, "--eps", "0.1", "--steps", "1")
    assert qaml("attack", trained, *fast, "--out", tmp_path / "plain").code == 0
    words = ("transfer", "--sources", trained, "--victims", trained)
    assert qaml(*words, *fast, "--out", tmp_path / "carried").code == 0
    for name in ("plain", "carried"):
        assert not {"part", "targets", "trace"} & yaml.safe_load((tmp_path / name / "config.yaml").read_text()).keys()
    assert not (tmp_path / "plain/training").exists()
    file = next((tmp_path / "plain/adversarial").glob("*.npz"))
    with np.load(file) as arrays:
        assert "targets" not in arrays.files


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--attack", "deepfool", "--targets", "random"), "takes no targets"),
        (("--targets", "random", "--audit"), "audit"),
        (("--part", "train", "--images", "nothing.npz"), "training images"),
        (("--part", "train", "--images", 10**6), "training set"),
        (("--part", "train", "--targets", "random", "--images", 3), "too few images"),
        (("--targets", "nearest"), "targets"),
    ],
)
def test_what_does_not_fit_is_refused(
    qaml: Qaml, trained: Path, tmp_path: Path, words: tuple[object, ...], told: str
) -> None:
    finished = qaml("attack", trained, *words, "--out", tmp_path / "run")
    assert (finished.code, told in finished.err) == (2, True), finished.err
    assert not (tmp_path / "run").exists()


def test_probabilities_of_single_images_along_an_attack(
    qaml: Qaml, trained: Path, trained_convnet: Path, tmp_path: Path
) -> None:
    noisy = f"{trained}@depolarizing:0.01"
    words = ("transfer", "--sources", trained_convnet, "--victims", trained_convnet, noisy)
    words = (*words, "--eps", "0.1,0.3", "--steps", 2, "--images", 6, "--trace", "4,1")
    finished = qaml(*words, "--json", "--out", tmp_path / "run")
    assert finished.code == 0, finished.err
    rows = list(csv.DictReader((tmp_path / "run/traces.csv").read_text().splitlines()))
    assert len(rows) == 2 * 2 * 3 * 3
    victims = {str(trained_convnet): deploy(trained_convnet), noisy: deploy(trained).under("depolarizing", 0.01)}
    made = read_adversarial(tmp_path / "run/adversarial/0-convnet-pgd-eps0.3.npz")
    for name, victim in victims.items():
        expected = victim.predict_proba(torch.from_numpy(made.images[[4, 1]]))
        for place, index in enumerate(("4", "1")):
            mine = [row for row in rows if (row["victim"], row["index"], row["eps"]) == (name, index, "0.3")]
            found = [float(row["probability"]) for row in mine]
            np.testing.assert_allclose(found, expected[place], atol=VALUE[torch.float32])
    critical = list(csv.DictReader((tmp_path / "run/critical.csv").read_text().splitlines()))
    assert [row["index"] for row in critical] == ["4", "1"] * 2
    assert (tmp_path / "run/traces.png").exists()
    answer = finished.json()
    assert len(answer["critical"]) == 4
    # A trace is part of what was asked for, and the same command finds its run again.
    again = qaml(*words, "--json", "--out", tmp_path / "run")
    assert again.json() == answer


def test_an_image_that_is_not_scored_cannot_be_traced(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    words = ("transfer", "--sources", trained, "--victims", trained, "--images", 5, "--trace", 5)
    finished = qaml(*words, "--out", tmp_path / "run")
    assert finished.code == 2
    assert "0 to 4" in finished.err
