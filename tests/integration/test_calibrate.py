"""``qaml calibrate`` as a whole: rows, what is kept, conditions, attacks, and what comes back in Python."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import qaml_qiskit as qaml_python
from qaml_qiskit.confidence import RECALIBRATIONS, Temperature, softmax
from qaml_qiskit.deployments import load_validation
from qaml_qiskit.errors import DamagedFileError
from qaml_qiskit.evaluation import calibration_figures
from tests.integration.conftest import Finished
from tests.mthree_cases import needs_mthree
from tests.tolerances import MEAN

Qaml = Callable[..., Finished]
METHODS = ["temperature", "platt", "isotonic"]


@pytest.fixture(scope="module")
def clean(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> qaml_python.Outcome:
    """The calibration of a small QVC."""
    return qaml_python.calibrate(trained, images=90, out=tmp_path_factory.mktemp("calibrated") / "run")


def test_a_row_for_raw_logits_and_for_every_method(clean: qaml_python.Outcome) -> None:
    assert clean.stage == ["raw", *["recalibrated"] * 3]
    assert clean.method == ["none", *METHODS]
    assert set(clean.attack) == {"none"}
    assert clean.temperature[0] == 1
    assert clean.temperature[2:] == [None, None]
    assert len({clean.accuracy[0], clean.accuracy[1]}) == 1
    for row in clean.results:
        assert {"nll", "brier", "ece", "ece_adaptive", "ece_interval", "interval", "images"} <= row.keys()
        low, high = row["ece_interval"]
        assert 0 <= low <= row["ece"] <= high <= 1


def test_rows_are_what_the_figures_of_the_arrays_are(clean: qaml_python.Outcome) -> None:
    folder = Path(clean)
    with np.load(folder / "predictions.npz") as arrays:
        labels, logits = arrays["labels"], arrays["logits"]
        for row in clean.results:
            p = arrays[f"probabilities_{'raw' if row['stage'] == 'raw' else row['method']}"]
            figures = calibration_figures(p, labels)
            assert row["accuracy"] == figures.accuracy.value
            assert {name: row[name] for name in figures.row()} == figures.row()
        np.testing.assert_allclose(arrays["probabilities_raw"], softmax(logits), rtol=MEAN)
    bins = list(csv.DictReader((folder / "reliability.csv").read_text().splitlines()))
    raw = [row for row in bins if row["stage"] == "raw" and row["binning"] == "equal width"]
    assert sum(int(row["images"]) for row in raw) == 90
    assert (folder / "reliability.png").is_file()
    assert (folder / "report.html").is_file()


def test_what_was_fitted_comes_back_and_calibrates_a_deployment(clean: qaml_python.Outcome, trained: Path) -> None:
    found = clean.recalibrations
    assert list(found) == METHODS
    deployment = qaml_python.deploy(trained)
    validation = load_validation(None, [deployment])
    logits = deployment.logits(validation.images).numpy()
    for name, each in found.items():
        assert each == RECALIBRATIONS[name].fit(logits, validation.labels)
    temperature = found["temperature"]
    assert isinstance(temperature, Temperature)
    assert temperature.value == clean.temperature[1]
    p = deployment.calibrated(temperature).predict_proba(validation.images)
    np.testing.assert_array_equal(p, temperature.probabilities(logits))


def test_what_shrinks_all_logits_alike_is_undone_by_the_temperature(
    qaml: Qaml, trained: Path, clean: qaml_python.Outcome, tmp_path: Path
) -> None:
    words = ("--images", 90, "--noise", "global-depolarizing", "--strength", 0.02, "--method", "temperature", "--json")
    finished = qaml("calibrate", trained, *words, "--out", tmp_path / "run")
    assert finished.code == 0, finished.err
    raw, old, new = finished.json()["results"]
    assert (raw["stage"], old["stage"], new["stage"]) == ("raw", "trained", "recalibrated")
    assert old["temperature"] == pytest.approx(clean.temperature[1], rel=MEAN)
    assert new["temperature"] < (1 - 0.02) * old["temperature"]
    assert new["nll"] == pytest.approx(clean.nll[1], rel=MEAN)
    assert old["nll"] != pytest.approx(clean.nll[1], rel=MEAN)


def test_attacked_images_are_judged_by_what_was_fitted_to_clean_ones(
    qaml: Qaml, trained: Path, clean: qaml_python.Outcome, tmp_path: Path
) -> None:
    words = ("--images", 90, "--attack", "fgsm", "--eps", "0.1", "--json", "--out", tmp_path / "run")
    finished = qaml("calibrate", trained, *words)
    assert finished.code == 0, finished.err
    rows = finished.json()["results"]
    assert rows[:4] == clean.results
    assert [row["attack"] for row in rows[4:]] == ["fgsm"] * 4
    assert [row["temperature"] for row in rows[4:]] == clean.temperature
    assert rows[5]["ece"] > rows[1]["ece"]
    assert any("clean ones" in note for note in finished.json()["notes"])
    with np.load(tmp_path / "run" / "predictions.npz") as arrays:
        assert {"logits_fgsm-eps0.1", "probabilities_platt_fgsm-eps0.1"} <= set(arrays)


@pytest.fixture
def poor(tmp_path: Path) -> Path:
    file = tmp_path / "backends.yaml"
    file.write_text("targets: {poor: {kind: aer, noise: {readout: {p10: 0.08, p01: 0.25}}}}")
    return file


@needs_mthree
def test_on_a_target_readout_errors_are_inverted_or_stay(qaml: Qaml, trained: Path, tmp_path: Path, poor: Path) -> None:
    def rows(*words: str) -> list[dict[str, object]]:
        how = ("--images", 20, "--validation", 30, "--method", "temperature", "--backends", poor, "--json")
        out = tmp_path / f"run{'-'.join(words)}"
        finished = qaml("calibrate", f"{trained}@poor", *how, *words, "--out", out)
        assert finished.code == 0, finished.err
        assert finished.json()["results"][0]["images"] == 20
        return finished.json()["results"]

    inverted, same, left = rows(), rows("--mitigation", "m3"), rows("--mitigation", "none")
    assert inverted == same
    assert left[0]["nll"] > inverted[0]["nll"]
    ideal = qaml_python.calibrate(trained, images=20, validation=30, method="temperature").results
    assert inverted[0]["nll"] == pytest.approx(ideal[0]["nll"], rel=MEAN)


def test_shots_are_sampled_and_a_killed_run_goes_on(
    qaml: Qaml, trained: Path, tmp_path: Path, poor: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("calibrate", trained, "--target", "poor", "--shots", 200, "--images", 12, "--validation", 30)
    words += ("--method", "temperature", "--backends", poor, "--json")
    whole = qaml(*words, "--out", tmp_path / "whole")
    assert whole.code == 0, whole.err

    def killed(*arguments: object, **how: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("qaml_qiskit.workflows.calibrate.workflow.write_report", killed)
        assert qaml(*words, "--out", tmp_path / "run").code == 130
    again = qaml(*words, "--out", tmp_path / "run")
    assert again.json()["results"] == whole.json()["results"]
    assert any("200 shots" in note for note in again.json()["notes"])
    assert len([*(tmp_path / "run").glob("sampled-*/calibration.json")]) == 1


def test_a_network_is_calibrated_by_images_that_are_given() -> None:
    class Reads(nn.Module):
        """Reads the label from a pixel."""

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return -((images[:, 0, 0, :1] * 2 - images.new_tensor([[0.0, 1.0, 2.0]])) ** 2)

    generator = np.random.default_rng(0)
    images, labels = generator.random((80, 1, 8, 8), np.float32), np.arange(80) % 3
    images[:, 0, 0, 0] = labels / 2
    network = qaml_python.deploy(Reads(), data=qaml_python.load_dataset("digits", classes=(0, 1, 2)))
    test, validation = ((images[rows], labels[rows]) for rows in (slice(0, 40), slice(40, 80)))
    found = qaml_python.calibrate(network, images=test, validation=validation)
    assert found.accuracy == [1.0] * 4
    # All are right, so that the temperature is as low as it gets.
    assert found.ece[1] < found.ece[0]


def test_a_damaged_file_of_recalibrations_is_named(clean: qaml_python.Outcome, tmp_path: Path) -> None:
    copy = clean.save(tmp_path / "copy")
    file = tmp_path / "copy" / "recalibrations.json"
    document = json.loads(file.read_text())
    file.write_text(json.dumps({**document, "temperature": {**document["temperature"], "value": -1}}))
    with pytest.raises(DamagedFileError, match="value"):
        _ = copy.recalibrations


def test_a_narrow_terminal_shows_every_figure(qaml: Qaml, clean: qaml_python.Outcome) -> None:
    shown = "\n".join(line.text for line in clean.lines(80))
    assert all(word in shown for word in ("ece", "ece interval", "nll", "brier", "temperature"))
    assert "nll interval" not in shown
