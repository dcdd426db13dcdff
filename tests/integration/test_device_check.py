"""Whether a target kept its word: the check of a run, of a finished one from Python, and a forecast over an archive."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from qiskit_ibm_runtime.fake_provider.backends import manila

import qaml_qiskit
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.execution import Workload
from tests.integration.conftest import Finished
from tests.integration.hardware import IMAGES, workspace

Qaml = Callable[..., Finished]
SHOTS, MANY = 2000, 40
FILES = {"configuration": "conf_manila.json", "properties": "props_manila.json"}


def device(name: str) -> dict[str, Any]:
    return dict(json.loads((Path(manila.__file__).parent / FILES[name]).read_text()))


def snapshot(
    run: Path, pair: tuple[int, ...] = (), factor: float = 1.0, date: str = "", name: str | None = None
) -> Path:
    """A run folder's snapshot of a device of five qubits, the gates of one pair, or of all, so many times worse."""
    configuration, properties = device("configuration"), device("properties")
    if name is not None:
        configuration["backend_name"] = name
    properties["last_update_date"] = date or properties["last_update_date"]
    for gate in properties["gates"]:
        if gate["gate"] == "cx" and (not pair or sorted(gate["qubits"]) == list(pair)):
            for each in gate["parameters"]:
                if each["name"] == "gate_error":
                    each["value"] = min(each["value"] * factor, 0.7)
    place = run / "snapshot"
    place.mkdir(parents=True, exist_ok=True)
    for file, content in (("configuration", configuration), ("properties", properties)):
        (place / f"{file}.json").write_text(json.dumps(content))
    return run


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model of two qubits, many images, and two targets: a fake device and a snapshot of the same."""
    folder = workspace(tmp_path / "work")
    shown = torch.rand(MANY, 1, 2, 2, generator=torch.Generator().manual_seed(5)).numpy()
    np.savez(folder / "many.npz", images=shown, labels=np.arange(MANY) % 2)
    snapshot(folder / "then")
    (folder / "backends.yaml").write_text(
        "targets: {manila: {kind: fake, device: FakeManilaV2}, then: {kind: snapshot, folder: then/snapshot}, "
        "ideal: {kind: ideal}}\n"
    )
    monkeypatch.chdir(folder)
    return folder


def words(
    out: str, *more: object, target: str = "manila", images: str = "images.npz", recipe: str = "quick"
) -> list[object]:
    options = ("--target", target, "--backends", "backends.yaml", "--images", images, "--shots", SHOTS)
    return ["run", "model", *options, "--recipe", recipe, "--out", out, *more]


@pytest.mark.parametrize(("wanted", "looked"), [(None, IMAGES), (2, 2), (99, IMAGES), (0, None)])
def test_a_run_says_whether_its_target_kept_its_word(
    qaml: Qaml, work: Path, wanted: int | None, looked: int | None
) -> None:
    more = () if wanted is None else ("--check-images", wanted)
    finished = qaml(*words("run", *more, "--json"))
    assert finished.code == 0, finished.err
    document, page = finished.json(), (work / "run/report.html").read_text()
    assert ("Did the device keep its word?" in page) is (looked is not None)
    assert (work / "run/promise.csv").exists() is (looked is not None)
    if looked is None:
        assert "promise" not in document
        return
    found = document["promise"]
    assert found["images"] == looked
    assert found["sentence"] == document["notes"][0]
    assert found["named"] is None
    assert json.loads((work / "run/metrics.json").read_text())["promise"] == found
    assert [row["test"] for row in found["tests"]][:2] == ["all averages together", "the worst average by itself"]
    assert len(found["products"]) == 2


def test_the_gate_of_one_tile_that_became_worse_is_named(qaml: Qaml, work: Path) -> None:
    more = ("--tiles", 2, "--check-images", 0, "--images-per-job", 10)
    planned = qaml("submit", *words("run", *more, target="then", images="many.npz", recipe="line")[1:])
    assert planned.code == 0, planned.err
    pair = tuple(sorted(Workload.load(work / "run").tile_qubits[1]))
    # The device becomes worse behind the calibration that promises it.
    snapshot(work / "then", pair, 40)
    assert qaml("collect", "run").code == 0
    snapshot(work / "then")
    before = (work / "run/metrics.json").read_bytes()
    found = qaml_qiskit.device_check("run", images=MANY)
    promise = found.more["promise"]
    assert not promise["kept"]
    assert [row["tile"] for row in found.tiles] == [0, 1]
    named = promise["named"]
    assert named["tile"] == 1
    assert set(named["qubits"]) <= set(pair)
    assert f"cx on qubits {pair[0]} and {pair[1]}" in [named["part"], *named["alike"]]
    assert found.lead == promise["sentence"]
    assert "stand out" in found.lead
    assert len(found.drift) == MANY // 10
    assert sum(row["images"] for row in found.drift) == MANY
    # The run is what it was, and what was forecast is not forecast again.
    assert (work / "run/metrics.json").read_bytes() == before
    kept = {path: path.stat().st_mtime_ns for path in (work / "run/promise").iterdir()}
    assert qaml_qiskit.device_check("run", images=MANY).results == found.results
    assert {path: path.stat().st_mtime_ns for path in (work / "run/promise").iterdir()} == kept


def test_a_finished_run_is_checked_from_python_as_it_was_when_it_ran(qaml: Qaml, work: Path) -> None:
    document = qaml(*words("run", "--json")).json()
    found = qaml_qiskit.device_check("run")
    assert found.more["promise"] == document["promise"]
    assert found.results == document["promise"]["tests"]
    assert qaml_qiskit.device_check("run", images=1).more["promise"]["images"] == 1
    with pytest.raises(InputError, match="no images to check: got images=0"):
        qaml_qiskit.device_check("run", images=0)


def test_what_cannot_be_checked_is_refused(qaml: Qaml, work: Path) -> None:
    assert qaml(*words("run", target="ideal")).code == 0
    with pytest.raises(ConfigurationError, match="promises no errors"):
        qaml_qiskit.device_check("run")
    assert qaml(*words("quiet", "--check-images", 0)).code == 0
    with pytest.raises(ConfigurationError, match="Say how many images"):
        qaml_qiskit.device_check("quiet")
    (work / "quiet/metrics.json").unlink()
    (work / "quiet/outcomes/images-0000.npz").unlink()
    with pytest.raises(InputError, match="qaml collect quiet"):
        qaml_qiskit.device_check("quiet", images=5)


def forecast(archive: str, *more: object, target: str = "manila") -> list[object]:
    options = ("--target", target, "--backends", "backends.yaml", "--images", "images.npz", "--recipe", "quick")
    return ["forecast", "model", *options, "--archive", archive, "--out", "run", *more]


def test_a_forecast_over_stored_calibrations(qaml: Qaml, work: Path) -> None:
    snapshot(work / "bad", factor=40, date="2014-03-01T00:00:00+00:00")
    snapshot(work / "good", factor=0.1, date="2014-02-01T00:00:00+00:00")
    finished = qaml(*forecast("bad,good/snapshot,then", "--shots", 100, "--json"))
    assert finished.code == 0, finished.err
    document = finished.json()
    archive, envelope = document["archive"], document["envelope"]
    dates = list(dict.fromkeys(row["calibrated"] for row in archive))
    assert dates == sorted(dates)
    assert dates[:2] == ["2014-02-01T00:00:00+00:00", "2014-03-01T00:00:00+00:00"]
    assert {row["snapshot"] for row in archive} == {"bad", "good/snapshot", "then"}
    for row in envelope:
        same = [
            each["accuracy"]
            for each in archive
            if (each["mitigation"], each["shots"]) == (row["mitigation"], row["shots"])
        ]
        assert (row["lowest"], row["median"], row["highest"]) == (min(same), np.median(same), max(same))
        assert row["snapshots"] == 3
    # A snapshot of the device as it is says what the forecast says.
    present = {(r["mitigation"], r["shots"]): r["accuracy"] for r in document["results"] if not r["eps"]}
    now = {(r["mitigation"], r["shots"]): r["accuracy"] for r in archive if r["snapshot"] == "then"}
    assert now == {key: present[key] for key in now}


@pytest.mark.parametrize(
    ("archive", "target", "told"),
    [
        ("other", "manila", "other is of another device: got fake_quito"),
        ("empty", "manila", "empty holds no snapshot of a device"),
        ("missing", "manila", "missing holds no snapshot of a device: got no such folder"),
        ("damaged", "manila", "damaged/snapshot"),
        ("then", "ideal", "an archive is of one device"),
        ("then", "manila,then", "an archive is of one device"),
    ],
)
def test_an_archive_that_does_not_fit_is_refused(qaml: Qaml, work: Path, archive: str, target: str, told: str) -> None:
    snapshot(work / "other", name="fake_quito")
    (work / "empty").mkdir()
    place = snapshot(work / "damaged") / "snapshot"
    (place / "properties.json").write_text((place / "properties.json").read_text()[:500])
    refused = qaml(*forecast(archive, target=target))
    assert refused.code == 2
    assert told in refused.err
    assert len(refused.err.strip().splitlines()) == 1
    assert not (work / "run").exists()
