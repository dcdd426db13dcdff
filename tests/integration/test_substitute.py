"""``qaml substitute``: what it answers, what it stands for, and what a transfer says of it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import qaml_qiskit as qaml_package
from qaml_qiskit.datasets import load_dataset
from qaml_qiskit.models import load_model, predict
from tests.integration.conftest import Finished
from tests.integration.small import STRONG_READOUT

Qaml = Callable[..., Finished]
FEW = ("--model", "fnn", "--queries", 90, "--first", 40, "--epochs", 8, "--batch-size", 10, "--json")


def named(model: Path, images: np.ndarray) -> np.ndarray:
    return predict(load_model(model).model, torch.from_numpy(images)).numpy().argmax(1)


def test_its_rows_are_what_it_says(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    finished = qaml("substitute", trained, *FEW, "--out", tmp_path / "run")
    assert finished.code == 0, finished.err
    rows = finished.json()["results"]
    assert [row["queries"] for row in rows] == [40, 80, 90]
    test = load_dataset("digits", classes=(0, 1, 2)).test
    half = (len(test) + 1) // 2
    mine, its = (named(model, test.images[:half]) for model in (tmp_path / "run", trained))
    last = rows[-1]
    assert last["agreement"] == pytest.approx((mine == its).mean())
    assert last["accuracy"] == pytest.approx((mine == test.labels[:half]).mean())
    assert last["victim_accuracy"] == pytest.approx((its == test.labels[:half]).mean())
    assert last["agreement"] > 0.5
    assert qaml("substitute", trained, *FEW, "--out", tmp_path / "run").json()["results"] == rows

    words = ("--sources", tmp_path / "run", trained, "--victims", trained, f"{trained}@depolarizing:0.01")
    found = qaml("transfer", *words, "--attacks", "fgsm", "--eps", 0.1, "--images", 30, "--json").json()
    assert any("a substitute, trained on 90 answers" in note for note in found["notes"])
    for row in found["results"]:
        if row["source"] == str(tmp_path / "run"):
            assert row["queries"] == 90
            assert 0.5 < row["agreement"] <= 1
        else:
            assert row["queries"] is row["agreement"] is None


def test_any_victim_in_python(trained: Path, tmp_path: Path) -> None:
    """Under noise, on a target, and as an object; what comes back stands where a model does."""
    (tmp_path / "backends.yaml").write_text(STRONG_READOUT)
    victim = qaml_package.deploy(trained)
    small = {"model": "fnn", "queries": 24, "first": 12, "epochs": 1, "images": 60}
    weights = set()
    for each in (victim, victim.at(qaml_package.UnderNoise("depolarizing", 0.05)), f"{trained}@poor"):
        found = qaml_package.substitute(each, backends=tmp_path / "backends.yaml", **small)
        assert found.queries == [12, 24]
        assert found.images == [30, 30]
        weights.add(found.model.weights)
    moved = qaml_package.transfer(sources=[found], victims=[victim], attacks="fgsm", eps=0.1, images=10)
    assert moved.queries == [None, 24]
