"""Damaged files of a run: what can be made again is made again, everything else is named in one line."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import qaml_qiskit
from qaml_qiskit import RunRequest, SweepRequest, TrainRequest, sweep, train
from qaml_qiskit.artifacts.training import CHECKPOINT_FILE
from qaml_qiskit.errors import DamagedFileError, InputError, QamlError
from qaml_qiskit.execution import Workload
from qaml_qiskit.execution.workload import SETTINGS_FILE
from qaml_qiskit.formats import npz
from tests.integration.hardware import workspace

Damage = Callable[[bytes], bytes]
DAMAGES: dict[str, Damage] = {
    "empty": lambda data: b"",
    "cut off": lambda data: data[: len(data) // 2],
    "garbage": lambda data: b"\xff\x00garbage" * 20,
    "another kind": lambda data: b"[1, 2]",
    "one byte": lambda data: data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 4]) + data[len(data) // 2 + 1 :],
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, images, and a finished run on them."""
    place = workspace(tmp_path_factory.mktemp("damaged") / "work")
    qaml_qiskit.run(inference(place), out=place / "whole")
    return place


@pytest.fixture
def run(place: Path, tmp_path: Path) -> Path:
    """A run whose jobs are all collected and whose results are not written."""
    copy = tmp_path / "run"
    shutil.copytree(place / "whole", copy)
    (copy / "metrics.json").unlink()
    return copy


def inference(place: Path) -> RunRequest:
    return RunRequest(
        model=str(place / "model"),
        images=str(place / "images.npz"),
        target="ideal",
        recipe="quick",
        shots=50,
        images_per_job=3,
    )


def spoil(file: Path, damage: str) -> None:
    file.write_bytes(DAMAGES[damage](file.read_bytes()))


@pytest.mark.parametrize("damage", ["empty", "cut off", "garbage", "another kind"])
def test_what_is_derived_is_made_again(place: Path, run: Path, damage: str) -> None:
    names = ("plan.json", "environment.json", "report.html", "predictions.npz", "results.csv", "accuracy.png")
    for name in names:
        spoil(run / name, damage)
    whole = json.loads((place / "whole" / "metrics.json").read_text())
    again = qaml_qiskit.collect(run)
    assert again.results == whole["results"]
    assert again.tables["resources"] == whole["resources"]
    assert json.loads((run / "metrics.json").read_text())["plan"] == whole["plan"]
    for name in set(names) - {"plan.json", "report.html"}:
        assert (run / name).read_bytes() == (place / "whole" / name).read_bytes()


@pytest.mark.parametrize("name", ["isa.qpy", "values.npy", "workload.json", "inputs.npz", "config.yaml"])
def test_what_is_not_is_named(place: Path, run: Path, name: str) -> None:
    whole = json.loads((place / "whole" / "metrics.json").read_text())["results"]
    content = (run / name).read_bytes()
    for damage in DAMAGES:
        spoil(run / name, damage)
        try:
            found = qaml_qiskit.collect(run).results
        except QamlError as error:
            message = f"{error.exit_code} {error}"
            assert message.startswith("2 ")
            assert "\n" not in message
            assert name in message or str(run) in message
        else:
            # A byte that means nothing, or another word of the options.
            assert damage == "one byte"
            assert found == whole
            (run / "metrics.json").unlink()
        (run / name).write_bytes(content)


def test_the_command_writes_its_inputs_again(place: Path, run: Path) -> None:
    whole = (run / "inputs.npz").read_bytes()
    (run / "inputs.npz").write_bytes(b"")
    with pytest.raises(DamagedFileError, match=r"inputs\.npz.*once more"):
        qaml_qiskit.collect(run)
    qaml_qiskit.run(inference(place), out=run)
    assert (run / "inputs.npz").read_bytes() == whole


def test_inputs_of_something_else_are_refused(place: Path, run: Path) -> None:
    with np.load(run / "inputs.npz") as found:
        arrays = dict(found)
    (run / "inputs.npz").write_bytes(npz(**{**arrays, "labels": np.roll(arrays["labels"], 1)}))
    with pytest.raises(DamagedFileError, match=r"inputs\.npz.*not those of this run.*once more"):
        qaml_qiskit.collect(run)
    # The version before wrote no mark.
    arrays.pop("mark")
    (run / "inputs.npz").write_bytes(npz(**arrays))
    assert qaml_qiskit.collect(run).results == json.loads((place / "whole" / "metrics.json").read_text())["results"]


