"""Detectors at work: who is asked what, which images set what, and what rows say; right values by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from qaml_qiskit.artifacts import open_run
from qaml_qiskit.attacks import FGSMConfig, PGDConfig
from qaml_qiskit.deployments import Batch, Deployment, halves
from qaml_qiskit.detection import make_detectors
from qaml_qiskit.evaluation import Proportion
from qaml_qiskit.progress import Silent
from qaml_qiskit.studies import (
    AlarmRule,
    Inquiry,
    Sampling,
    ShownImages,
    Suspects,
    anomalous_images,
    ask_models,
    attacked_sets,
    detection_row,
    gather_evidence,
    make_adversarial,
    mixed_set,
    rules_of,
)
from tests.integration.small import SHOTS, deployed, ideal, images, shot_error, strong_readout
from tests.tolerances import SIGMAS, VALUE
from tests.unit.studies.test_resuming import Options

ATTACKS = [FGSMConfig(eps=0.1), FGSMConfig(eps=0.2), PGDConfig(eps=0.1, steps=2)]


def batch(count: int) -> Batch:
    return Batch(images(count), np.arange(count) % 3, np.arange(count) + 100, f"{count}")


def test_halves_are_disjoint() -> None:
    teaching, judging = halves(batch(37), seed=3)

    assert (len(teaching), len(judging)) == (18, 19)
    assert sorted([*teaching.indices, *judging.indices]) == list(range(100, 137))
    again = halves(batch(37), seed=3)[1]
    assert np.array_equal(again.indices, judging.indices)
    assert not np.array_equal(halves(batch(37), seed=4)[1].indices, judging.indices)


def test_every_image_of_a_mix_is_attacked_once(tmp_path: Path) -> None:
    clean, source = batch(20), ideal()
    ((key, mixed),) = mixed_set("0-small", source.name, ATTACKS, 20, seed=0).items()
    with open_run("demo", Options(), out=tmp_path / "run") as run:
        made = make_adversarial(run, mixed.cells, [source], clean, Silent())
        whole = make_adversarial(
            run, attacked_sets("0", source.name, ATTACKS)["0-fgsm-eps0.1"].cells, [source], clean, Silent()
        )

    rows = [row for cell in mixed.cells.values() for row in cell.rows or ()]
    assert key == "0-small-mix"
    assert sorted(rows) == list(range(20))
    assert len(mixed.cells) == 3
    found = mixed.images(made)
    cell = mixed.cells["0-small-mix-fgsm-eps0.1"]
    assert np.array_equal(found[list(cell.rows or ())], whole["0-fgsm-eps0.1"].images[list(cell.rows or ())])
    assert np.array_equal(made["0-small-mix-fgsm-eps0.1"].indices, clean.indices[list(cell.rows or ())])
    assert 0 < np.abs(found - clean.images.numpy()).max() <= 0.2 + torch.finfo(torch.float32).eps


def test_models_are_asked_once_and_as_they_are_deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, noisy, device = ideal(), ideal().under("depolarizing", 0.05), deployed(strong_readout())
    asked: list[str] = []
    logits = Deployment.logits
    monkeypatch.setattr(Deployment, "logits", lambda self, *how: asked.append(self.name) or logits(self, *how))
    questions = [Inquiry(model, images(), "images") for model in (plain, noisy, device, plain)]
    with open_run("demo", Options(), out=tmp_path / "run") as run:
        found = ask_models(run, questions, Sampling(SHOTS, "readout"), Silent())
        count = len(asked)
        again = ask_models(run, questions, Sampling(SHOTS, "readout"), Silent())

    assert count == len(asked) == 2
    assert torch.equal(found[0], found[3])
    assert all(map(torch.equal, found, again))
    np.testing.assert_allclose(found[1], logits(noisy, images()), atol=VALUE[torch.float32])
    exact = device.ideal(images())
    scale = float(found[0].abs().max() / np.abs(exact).max())
    # Readout errors of these sizes are inverted: they cost a factor of at most 1 / (1 − .08 − .25).
    errors = shot_error(exact, SHOTS) / 0.67 * scale
    assert (np.abs(found[2].numpy() - found[0].numpy()) < SIGMAS * errors + 0.1 * scale).all()
    assert not torch.allclose(found[2].float(), found[0].float())


def test_a_disturbed_model_stands_in_for_the_watched_one_alone(tmp_path: Path) -> None:
    models, drifted = [ideal(), ideal().under("depolarizing", 0.01)], ideal().under("depolarizing", 0.3)
    sets = {"clean": ShownImages(images(), "clean"), "drift": ShownImages(images(), "drift", drifted)}
    detectors = make_detectors(["divergence"])
    with open_run("demo", Options(), out=tmp_path / "run") as run:
        evidence = gather_evidence(run, sets, models, detectors, Sampling(), Silent())

    clean, drift = (evidence[key, "divergence"].logits for key in sets)
    assert torch.equal(clean[1], drift[1])
    assert torch.equal(drift[0], drifted.logits(images()))


def test_rules_are_the_promise_and_the_detector_s_own() -> None:
    pair, smooth = make_detectors(["disagreement", "divergence"]).values()
    validation = np.repeat([0.0, 1.0], [30, 9])

    assert rules_of(smooth, np.arange(39.0), 0.05) == [AlarmRule(37.0, 0.05)]
    assert rules_of(pair, validation, 0.05) == [AlarmRule(0.0, None), AlarmRule(1.0, 0.05)]


def row(**changed: Any) -> dict[str, Any]:
    clean, scores, validation = (
        np.array([0.0, 0.0, 0.0, 1.0]),
        np.array([0.0, 1.0, 1.0, 1.0]),
        np.repeat([0.0, 1.0], 30),
    )
    suspects = Suspects("pgd", "source", 0.1, np.array([False, True, True, False]), **changed)
    return detection_row("disagreement", [ideal(), ideal()], suspects, scores, clean, validation, AlarmRule(0.0, None))


def test_alarms_are_counted_as_west_et_al_count_them() -> None:
    found = row()

    assert (found["false_positives"], found["clean_images"]) == (1, 4)
    assert (found["true_positives"], found["images"]) == (3, 4)
    assert (found["fooled"], found["caught_of_fooled"]) == (2, 1.0)
    assert found["caught_of_fooled_interval"] == list(Proportion(2, 2).interval)
    assert found["auroc"] == pytest.approx(0.75)
    assert found["tpr_at_5fpr"] == 0.0
    assert found["tpr_at_1fpr"] is None
    assert found["models"] == "small, small"


def test_pairs_have_an_interval_of_their_own() -> None:
    assert row(paired=True)["auroc_interval"] != row(paired=False)["auroc_interval"]


def test_odd_images_can_be_encoded() -> None:
    clean, model = batch(4), ideal()
    noise, blank = (anomalous_images(kind, clean, model, None, 0) for kind in ("noise", "blank"))

    assert noise.shape == blank.shape == clean.images.shape
    assert 0.5 < noise.max() <= 1
    assert 0 < blank.max() <= 2 / 255
    assert torch.isfinite(model.logits(blank)).all()
    # Amplitude encoding knows directions only: to it, what is all but black is noise.
    np.testing.assert_allclose(model.logits(blank), model.logits(noise), atol=VALUE[torch.float32])
