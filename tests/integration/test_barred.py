"""A readout that cannot be corrected on a simulated target: what is said, and what leads on."""

import json
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import BaseModel

import qaml_qiskit
from qaml_qiskit import RunRequest
from qaml_qiskit.artifacts.opening import open_run
from qaml_qiskit.deployments import OnTarget, deploy
from qaml_qiskit.errors import ConfigurationError, PartialResultError
from qaml_qiskit.execution import LEDGER_FILE, Calibration, Ledger
from tests.integration.hardware import workspace


class Nothing(BaseModel):
    """A request without options."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = workspace(tmp_path_factory.mktemp("barred") / "work")
    blind = "blind: {kind: aer, noise: {readout: {p10: 0.48, p01: 0.47}}}"
    (place / "backends.yaml").write_text(f"targets: {{{blind}}}\n")
    return place


def inference(place: Path, **options: object) -> RunRequest:
    return RunRequest(
        model=str(place / "model"), images=str(place / "images.npz"), target="ideal", recipe="quick", **options
    )


def record(place: Path, p10: float, p01: float) -> str:
    """A calibration of that target, as another run might have measured it."""
    now = datetime.now(UTC).isoformat()
    found = Calibration(target="ideal", created=now, shots=4000, qubits=(0, 1), p10=(p10,) * 2, p01=(p01,) * 2)
    file = place / f"calibration-{p10}.json"
    file.write_text(json.dumps(found.model_dump(mode="json")))
    return str(file)


def test_a_given_calibration_that_cannot_be_inverted_costs_nothing(place: Path, tmp_path: Path) -> None:
    request = inference(place, calibration=record(place, 0.6, 0.6), shots=4000)
    with pytest.raises(ConfigurationError, match=r"cannot be corrected.*leaving out --calibration"):
        qaml_qiskit.run(request, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_given_calibration_is_not_measured_again(place: Path, tmp_path: Path) -> None:
    problem = qaml_qiskit.run(
        inference(place, calibration=record(place, 0.02, 0.8), shots=4000), out=tmp_path / "run"
    ).problem
    assert isinstance(problem, PartialResultError)
    assert "does not belong" in problem.got
    assert "--recalibrate" not in problem.remedy
    assert "without --calibration" in problem.remedy


def test_a_target_that_cannot_be_read_is_named_where_mitigation_is_no_choice(place: Path, tmp_path: Path) -> None:
    """As in the demo, whose report compares values before and after mitigation."""
    deployment = deploy(str(place / "model"), OnTarget("blind", "quick"), backends=place / "backends.yaml")
    images = torch.full((2, 1, 2, 2), 0.5)
    with (
        open_run("demo", Nothing(), out=tmp_path / "run") as run,
        pytest.raises(ConfigurationError, match=r"the readout of blind cannot be corrected.*qubit .*another target"),
    ):
        deployment.sample({"clean": images}, 200, "readout", 1, run)


def test_a_simulated_readout_is_measured_again_on_request(place: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    request = inference(place, shots=200).model_copy(update={"target": "blind"})
    first = qaml_qiskit.run(request, backends=place / "backends.yaml", out=run)
    assert first.problem is not None
    assert "--recalibrate" in first.problem.remedy
    before = {file.name: file.read_bytes() for file in (run / "outcomes").iterdir()}
    qaml_qiskit.retry(run, recalibrate=True)
    qaml_qiskit.collect(run)
    after = {file.name: file.read_bytes() for file in (run / "outcomes").iterdir()}
    assert {name for name in after if after[name] != before[name]} == {"calibration.npz"}
    record = Ledger(run / LEDGER_FILE).records()["calibration"]
    assert (record.attempt, record.state, record.job) == (2, "collected", "local-calibration-2")
    with np.load(run / "outcomes" / "calibration.npz") as new, np.load(BytesIO(before["calibration.npz"])) as old:
        assert str(old["job"]) == "local-calibration"
        assert not np.array_equal(new["bits"], old["bits"])
