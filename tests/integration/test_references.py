"""The reference models that are kept in git still score what their metrics say."""

import csv
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

import qaml_qiskit
from qaml_qiskit.attacks import frozen
from qaml_qiskit.deployments import deploy, fitted_temperature, load_validation
from qaml_qiskit.deployments.images import load_images
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.evaluation import accuracy
from qaml_qiskit.models import DataCard, load_model, predict
from tests.tolerances import MEAN, REFERENCE_LOGITS

REFERENCES = Path(qaml_qiskit.__file__).parent.parent / "runs" / "reference"
#: Other seeds of a reference, of which less is kept.
SEEDS = sorted(path.parent for path in REFERENCES.glob("*-seed[0-9]/model.safetensors"))
MODELS = sorted({path.parent for path in REFERENCES.glob("*/model.safetensors")} - {*SEEDS})


@pytest.mark.parametrize("folder", MODELS, ids=lambda folder: folder.name)
def test_metrics_are_complete(folder: Path) -> None:
    metrics = json.loads((folder / "metrics.json").read_text())
    low, high = metrics["interval"]
    assert low < metrics["test_accuracy"] < high
    with np.load(folder / "predictions.npz") as predictions:
        result = accuracy(predictions["logits"], predictions["labels"])
    assert (result.value, result.trials) == (metrics["test_accuracy"], metrics["images"])


@pytest.mark.parametrize("folder", MODELS, ids=lambda folder: folder.name)
def test_the_card_says_what_was_set_aside_and_at_which_temperature(folder: Path) -> None:
    model = deploy(folder)
    assert model.card.held_out is not None
    with (REFERENCES / "study" / "temperatures.csv").open() as file:
        (row,) = (row for row in csv.DictReader(file) if row["model"] == folder.name)
    assert (f"{model.temperature.value:.4f}", model.temperature.images) == (row["temperature"], int(row["images"]))
    if model.card.data.dataset == "digits":
        validation = load_validation(None, [model])
        assert fitted_temperature(model, validation).value == pytest.approx(model.temperature.value, rel=MEAN)


def test_no_reference_names_a_place_of_the_machine_that_trained_it() -> None:
    for folder in (*MODELS, *SEEDS):
        for file in ("config.yaml", "model.json", "environment.json", *(("report.html",) if folder in MODELS else ())):
            assert not re.search(r"(?<![\w.<])/(home|root|tmp|mnt|Users)/", (folder / file).read_text()), folder


@pytest.mark.parametrize("folder", MODELS, ids=lambda folder: folder.name)
def test_model_still_scores_what_it_scored(folder: Path) -> None:
    """On the first test images the logits are those that were stored, to single precision at any depth."""
    stored = load_model(folder)
    # The fit of an approximate encoding takes milliseconds an image.
    count = 200 if getattr(stored.card.model, "encoding", "") == "approximate" else 500
    images = first_test_images(stored.card.data, count)
    with frozen(stored.model):
        logits = predict(stored.model, images).numpy()
    with np.load(folder / "predictions.npz") as predictions:
        kept = predictions["logits"][:count]
    assert np.abs(logits - kept).max() < REFERENCE_LOGITS * np.abs(kept).max()
    assert np.mean(logits.argmax(1) == kept.argmax(1)) > 0.999


@pytest.mark.parametrize("folder", SEEDS, ids=lambda folder: folder.name)
def test_other_seeds_differ_from_their_reference_in_the_seed_alone(folder: Path) -> None:
    name, _, seed = folder.name.rpartition("-seed")
    asked = [yaml.safe_load((REFERENCES / each / "config.yaml").read_text()) for each in (folder.name, name)]
    fields = [{key: value for key, value in each.items() if key != "command"} for each in asked]
    # A default that was written out meanwhile is the same training.
    ours, theirs = (qaml_qiskit.TrainRequest.model_validate(each).resolved() for each in fields)
    assert ours == theirs.model_copy(update={"seed": int(seed)})


@pytest.mark.parametrize("folder", SEEDS[:1], ids=lambda folder: folder.name)
def test_another_seed_still_scores_what_it_scored(folder: Path) -> None:
    stored = load_model(folder)
    images = first_test_images(stored.card.data, 10_000)
    labels = load_images("10000", stored.card.data, None, or_all=True)[1]
    with frozen(stored.model):
        result = accuracy(predict(stored.model, images).numpy(), np.asarray(labels))
    assert result.value == pytest.approx(json.loads((folder / "metrics.json").read_text())["test_accuracy"], abs=MEAN)


def first_test_images(data: DataCard, count: int) -> torch.Tensor:
    """Skips where the data are not embedded and lie nowhere in $QAML_DATA_DIR."""
    if data.dataset != "digits" and not os.environ.get("QAML_DATA_DIR"):
        pytest.skip("needs the data: set QAML_DATA_DIR")
    try:
        return load_images(str(count), data, None, or_all=True)[0]
    except ConfigurationError as error:
        if data.source is None:
            raise
        pytest.skip(error.got)