@pytest.mark.parametrize("plan", [5, {"qpu_seconds": -1.0}])
def test_a_plan_of_something_else_is_made_again(place: Path, run: Path, plan: object) -> None:
    saved = json.loads((run / "plan.json").read_text())
    saved.get("content", saved)["plan"] = plan
    (run / "plan.json").write_text(json.dumps(saved))
    qaml_qiskit.collect(run)
    whole = json.loads((place / "whole" / "metrics.json").read_text())
    assert json.loads((run / "metrics.json").read_text())["plan"] == whole["plan"]


def test_a_run_of_the_version_before_has_no_digests(run: Path) -> None:
    settings = json.loads((run / SETTINGS_FILE).read_text())
    assert set(settings.pop("digests")) == {"isa.qpy", "values.npy", SETTINGS_FILE}
    (run / SETTINGS_FILE).write_text(json.dumps(settings))
    assert Workload.load(run).settings.shots == 50
    assert qaml_qiskit.collect(run).results


def test_damaged_parts_of_a_sweep_are_computed_again(place: Path, tmp_path: Path) -> None:
    request = SweepRequest(
        model=(str(place / "model"),), images=str(place / "images.npz"), noise=("depolarizing",), strengths=(0.1, 0.2)
    )
    run = tmp_path / "run"
    whole = sweep(request, out=run)
    table = (run / "sweep.csv").read_bytes()
    cells = sorted((run / "cells").iterdir())
    kept = [cell.read_bytes() for cell in cells]
    assert len(cells) == 3
    for bad in (*(damage(kept[0]) for damage in DAMAGES.values()), kept[1]):
        (run / "metrics.json").unlink()
        # Another cell's bytes are no table of this one.
        cells[0].write_bytes(bad)
        assert sweep(request, out=run).results == whole.results
        # A byte that means nothing may be another.
        assert [cell.read_bytes() for cell in cells] == kept or bad == DAMAGES["one byte"](kept[0])
        assert (run / "sweep.csv").read_bytes() == table


def test_a_cell_of_another_sweep_is_not_taken(place: Path, tmp_path: Path) -> None:
    def of(model: str) -> SweepRequest:
        return SweepRequest(
            model=(str(place / model),), images=str(place / "images.npz"), noise=("readout",), strengths=(0.1,)
        )

    mine, other = sweep(of("model"), out=tmp_path / "mine"), sweep(of("other"), out=tmp_path / "other")
    assert mine.results != other.results
    (tmp_path / "mine" / "metrics.json").unlink()
    cells = [sorted((tmp_path / name / "cells").iterdir()) for name in ("mine", "other")]
    for cell, alike in zip(*cells, strict=True):
        cell.write_bytes(alike.read_bytes())
    assert sweep(of("model"), out=tmp_path / "mine").results == mine.results


def test_damaged_history_and_checkpoint_of_a_training_are_named(tmp_path: Path) -> None:
    request = TrainRequest(classes=(0, 1), layers=1, epochs=1, train_images=40)
    run = tmp_path / "run"
    whole = train(request, out=run)
    (run / "metrics.json").unlink()
    history = run / "learning_curve.csv"
    content = history.read_bytes()
    for damage in set(DAMAGES) - {"one byte"}:
        spoil(history, damage)
        with pytest.raises(DamagedFileError, match=r"learning_curve\.csv"):
            train(request, out=run)
        history.write_bytes(content)
    (run / "model.safetensors").unlink()
    for damage in DAMAGES.values():
        (run / CHECKPOINT_FILE).write_bytes(damage(b"\x10\0\0\0\0\0\0\0{}              "))
        with pytest.raises(InputError, match=f"{CHECKPOINT_FILE}.*Delete the checkpoint"):
            train(request, out=run)
    (run / CHECKPOINT_FILE).unlink()
    assert train(request, out=run).results == whole.results


def test_an_empty_outcome_is_not_an_interruption(run: Path) -> None:
    outcome = next((run / "outcomes").glob("images-*.npz"))
    outcome.write_bytes(b"")
    try:
        message = str(qaml_qiskit.collect(run).results)
    except QamlError as error:
        message = str(error)
    assert outcome.name in message or "accuracy" in message


def test_images_that_cannot_be_read(place: Path, tmp_path: Path) -> None:
    whole = (place / "images.npz").read_bytes()
    for bad in (b"", whole[:60], npz(images=np.zeros((1, 1, 2, 2)))):
        file = tmp_path / "images.npz"
        file.write_bytes(bad)
        with pytest.raises(InputError, match=r"images\.npz"):
            qaml_qiskit.submit(inference(place).model_copy(update={"images": str(file)}), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
