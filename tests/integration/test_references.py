"""The reference models that are kept in git still score what their metrics say."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

import qaml_qiskit
from qaml_qiskit.attacks import frozen
from qaml_qiskit.datasets import load_dataset
from qaml_qiskit.evaluation import accuracy
from qaml_qiskit.models import load_model, predict
from tests.tolerances import REFERENCE_LOGITS

REFERENCES = Path(qaml_qiskit.__file__).parent.parent / "runs" / "reference"
MODELS = sorted(path.parent for path in REFERENCES.glob("*/model.safetensors"))


@pytest.mark.parametrize("folder", MODELS, ids=lambda folder: folder.name)
def test_metrics_are_complete(folder: Path) -> None:
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["images"] == 10_000
    low, high = metrics["interval"]
    assert low < metrics["test_accuracy"] < high
    with np.load(folder / "predictions.npz") as predictions:
        result = accuracy(predictions["logits"], predictions["labels"])
    assert result.value == metrics["test_accuracy"]


@pytest.mark.skipif(not os.environ.get("QAML_DATA_DIR"), reason="needs MNIST and Fashion-MNIST: set QAML_DATA_DIR")
@pytest.mark.parametrize("folder", MODELS, ids=lambda folder: folder.name)
def test_model_still_scores_what_it_scored(folder: Path) -> None:
    """On the first test images the logits are those that were stored, to single precision at any depth."""
    stored = load_model(folder)
    # The fit of an approximate encoding takes milliseconds an image.
    count = 200 if getattr(stored.card.model, "encoding", "") == "approximate" else 2000
    test = load_dataset(stored.card.data.dataset, limit=count).test
    with frozen(stored.model):
        logits = predict(stored.model, torch.from_numpy(test.images)).numpy()
    with np.load(folder / "predictions.npz") as predictions:
        kept = predictions["logits"][:count]
    assert np.abs(logits - kept).max() < REFERENCE_LOGITS * np.abs(kept).max()
    assert np.mean(logits.argmax(1) == kept.argmax(1)) > 0.999
