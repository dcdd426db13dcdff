"""``qaml detect``: rows against counts by hand, on exact models and on a device, from Python, and after a kill."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import qaml_qiskit
from qaml_qiskit.deployments import Deployment
from qaml_qiskit.detection import Detector, Evidence, FittedDetector
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.evaluation import threshold_for
from qaml_qiskit.execution.local import PrimitiveRunner
from qaml_qiskit.workflows.detect import workflow
from tests.integration.conftest import Finished, results

Qaml = Callable[..., Finished]


@pytest.fixture
def pair(trained: Path, trained_convnet: Path) -> tuple[Path, Path]:
    return trained, trained_convnet


def test_rows_are_counts_of_what_the_models_say(qaml: Qaml, pair: tuple[Path, Path], tmp_path: Path) -> None:
    words = ["--models", *pair, "--detector", "disagreement", "divergence", "--attacks", "pgd", "--eps", "0.1,0.3"]
    words += ["--steps", "3", "--adaptive", "selective", "--anomalies", "noise,drift:depolarizing:0.2"]
    words += ["--images", "20", "--json", "--out", tmp_path / "run"]
    finished = qaml("detect", *words)
    assert finished.code == 0, finished.err
    rows = finished.json()["results"]
    # Two strengths and two anomalies; by disagreement's own rule, and by the promise of each detector.
    assert len(rows) == 4 * 3
    with np.load(tmp_path / "run" / "scores.npz") as kept:
        arrays = dict(kept)
    attacked = f"0-{pair[0].name}-pgd-eps0.3"
    said = {key: arrays[f"logits/{key}"].argmax(-1) for key in ("clean", attacked)}
    differ = {key: labels[0] != labels[1] for key, labels in said.items()}
    (own,) = [row for row in rows if row["eps"] == 0.3 and row["false_alarms"] is None]
    assert own["models"] == f"{pair[0]}, {pair[1]}"
    assert own["false_positives"] == differ["clean"].sum()
    assert own["true_positives"] == differ[attacked].sum()
    wrong = said[attacked][0] != arrays[f"labels/{attacked}"]
    assert own["fooled"] == wrong.sum() > 0
    assert own["caught_of_fooled"] == differ[attacked][wrong].mean()
    assert own["evasion_rate"] == (wrong & ~differ[attacked]).mean()
    (row,) = [row for row in rows if row["eps"] == 0.3 and row["detector"] == "divergence"]
    assert row["threshold"] == threshold_for(arrays["scores/divergence/judging"], 0.05)
    assert row["false_positives"] == (arrays["scores/divergence/clean"] > row["threshold"]).sum()
    # Whoever knows the detector evades by no less than others do.
    assert all(row["adaptive"] >= row["evasion_rate"] for row in rows if row["eps"])
    assert any(row["adaptive"] > row["evasion_rate"] for row in rows if row["eps"])
    odd = [row for row in rows if row["source"] is None]
    assert {row["attack"] for row in odd} == {"noise", "drift:depolarizing:0.2"}
    assert all((row["fooled"] is None) == (row["attack"] == "noise") for row in odd)
    for picture in ("roc.png", "scores.png", "strengths.png", "report.html", "detect.csv"):
        assert (tmp_path / "run" / picture).is_file()
    assert qaml("detect", *words).code == 0


def test_a_mix_on_a_device_goes_on_after_a_kill(
    qaml: Qaml, pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("detect", "--models", f"{pair[0]}@ideal", pair[1], "--sources", pair[1], "--mix", "--steps", "2")
    words = (*words, "--images", "6", "--validation", "8", "--false-alarms", "0.3", "--shots", "200", "--json")
    whole = qaml(*words, "--out", tmp_path / "whole")
    assert whole.code == 0, whole.err
    (own, promised) = whole.json()["results"]
    assert (own["attack"], own["eps"], own["source"]) == ("mix", None, str(pair[1]))
    assert (own["false_alarms"], promised["false_alarms"]) == (None, 0.3)
    assert any("200 shots an image, mitigation readout" in note for note in whole.json()["notes"])

    def killed(*given: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(workflow, "write_report", killed)
        assert qaml(*words, "--out", tmp_path / "killed").code != 0
    # What was computed or sampled is there.
    monkeypatch.setattr(Deployment, "logits", killed)
    monkeypatch.setattr(PrimitiveRunner, "answer", killed)
    assert qaml(*words, "--out", tmp_path / "killed").code == 0
    left, there = results(tmp_path / "killed"), results(tmp_path / "whole")
    assert left["detect.csv"] == there["detect.csv"]
    assert left["scores.npz"] == there["scores.npz"]


class Brightness(Detector):
    """Images that are brighter than others, by a factor."""

    factor: float = 1.0

    def fit(self, models: Sequence[Deployment], evidence: Evidence, labels: Tensor) -> FittedDetector:
        assert len(evidence.images) == len(labels) == 18
        assert all(model.temperature.images == 18 for model in models)
        return _FittedBrightness(self.factor)


class _FittedBrightness(FittedDetector):
    def __init__(self, factor: float) -> None:
        self.factor = factor

    def scores(self, evidence: Evidence) -> Tensor:
        return self.factor * evidence.images.double().mean((1, 2, 3))


def test_a_detector_of_one_s_own_stands_in_place_of_a_name(trained: Path) -> None:
    found = qaml_qiskit.detect(
        trained, detector=[Brightness(factor=2.0), Brightness()], attacks=(), anomalies=["noise"], images=20
    )

    assert found.auroc[0] == found.auroc[1] > 0.9
    assert found.threshold[0] == pytest.approx(2 * found.threshold[1])
    assert all(name.startswith("Brightness-") for name in found.detector)
    with pytest.raises(ConfigurationError, match="cannot take this as detector"):
        qaml_qiskit.detect(trained, detector=3)


def test_python_and_the_command_line_ask_the_same(qaml: Qaml, pair: tuple[Path, Path], tmp_path: Path) -> None:
    data = torch.rand(40, 1, 8, 8, generator=torch.Generator().manual_seed(0)).numpy()
    labels = np.arange(40) % 3
    np.savez(tmp_path / "validation.npz", images=data, labels=labels)
    words = ("--models", *pair, "--attacks", "fgsm", "--eps", "0.2", "--images", "10")
    told = qaml("detect", *words, "--validation", tmp_path / "validation.npz", "--json")
    found = qaml_qiskit.detect(list(pair), attacks="fgsm", eps=0.2, images=10, validation=(data, labels))

    assert told.json()["results"] == found.results
