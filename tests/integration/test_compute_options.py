"""Commands pass on what they are to be computed with."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from qaml_qiskit import AttackRequest, TrainRequest, attack, train
from qaml_qiskit.compute import Compute
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.formats import arrays_of
from qaml_qiskit.models import load_model
from tests.tolerances import BOUND

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
    train(REQUEST, out=tmp_path / "run", compute=Compute(simulator="torch"))
    assert "torch" in json.loads((tmp_path / "run/environment.json").read_text())["engine"]


def test_nothing_is_written_for_a_device_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such device"):
        train(REQUEST, out=tmp_path / "run", compute=Compute(device="cuda:99"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("noise", [{}, {"noise": "depolarizing", "strength": 0.01}])
def test_an_attack_in_double_precision_finds_much_the_same(
    tmp_path: Path, trained: Path, noise: dict[str, Any]
) -> None:
    request = AttackRequest(model=str(trained), attack=("fgsm",), eps=(0.05,), images="20", **noise)
    found, images = {}, {}
    for precision in ("single", "double"):
        outcome = attack(request, out=tmp_path / precision, compute=Compute(precision=precision))
        found[precision] = outcome.results[0]["robust_accuracy"]
        file = next((tmp_path / precision / "adversarial").iterdir())
        images[precision] = arrays_of(file.read_bytes(), file.name)["images"]
    assert found["single"] == pytest.approx(found["double"], abs=1 / 20)
    assert images["double"].dtype == np.float32
    assert (np.abs(images["single"] - images["double"]).reshape(20, -1).max(1) < BOUND).mean() > 0.8
    assert "precision: double" in (tmp_path / "double/config.yaml").read_text()


def test_what_to_compute_with_is_said_by_parts_as_on_the_command_line(tmp_path: Path) -> None:
    outcome = train(layers=1, epochs=1, train_images=60, precision="double", out=tmp_path / "parts")
    assert "precision: double" in (tmp_path / "parts/config.yaml").read_text()
    whole = train(REQUEST, out=tmp_path / "whole", compute=Compute(precision="double"))
    assert outcome.results[0]["loss"] == whole.results[0]["loss"]
    with pytest.raises(ConfigurationError, match="no such device"):
        train(REQUEST, device="cuda:99", out=tmp_path / "run")
    with pytest.raises(ConfigurationError, match="said twice"):
        train(REQUEST, device="cpu", compute=Compute(), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
