"""``qaml transfer``: every victim's accuracy against its own answers, files that are used again, and resuming."""

import csv
import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from qaml_qiskit import TrainRequest, train
from qaml_qiskit.artifacts.adversarial import read_adversarial
from qaml_qiskit.datasets import load_dataset
from qaml_qiskit.deployments import conditioned, deployment, read_deployment
from qaml_qiskit.evaluation import Proportion
from qaml_qiskit.formats import npz
from qaml_qiskit.models import load_model, predict
from qaml_qiskit.studies import attacking
from tests.integration.conftest import Finished, results
from tests.integration.hardware import workspace
from tests.integration.small import STRONG_READOUT
from tests.tolerances import VALUE

Qaml = Callable[..., Finished]
IMAGES = 20
FAST = ("--steps", "3", "--images", IMAGES, "--json")


def labels() -> np.ndarray:
    return load_dataset("digits", classes=(0, 1, 2)).test.labels[:IMAGES]


def named(model: Path, images: np.ndarray) -> np.ndarray:
    return predict(load_model(model).model, torch.from_numpy(images)).numpy().argmax(1)


@pytest.fixture
def pair(trained: Path, trained_convnet: Path) -> tuple[Path, Path]:
    return trained, trained_convnet


def test_rows_are_what_every_victim_says(qaml: Qaml, pair: tuple[Path, Path], tmp_path: Path) -> None:
    words = ("transfer", "--sources", *pair, "--victims", *pair, "--attacks", "fgsm,pgd", "--eps", "0.05", "0.2")
    finished = qaml(*words, *FAST, "--out", tmp_path / "run")
    assert finished.code == 0, finished.err
    rows = finished.json()["results"]
    assert len(rows) == 2 + 2 * 2 * 2 * 2
    test = load_dataset("digits", classes=(0, 1, 2)).test
    before = {str(victim): named(victim, test.images[:IMAGES]) == labels() for victim in pair}
    after = {}
    for row in rows:
        victim = Path(row["victim"])
        assert row["victim_kind"] == "exact"
        if row["source"] is None:
            right = before[str(victim)]
        else:
            number = pair.index(Path(row["source"]))
            key = f"{number}-{Path(row['source']).name}-{row['attack']}-eps{row['eps']}"
            made = read_adversarial(tmp_path / "run" / "adversarial" / f"{key}.npz")
            right = named(victim, made.images) == labels()
            success = (before[str(victim)] & ~right).sum() / before[str(victim)].sum()
            assert row["attack_success_rate"] == pytest.approx(success)
            after[row["source"], row["victim"], row["attack"], row["eps"]] = row
        kept = Proportion(int(right.sum()), IMAGES)
        assert (row["accuracy"], row["interval"]) == (kept.value, list(kept.interval))
    for (source, _, attack, eps), row in after.items():
        at_home = after[source, source, attack, eps]["attack_success_rate"]
        assert row["transfer_gap"] == pytest.approx(at_home - row["attack_success_rate"])
    written = list(csv.DictReader((tmp_path / "run" / "transfer.csv").read_text().splitlines()))
    assert [float(row["accuracy"]) for row in written] == [row["accuracy"] for row in rows]
    with np.load(tmp_path / "run" / "outcomes.npz", allow_pickle=False) as outcomes:
        assert outcomes["predicted"].shape == (1 + 2 * 2 * 2, 2, IMAGES)
        for i, (source, attack, eps) in enumerate(
            zip(outcomes["sources"], outcomes["attacks"], outcomes["eps"], strict=True)
        ):
            for j, victim in enumerate(outcomes["victims"]):
                share = (outcomes["predicted"][i, j] == outcomes["labels"]).mean()
                (row,) = [
                    r
                    for r in rows
                    if (r["source"] or "", r["attack"], r["eps"], r["victim"]) == (source, attack, eps, victim)
                ]
                assert row["accuracy"] == share
    for name in ("transfer.png", "perturbations.png", "report.html", "metrics.json"):
        assert (tmp_path / "run" / name).is_file()


