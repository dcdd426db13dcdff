"""`qaml runs`: run folders in any state, listed and put side by side."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

import qaml_qiskit
from qaml_qiskit import CompareRequest, RunRequest, compare_runs, list_runs
from qaml_qiskit.errors import InputError
from qaml_qiskit.evaluation import accuracy, paired_difference, paired_test
from tests.integration.conftest import Finished

Qaml = Callable[..., Finished]
KEYS = ["run", "command", "model", "target", "accuracy", "interval", "date", "state"]


@pytest.fixture
def runs(trained: Path, trained_convnet: Path, tmp_path: Path) -> Path:
    """A folder with two trainings."""
    shutil.copytree(trained, tmp_path / "runs/qvc")
    shutil.copytree(trained_convnet, tmp_path / "runs/deeper/convnet")
    return tmp_path / "runs"


def states(found: Finished) -> dict[str, str]:
    assert found.code == 0, found.err
    return {row["run"]: row["state"] for row in found.json()["results"]}


def test_every_run_has_a_row(runs: Path, qaml: Qaml) -> None:
    found = qaml("runs", "list", "--json")
    rows = {row["run"]: row for row in found.json()["results"]}
    assert set(rows) == {"runs/qvc", "runs/deeper/convnet"}
    row = rows["runs/qvc"]
    assert list(row) == KEYS
    metrics = json.loads((runs / "qvc/metrics.json").read_text())
    assert (row["accuracy"], row["interval"]) == (metrics["test_accuracy"], metrics["interval"])
    assert (row["command"], row["model"], row["state"]) == ("train", "qvc", "complete")
    assert [each["state"] for each in list_runs(runs).results] == ["complete", "complete"]


def test_a_run_in_any_state_is_told_and_breaks_nothing(runs: Path, qaml: Qaml) -> None:
    request = RunRequest(model="runs/qvc", target="poor-readout", recipe="quick", images="4", shots=20)
    qaml_qiskit.submit(request, out=runs / "waiting")
    for name in ("begun", "torn", "scrambled", "lost", "huge", "odd"):
        shutil.copytree(runs / "qvc", runs / name)
    (runs / "begun/metrics.json").unlink()
    (runs / "torn/metrics.json").write_text("{")
    (runs / "scrambled/config.yaml").write_text("- a: [")
    (runs / "lost/config.yaml").unlink()
    (runs / "huge/metrics.json").write_text('{"results": [{"test_accuracy": 1' + "0" * 400 + "}]}")
    (runs / "odd/config.yaml").write_text("{command: train, model: {a: 1}, classes: 3, resolved: 5}")
    foreign = runs / "foreign"
    foreign.mkdir()
    (foreign / "config.yaml").write_text("command: docker")
    (foreign / "metrics.json").write_text("[1]")
    (runs / "empty").mkdir()
    (runs / "loop").symlink_to(runs)
    found = qaml("runs", "list", "runs", "--json")
    assert states(found) == {
        "runs/qvc": "complete",
        "runs/deeper/convnet": "complete",
        "runs/begun": "unfinished",
        "runs/torn": "damaged",
        "runs/scrambled": "damaged",
        "runs/lost": "damaged",
        "runs/huge": "damaged",
        "runs/odd": "complete",
        "runs/waiting": "pending",
    }
    assert "runs/torn/metrics.json" in " ".join(found.json()["notes"])
    compared = qaml("runs", "compare", "runs/qvc", "runs/torn", "runs/begun", "runs/lost", "--json")
    assert list(states(compared).values()) == ["complete", "damaged", "unfinished", "damaged"]
    odd = qaml("runs", "compare", "runs/qvc", "runs/odd", "--json")
    assert list(states(odd).values()) == ["complete", "complete"]


def test_jobs_with_a_device_are_pending(runs: Path) -> None:
    folder = runs / "pending"
    folder.mkdir()
    (folder / ".lock").touch()
    (folder / "config.yaml").write_text(yaml.safe_dump({"command": "run", "model": "qvc", "target": "heron"}))
    event = {"time": "2026-01-01T00:00:00", "event": "submitted", "chunk": "images-0", "attempt": 1, "job": "j"}
    (folder / "jobs.jsonl").write_text(json.dumps(event) + "\n")
    row = next(row for row in list_runs(runs).results if row["run"] == str(folder))
    assert (row["state"], row["model"], row["target"], row["accuracy"]) == ("pending", "qvc", "heron", None)


def test_paired_differences_are_those_of_the_predictions(runs: Path, qaml: Qaml) -> None:
    found = qaml("runs", "compare", "runs/qvc", "runs/deeper/convnet", "--json").json()
    right = []
    for name in ("qvc", "deeper/convnet"):
        with np.load(runs / name / "predictions.npz") as arrays:
            right.append(arrays["logits"].argmax(1) == arrays["labels"])
    (row,) = found["paired"]
    difference, interval = paired_difference(right[1], right[0])
    gained, lost, p_value = paired_test(right[1], right[0])
    assert (row["difference"], row["interval"]) == (difference, list(interval))
    assert (row["only_run"], row["only_against"], row["p_value"]) == (gained, lost, p_value)
    assert row["images"] == len(right[0])


def test_a_device_is_paired_with_the_test_of_its_model(runs: Path) -> None:
    outcome = qaml_qiskit.run(
        RunRequest(model="runs/qvc", target="poor-readout", recipe="quick", images="12", shots=50), out=runs / "device"
    )
    compared = compare_runs(CompareRequest(runs=(str(runs / "qvc"), str(runs / "device"))))
    (row,) = compared.paired
    assert (row["images"], row["accuracy"]) == (12, outcome.accuracy[-1])
    with np.load(runs / "qvc/predictions.npz") as arrays:
        assert row["accuracy_against"] == accuracy(arrays["logits"][:12], arrays["labels"][:12]).value


def test_what_saw_other_images_is_not_paired(runs: Path) -> None:
    other = runs / "other"
    shutil.copytree(runs / "qvc", other)
    config = yaml.safe_load((other / "config.yaml").read_text())
    (other / "config.yaml").write_text(yaml.safe_dump({**config, "classes": [0, 1, 3]}))
    found = compare_runs(CompareRequest(runs=(str(runs / "qvc"), str(other))))
    assert "paired" not in found.tables
    assert any("trained for different data" in note for note in found.notes)


def test_a_page_is_kept_where_a_folder_is_named(runs: Path, qaml: Qaml) -> None:
    before = set(runs.rglob("*"))
    assert qaml("runs", "compare", "runs/qvc", "runs/deeper/convnet").code == 0
    assert set(runs.rglob("*")) == before
    found = qaml("runs", "compare", "runs/qvc", "runs/deeper/convnet", "--out", "runs/both")
    assert "report.html" in found.out
    assert {"accuracy.png", "paired.csv", "runs.csv", "report.html"} <= {
        path.name for path in (runs / "both").iterdir()
    }
    assert "qaml runs compare runs/qvc runs/deeper/convnet" in (runs / "both/report.html").read_text()
    assert states(qaml("runs", "list", "--json"))["runs/both"] == "complete"


def test_what_is_no_run_is_refused(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere cannot be compared: got no folder"):
        compare_runs(CompareRequest(runs=(str(runs / "qvc"), "nowhere")))
    with pytest.raises(InputError, match="where there is no folder"):
        list_runs(tmp_path / "nowhere")
