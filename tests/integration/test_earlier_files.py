"""What a version before readouts, own data and own circuits wrote is read: a small model and a run, in ``earlier/``.

They came from ``qaml train --dataset moons --encoding angle --layers 2 --epochs 1 --train-images 60 --out model`` and
``qaml run model --target poor-readout --recipe quick --mitigation m3 --images 4 --shots 50 --out run``.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from qaml_qiskit.deployments.images import load_images
from qaml_qiskit.formats import Arrays
from qaml_qiskit.models import load_model, predict
from tests.integration.conftest import Finished, results
from tests.tolerances import REFERENCE_LOGITS, VALUE

Qaml = Callable[..., Finished]

TRAINED = ["train", *("--dataset", "moons", "--encoding", "angle", "--layers", 2, "--epochs", 1, "--train-images", 60)]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the files."""
    monkeypatch.chdir(shutil.copytree(Path(__file__).parent / "earlier", tmp_path / "place"))
    return tmp_path / "place"


def arrays(file: Path) -> Arrays:
    with np.load(file) as archive:
        return dict(archive)


def test_its_model_gives_the_same_logits(place: Path) -> None:
    stored, kept = load_model(place / "model"), arrays(place / "model" / "predictions.npz")
    images, labels, *_ = load_images(str(len(kept["labels"])), stored.card.data, None)
    np.testing.assert_array_equal(labels, kept["labels"])
    found = predict(stored.model, images).numpy()
    np.testing.assert_allclose(found, kept["logits"], rtol=0, atol=REFERENCE_LOGITS * np.abs(kept["logits"]).max())


def test_its_training_is_the_same_command_again(qaml: Qaml, place: Path) -> None:
    before = results(place / "model")
    assert qaml(*TRAINED, "--out", "model", "--json").code == 0
    assert results(place / "model") == before
    refused = qaml(*TRAINED, "--readout", "linear", "--out", "model")
    assert refused.code == 2
    assert "differs in readout" in refused.err


def test_its_jobs_are_scored(qaml: Qaml, place: Path) -> None:
    """Workload, ledger, outcomes and calibration, from before a workload said which products are averaged."""
    kept = arrays(place / "run" / "predictions.npz")
    for name in ("predictions.npz", "metrics.json"):
        (place / "run" / name).unlink()
    assert qaml("collect", "run", "--json").code == 0
    found = arrays(place / "run" / "predictions.npz")
    assert found.keys() == kept.keys()
    for name, values in kept.items():
        if values.dtype.kind == "f":  # processors round differently
            np.testing.assert_allclose(found[name], values, rtol=0, atol=VALUE[torch.float32])
        else:
            np.testing.assert_array_equal(found[name], values)


def test_its_runs_are_listed(qaml: Qaml, place: Path) -> None:
    rows = qaml("runs", "list", ".", "--json").json()["results"]
    assert [(row["run"], row["state"]) for row in rows] == [("model", "complete"), ("run", "complete")]