def test_victims_under_noise_and_on_a_device(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    noisy, device = f"{trained}@amplitude-damping:0.1", f"{trained}@poor"
    (tmp_path / "backends.yaml").write_text(STRONG_READOUT)
    words = ("--sources", trained, "--victims", trained, noisy, device, "--eps", "0.1", "--recipe", "quick")
    words += ("--backends", tmp_path / "backends.yaml")
    finished = qaml("transfer", *words, "--shots", "50", "--trace", 2, *FAST, "--out", tmp_path / "run")
    assert finished.code == 0, finished.err
    likely = {
        name: [row["probability"] for row in finished.json()["traces"] if row["victim"] == name]
        for name in (device, str(trained))
    }
    assert likely[device] == pytest.approx(likely[str(trained)], abs=VALUE[torch.float32])
    rows = {(row["victim"], row["eps"]): row for row in finished.json()["results"]}
    assert [rows[name, 0.1]["victim_kind"] for name in (str(trained), noisy, device)] == ["exact", "noisy", "device"]
    made = read_adversarial(next((tmp_path / "run" / "adversarial").iterdir()))
    victim = read_deployment(noisy)
    answers = predict(victim.module, torch.from_numpy(made.images)).numpy().argmax(1)
    assert rows[noisy, 0.1]["accuracy"] == (answers == labels()).mean()
    # A target whose only noise is that of its readout, which is inverted: with endless shots it is the model itself.
    assert rows[device, 0.1]["accuracy"] == rows[str(trained), 0.1]["accuracy"]
    assert rows[device, 0.1]["sampled_accuracy"] is not None
    assert rows[str(trained), 0.1]["sampled_accuracy"] is None


def test_a_noisy_source_is_attacked_through_its_noise(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    noisy = f"{trained}@depolarizing:0.02"
    words = ("--sources", noisy, "--victims", noisy, trained, "--eps", "0.1")
    rows = qaml("transfer", *words, *FAST, "--out", tmp_path / "run").json()["results"]
    own = next(row for row in rows if row["source"] == noisy and row["victim"] == noisy)
    assert own["transfer_gap"] == pytest.approx(0)


def test_a_killed_transfer_gives_the_same_table(
    qaml: Qaml, pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attacked, scored = attacking.run_attack, deployment.predict
    attacks, scores = [], []

    def killed_attack(*arguments: object, **options: object) -> object:
        attacks.append("call")
        if len(attacks) == 3:
            raise KeyboardInterrupt
        return attacked(*arguments, **options)

    def killed_score(*arguments: object, **options: object) -> object:
        scores.append("call")
        if len(scores) == 4:
            raise KeyboardInterrupt
        return scored(*arguments, **options)

    monkeypatch.setattr(attacking, "run_attack", killed_attack)
    monkeypatch.setattr(deployment, "predict", killed_score)
    words = ("transfer", "--sources", *pair, "--victims", *pair, "--eps", "0.05,0.2", *FAST)
    assert qaml(*words, "--out", tmp_path / "run").code == 130
    assert qaml(*words, "--out", tmp_path / "run").code == 130
    again = qaml(*words, "--out", tmp_path / "run")
    assert again.code == 0, again.err
    # Four cells, one of them begun twice; five sets of images on two victims, one set scored twice; two in the picture.
    assert len(attacks) == 4 + 1
    assert len(scores) == 5 * 2 + 2 + 2
    whole = qaml(*words, "--out", tmp_path / "whole")
    assert whole.json()["results"] == again.json()["results"]
    assert (tmp_path / "whole" / "transfer.csv").read_bytes() == (tmp_path / "run" / "transfer.csv").read_bytes()


def test_a_scheduler_changes_no_byte(qaml: Qaml, pair: tuple[Path, Path], tmp_path: Path, far_worker: str) -> None:
    qvc, convnet = pair
    (tmp_path / "backends.yaml").write_text(STRONG_READOUT)
    words = ("transfer", "--sources", qvc, convnet, "--victims", f"{qvc}@readout:0.1", f"{qvc}@poor", "--eps", "0.2")
    words += ("--recipe", "quick", "--backends", tmp_path / "backends.yaml", "--audit", "--audit-images", 5)
    words += ("--steps", "3", "--images", 5, "--json")
    alone = qaml(*words, "--out", tmp_path / "alone")
    far = qaml(*words, "--scheduler", far_worker, "--out", tmp_path / "far")
    assert far.code == 0, far.err
    assert far.json()["results"] == alone.json()["results"]
    assert results(tmp_path / "far") == results(tmp_path / "alone")


@pytest.mark.parametrize("source", ["{}@poor", "{}@depolarizing:0.01:encoding"])
def test_a_source_without_gradients_is_refused_before_it_is_compiled(
    qaml: Qaml, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    def compiled(*_: object) -> object:
        raise AssertionError

    monkeypatch.setattr(conditioned, "compiled_for", compiled)
    (tmp_path / "backends.yaml").write_text(STRONG_READOUT)
    words = ("--sources", source.format(trained), "--victims", trained, "--backends", tmp_path / "backends.yaml")
    refused = qaml("transfer", *words, "--out", tmp_path / "run")
    assert refused.code == 2
    assert "cannot be attacked by its gradients" in refused.err
    assert not (tmp_path / "run").exists()


def test_a_frozen_circuit_is_collapsed_once(
    qaml: Qaml, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: Path
) -> None:
    connecting = sys.modules["qaml_qiskit.models.connector"]
    monkeypatch.setattr(connecting, "_collapse_pays", lambda *_: True)
    real, calls = connecting.collapse, []

    def counted(*arguments: object) -> object:
        calls.append("call")
        return real(*arguments)

    monkeypatch.setattr(connecting, "collapse", counted)
    words = ("--sources", trained, "--victims", trained, "--attacks", "fgsm", "pgd", "mim", "--eps", "0.05,0.1")
    assert qaml("transfer", *words, *FAST, "--out", tmp_path / "run").code == 0
    assert len(calls) == 1


def test_files_of_an_attack_are_scored_again(qaml: Qaml, pair: tuple[Path, Path], tmp_path: Path) -> None:
    qvc, convnet = pair
    assert qaml("attack", qvc, "--eps", "0.1", *FAST, "--out", tmp_path / "attack").code == 0
    file = tmp_path / "attack" / "adversarial" / "pgd-eps0.1.npz"
    used = qaml("transfer", "--victims", qvc, convnet, "--adversarial", file, "--json", "--out", tmp_path / "used")
    assert used.code == 0, used.err
    words = ("--sources", qvc, "--victims", qvc, convnet, "--eps", "0.1")
    made = qaml("transfer", *words, *FAST, "--out", tmp_path / "made")
    assert used.json()["results"] == made.json()["results"]
    twice = qaml("transfer", *words, *FAST, "--adversarial", file, "--out", tmp_path / "twice")
    assert twice.code == 2
    assert "twice" in twice.err


def test_an_audit_marks_the_rows_of_its_source(
    qaml: Qaml, trained: Path, trained_convnet: Path, tmp_path: Path
) -> None:
    words = ("transfer", "--sources", trained, "--victims", trained, trained_convnet, "--eps", "0.05,0.1,0.2")
    weak = ("--param", "step_size=0.0001", "--audit", "--audit-images", IMAGES)
    finished = qaml(*words, *weak, *FAST, "--out", tmp_path / "run")
    assert finished.code == 0, finished.err
    verdicts = {(row["eps"], row["victim"]): row["verdict"] for row in finished.json()["results"]}
    assert {verdict for (eps, _), verdict in verdicts.items() if eps != 0.1} == {None}
    assert {verdict for (eps, _), verdict in verdicts.items() if eps == 0.1} == {"weak attack"}
    assert any("FAILED" in check["passed"] for check in finished.json()["audit"])


def test_a_terminal_gets_the_strengths_side_by_side(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    words = ("transfer", "--sources", trained, "--victims", trained, "--eps", "0.05,0.1", *FAST[:-1])
    told = qaml(*words, "--out", tmp_path / "run")
    assert told.code == 0
    heading = told.out.splitlines()[0].split()
    assert heading[-2:] == ["0.05", "0.1"]


def tampered(file: Path, target: Path, **change: object) -> Path:
    with np.load(file, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    for name, value in change.items():
        if value is None:
            del arrays[name]
        else:
            arrays[name] = value
    np.savez(target, **arrays)
    return target


@pytest.fixture(scope="session")
def adversarial(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from qaml_qiskit import AttackRequest, attack

    run = tmp_path_factory.mktemp("adversarial") / "run"
    attack(AttackRequest(model=str(trained), attack=("fgsm",), eps=(0.05,), images="4"), out=run)
    return run / "adversarial" / "fgsm-eps0.05.npz"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"provenance": None}, "provenance"),
        ({"provenance": np.array("{}")}, "provenance"),
        ({"provenance": np.array(["a", "b"])}, "provenance"),
        ({"provenance": np.array({"model": "mine"}, dtype=object)}, "pickled"),
        ({"fooled": np.array([None] * 4)}, "pickled"),
        ({"fooled": np.zeros(3, bool)}, "fooled"),
        ({"labels": np.array([0, 1, 2, 7])}, "file.npz is no class: got 7; expected a number from 0 to 2"),
        ({"labels": np.array([0, 0, 0, 0])}, "not made from"),
        ({"images": np.full((4, 1, 8, 8), 2.0, np.float32)}, "2"),
        ({"images": np.full((4, 1, 8, 8), 0.5, np.float32)}, "budget"),
        ({"images": np.full((4, 1, 4, 4), 0.5, np.float32)}, "not made from"),
    ],
)
def test_a_file_that_is_not_what_it_claims_is_refused(
    qaml: Qaml, trained: Path, adversarial: Path, tmp_path: Path, change: dict[str, object], said: str
) -> None:
    file = tampered(adversarial, tmp_path / "file.npz", **change)
    refused = qaml("transfer", "--victims", trained, "--adversarial", file, "--out", tmp_path / "run")
    assert refused.code == 2
    assert said in refused.err
    assert len(refused.err.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_a_file_of_other_classes_is_refused(qaml: Qaml, trained: Path, adversarial: Path, tmp_path: Path) -> None:
    made = read_adversarial(adversarial)
    other = dataclasses.replace(made, provenance=made.provenance.model_copy(update={"dataset": "mnist"}))
    file = tmp_path / "other.npz"
    file.write_bytes(npz(**other.arrays()))
    for words in (("transfer", "--victims", trained, "--adversarial", file), ("attack", trained, "--images", file)):
        refused = qaml(*words, "--out", tmp_path / "run")
        assert refused.code == 2
        assert "mnist" in refused.err
        assert not (tmp_path / "run").exists()


def test_models_for_other_images_are_refused(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    place = workspace(tmp_path / "work")
    train(TrainRequest(classes=(0, 1), layers=1, epochs=1), out=tmp_path / "two")
    for victim, said in ((place / "model", "shape"), (tmp_path / "two", "classes")):
        refused = qaml("transfer", "--sources", trained, "--victims", victim, "--out", tmp_path / "run")
        assert refused.code == 2
        assert said in refused.err
        assert len(refused.err.strip().splitlines()) == 1
        assert not (tmp_path / "run").exists()
