"""Commands pass on what they are to be computed with."""

import json
from pathlib import Path

import pytest
import torch

from qaml_qiskit import TrainRequest, train
from qaml_qiskit.compute import Compute
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.models import load_model

REQUEST = TrainRequest(layers=1, epochs=1, train_images=60)


def test_a_training_in_double_precision_is_another_run_with_other_digits(tmp_path: Path) -> None:
    losses = {}
    for precision in ("single", "double"):
        outcome = train(REQUEST, out=tmp_path / precision, compute=Compute(precision=precision))
        losses[precision] = outcome.results[0]["loss"]
    assert losses["single"] != losses["double"]
    assert losses["single"] == pytest.approx(losses["double"], rel=1e-3)
    weights = load_model(tmp_path / "double").model.state_dict().values()
    assert {tensor.dtype for tensor in weights} == {torch.float32}
    assert "precision: double" in (tmp_path / "double/config.yaml").read_text()
    assert "compute" not in (tmp_path / "single/config.yaml").read_text()
    with pytest.raises(ConfigurationError, match="differs in resolved"):
        train(REQUEST, out=tmp_path / "double")


def test_the_environment_names_the_engine_that_computed(tmp_path: Path) -> None:
    train(REQUEST, out=tmp_path / "run", compute=Compute(engine="torch"))
    assert "torch" in json.loads((tmp_path / "run/environment.json").read_text())["engine"]


def test_nothing_is_written_for_a_device_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such device"):
        train(REQUEST, out=tmp_path / "run", compute=Compute(device="cuda:99"))
    assert not (tmp_path / "run").exists()
