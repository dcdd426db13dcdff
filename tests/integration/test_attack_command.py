"""``qaml attack`` as a whole: figures against the model's own answers, the files, the audit, and what it refuses."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from qaml_qiskit.artifacts.adversarial import read_adversarial
from qaml_qiskit.attacks.grid import attack_grid
from qaml_qiskit.cli.several import spread
from qaml_qiskit.datasets import load_dataset
from qaml_qiskit.evaluation import Proportion
from qaml_qiskit.models import load_model, predict
from qaml_qiskit.studies import attacking
from tests.integration.conftest import Finished, results
from tests.tolerances import BOUND, DIFFERENT

Qaml = Callable[..., Finished]
IMAGES = 25
FAST = ("--steps", "5", "--images", IMAGES)


def clean() -> tuple[np.ndarray, np.ndarray]:
    test = load_dataset("digits", classes=(0, 1, 2)).test
    return test.images[:IMAGES], test.labels[:IMAGES]


def labels_of(model: Path, images: np.ndarray) -> np.ndarray:
    return predict(load_model(model).model, torch.from_numpy(images)).numpy().argmax(1)


def test_rows_are_what_the_model_says_of_the_files(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    finished = qaml(
        "attack", trained, "--attack", "fgsm", "pgd", "--eps", "0", "0.03,0.1", *FAST, "--out", run, "--json"
    )
    assert finished.code == 0, finished.err
    assert finished.err == ""
    rows = finished.json()["results"]
    assert [(row["attack"], row["eps"]) for row in rows] == [
        ("none", 0.0),
        *((name, eps) for name in ("fgsm", "pgd") for eps in (0.03, 0.1)),
    ]
    images, labels = clean()
    right = labels_of(trained, images) == labels
    assert rows[0]["robust_accuracy"] == pytest.approx(right.mean())
    assert rows[2]["attack_success_rate"] > DIFFERENT
    for row in rows[1:]:
        file = read_adversarial(run / "adversarial" / f"{row['attack']}-eps{row['eps']}.npz")
        change = np.abs(file.images - images)
        assert change.max() <= row["eps"] + BOUND
        wrong = labels_of(trained, file.images) != labels
        robust = Proportion(int((right & ~wrong).sum()), IMAGES)
        assert (row["robust_accuracy"], row["interval"]) == (robust.value, list(robust.interval))
        assert row["attack_success_rate"] == pytest.approx((right & wrong).sum() / right.sum())
        assert row["max_linf"] == pytest.approx(change[right & wrong].max(), abs=BOUND)
        assert row["verdict"] is None
    written = list(csv.DictReader((run / "attack.csv").read_text().splitlines()))
    assert [float(row["robust_accuracy"]) for row in written] == [row["robust_accuracy"] for row in rows]
    for name in ("attack.png", "perturbations.png", "report.html", "metrics.json"):
        assert (run / name).is_file()


def test_all_images_are_attacked_the_wrong_ones_too(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    assert qaml("attack", trained, *FAST, "--out", tmp_path / "run").code == 0
    made = read_adversarial(tmp_path / "run" / "adversarial" / "pgd-eps0.1.npz")
    assert not made.clean_correct.all()
    assert np.abs(made.images - clean()[0]).max(axis=(1, 2, 3)).min() > DIFFERENT


def test_an_attack_for_the_smallest_change_searches_once(
    qaml: Qaml, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = attacking.run_attack, []

    def counted(*arguments: object, **options: object) -> object:
        calls.append(arguments)
        return real(*arguments, **options)

    monkeypatch.setattr(attacking, "run_attack", counted)
    words = ("attack", trained, "--attack", "deepfool", *FAST, "--json")
    rows = qaml(*words, "--eps", "0.2,0.4,3", "--out", tmp_path / "run").json()["results"]
    assert len(calls) == 1
    alone = qaml(*words, "--eps", "0.4", "--out", tmp_path / "alone").json()["results"]
    assert {**alone[0]} == {**rows[1]}
    successes = [row["attack_success_rate"] for row in rows]
    assert successes == sorted(successes)
    assert successes[0] < successes[-1]
    assert all(row["max_l2"] is None or row["max_l2"] <= row["eps"] + BOUND for row in rows)
    unbounded = qaml(*words, "--out", tmp_path / "unbounded").json()["results"][0]
    assert unbounded["eps"] is None
    assert unbounded["attack_success_rate"] >= successes[-1]


def test_the_file_says_where_it_comes_from(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    words = ("--eps", "0.1", "--restarts", "2", "--param", "step_size=0.03", "--seed", "3", *FAST)
    assert qaml("attack", trained, *words, "--out", tmp_path / "run").code == 0
    path = tmp_path / "run" / "adversarial" / "pgd-eps0.1.npz"
    with np.load(path, allow_pickle=False) as archive:
        assert set(archive.files) == {"images", "labels", "indices", "clean_correct", "fooled", "provenance", "mark"}
        assert archive["provenance"].shape == ()
        assert archive["images"].dtype == np.float32
        told = json.loads(str(archive["provenance"]))
    assert told["model"] == str(trained)
    assert told["parameters"] == {"name": "pgd", "seed": 3, "eps": 0.1, "steps": 5, "step_size": 0.03, "restarts": 2}
    assert (told["dataset"], told["classes"], told["images"]) == ("digits", [0, 1, 2], str(IMAGES))
    # The images can be run on a target, with their positions.
    finished = qaml("run", trained, "--images", path, "--target", "ideal", "--recipe", "quick", "--json")
    assert finished.code == 0, finished.err
    ideal = next(row for row in finished.json()["results"] if row["stage"] == "ideal")
    made = read_adversarial(path)
    assert ideal["accuracy"] == pytest.approx((labels_of(trained, made.images) == made.labels).mean())


def test_a_noisy_model_is_attacked_through_the_noise(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    words = ("attack", trained, *FAST, "--eps", "0.03", "--json")
    noisy = ("--noise", "amplitude-damping", "--strength", "0.1")
    rows = qaml(*words, *noisy, "--out", tmp_path / "run").json()["results"]
    assert rows[0]["model"] == f"{trained}@amplitude-damping:0.1"
    path = tmp_path / "run" / "adversarial" / "pgd-eps0.03.npz"
    assert read_adversarial(path).provenance.source == f"{trained}@amplitude-damping:0.1"
    assert qaml(*words, "--out", tmp_path / "ideal").code == 0
    ideal = read_adversarial(tmp_path / "ideal" / "adversarial" / "pgd-eps0.03.npz")
    assert np.abs(read_adversarial(path).images - ideal.images).max() > DIFFERENT
    # No noise is the model itself.
    none = ("--noise", "amplitude-damping", "--strength", "0")
    assert qaml(*words, *none, "--out", tmp_path / "none").code == 0
    same = read_adversarial(tmp_path / "none" / "adversarial" / "pgd-eps0.03.npz")
    np.testing.assert_array_equal(same.images, ideal.images)


def test_an_audit_marks_a_weak_attack_everywhere(
    qaml: Qaml, trained: Path, trained_convnet: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    # Steps so small that the attack gets nowhere.
    words = ("--param", "step_size=0.0001", "--eps", "0.1", "--audit", "--sources", trained_convnet)
    finished = qaml("attack", trained, *words, *FAST, "--out", run, "--json")
    assert finished.code == 0, finished.err
    document = finished.json()
    (row,) = document["results"]
    assert row["verdict"] == "weak attack"
    assert "more steps and restarts" in row["failed_checks"]
    names = [check["check"] for check in document["audit"]]
    assert f"white-box against transfer from {trained_convnet}" in names
    assert {check["passed"] for check in document["audit"]} == {"passed", "FAILED"}
    assert all(check["numbers"] for check in document["audit"])
    assert "weak attack" in (run / "attack.csv").read_text()
    told = qaml("attack", trained, *words, *FAST, "--out", run)
    assert "audit of pgd with ε = 0.1: weak attack" in told.out
    assert "FAILED" in told.out
    assert all(check["numbers"] in told.out for check in document["audit"])
    sound = qaml("attack", trained, "--audit", *FAST, "--out", tmp_path / "sound", "--json").json()
    assert sound["results"][0]["verdict"] == "sound"


def test_a_killed_attack_makes_nothing_twice(
    qaml: Qaml, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = attacking.run_attack, []

    def killed(*arguments: object, **options: object) -> object:
        calls.append("call")
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments, **options)

    monkeypatch.setattr(attacking, "run_attack", killed)
    words = ("attack", trained, "--eps", "0.05,0.1,0.2", *FAST, "--json")
    assert qaml(*words, "--out", tmp_path / "run").code == 130
    again = qaml(*words, "--out", tmp_path / "run")
    assert len(calls) == 2 + 2
    whole = qaml(*words, "--out", tmp_path / "whole")
    assert whole.json()["results"] == again.json()["results"]


def test_a_scheduler_and_a_kill_change_no_byte(
    qaml: Qaml, trained: Path, tmp_path: Path, far_worker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("attack", trained, "--attack", "pgd,deepfool", "--eps", "0.1,0.5", "--audit", *FAST, "--json")
    alone = qaml(*words, "--out", tmp_path / "alone")
    real, calls = attacking.run_attack, []

    def killed(*arguments: object, **options: object) -> object:
        calls.append("call")
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments, **options)

    monkeypatch.setattr(attacking, "run_attack", killed)
    assert qaml(*words, "--out", tmp_path / "far").code == 130
    monkeypatch.undo()
    far = qaml(*words, "--scheduler", far_worker, "--out", tmp_path / "far")
    assert far.code == 0, far.err
    assert far.json()["results"] == alone.json()["results"]
    assert results(tmp_path / "far") == results(tmp_path / "alone")


def test_audits_and_scores_are_computed_as_asked_for(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    words = ("attack", trained, "--eps", "0.1", "--audit", *FAST, "--json")
    asked = ("--precision", "double", "--simulator", "torch")
    rows = qaml(*words, *asked, "--out", tmp_path / "double").json()["results"]
    plain = qaml(*words, "--out", tmp_path / "single").json()["results"]
    assert [row["verdict"] for row in rows] == [row["verdict"] for row in plain] == ["sound"]
    assert read_adversarial(tmp_path / "double" / "adversarial" / "pgd-eps0.1.npz").images.dtype == np.float32


def test_a_parameter_can_be_meant_for_one_attack() -> None:
    attacks = attack_grid(("pgd", "bim", "fgsm"), (0.1, 0.0), seed=0, steps=7, param=("bim.steps=3", "step_size=0.5"))
    assert [getattr(attack, "steps", None) for attack in attacks] == [7, 3, None]
    assert [getattr(attack, "step_size", None) for attack in attacks] == [0.5, 0.5, None]


def test_three_classes_get_the_variant_by_its_name(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    words = ("--attack", "autoattack", "--param", "steps=3,queries=10", "--eps", "0.05", "--images", 5)
    finished = qaml("attack", trained, *words, "--out", tmp_path / "run", "--json")
    assert finished.json()["results"][0]["attack"] == "autoattack-ternary"


def test_no_noise_on_a_network_without_a_circuit(qaml: Qaml, trained_convnet: Path, tmp_path: Path) -> None:
    words = ("--noise", "depolarizing", "--strength", "0.1", "--out", tmp_path / "run")
    refused = qaml("attack", trained_convnet, *words)
    assert refused.code == 2
    assert "convnet" in refused.err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"images": np.full((2, 1, 8, 8), 1.5, np.float32)}, "1.5"),
        ({"images": np.full((2, 1, 4, 4), 0.5, np.float32)}, "shape"),
        ({"images": np.zeros((2, 1, 8, 8), np.float32)}, "zero"),
        ({"labels": np.array([0, 3])}, "images.npz is no class: got 3; expected a number from 0 to 2"),
        ({"labels": np.array([0])}, "images.npz do not fit the images"),
        ({"images": np.array([None, None])}, "pickled"),
        ({"provenance": np.array("by me")}, "provenance"),
        ({"provenance": np.array({"model": "mine"})}, "pickled"),
    ],
)
def test_images_that_do_not_fit(
    qaml: Qaml, trained: Path, tmp_path: Path, change: dict[str, np.ndarray], said: str
) -> None:
    file = tmp_path / "images.npz"
    np.savez(file, **{"images": np.full((2, 1, 8, 8), 0.5, np.float32), "labels": np.array([0, 1]), **change})
    refused = qaml("attack", trained, "--images", file, "--out", tmp_path / "run")
    assert refused.code == 2
    assert said in refused.err
    assert len(refused.err.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_words_behind_an_option_are_its_own_once_the_arguments_are_there() -> None:
    valued, repeatable = {"--attack", "--eps", "--out"}, {"--attack", "--eps"}

    def written(text: str, arguments: int | None = 1) -> str:
        return " ".join(spread(text.split(), valued, repeatable, arguments))

    assert written("m --attack a b --eps 1 2") == "m --attack a --attack b --eps 1 --eps 2"
    assert written("--attack a m b") == "--attack a m --attack b"
    assert written("m --attack=a b --out c d") == "m --attack=a --attack b --out c d"
    assert written("m --json --attack a -- b") == "m --json --attack a -- b"
    assert written("m n --attack a b", None) == "m n --attack a --attack b"
    assert written("--attack a m n", None) == "--attack a m n"
