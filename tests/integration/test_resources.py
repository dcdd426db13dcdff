"""``qaml resources``: its rows, the run folder it can write, and the mistakes it tells."""

import csv
import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from qaml_qiskit import ResourcesRequest
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.reports import format_cell
from tests.integration.conftest import Finished
from tests.tolerances import EXACT_FIDELITY

Qaml = Callable[..., Finished]
SMALL = ["resources", "--qubits", 4, "--layers", 2, "--recipe", "quick"]


def test_every_encoding_on_several_widths(qaml: Qaml) -> None:
    encodings = ["multiplexed", "approximate", "exact", "angle", "none"]
    arguments = [word for name in encodings for word in ("--encoding", name)]
    rows = qaml(*SMALL, "--qubits", 5, *arguments, "--json").json()["results"]
    assert [(row["qubits"], row["encoding"]) for row in rows[::2]] == [(n, name) for n in (4, 5) for name in encodings]
    for built, compiled in zip(rows[::2], rows[1::2], strict=True):
        assert built["target"] is None
        assert compiled["target"] == "fake-torino"
        assert compiled["two_qubit_gates"] >= built["two_qubit_gates"]
        n, layers = built["qubits"], built["layers"]
        wanted = {"multiplexed": 2**n - n - 1, "approximate": 4 * (n - 1) - 1, "angle": 0, "none": 0}
        if built["encoding"] in wanted:
            assert built["encoding_two_qubit_gates"] == wanted[built["encoding"]]
        assert built["ansatz_two_qubit_gates"] == layers * (n - 1)
        assert built["two_qubit_gates"] == built["encoding_two_qubit_gates"] + built["ansatz_two_qubit_gates"]
        assert compiled["ansatz_two_qubit_gates"] == layers * (n - 1)
        assert compiled["success_probability"] == pytest.approx(
            compiled["gate_survival"] * compiled["readout_survival"], rel=EXACT_FIDELITY
        )
        assert len(compiled["physical_qubits"].split()) >= n
        if built["encoding"] in ("multiplexed", "exact", "angle"):
            assert built["fidelity"] == pytest.approx(1, abs=EXACT_FIDELITY)


def test_every_ansatz_is_counted(qaml: Qaml) -> None:
    rows = qaml(*SMALL, "--ansatz", "ladder,brickwork", "--encoding", "none", "--json").json()["results"]
    layers = rows[0]["layers"]
    assert [(row["ansatz"], row["ansatz_two_qubit_gates"]) for row in rows[::2]] == [
        ("ladder", layers * 3),
        ("brickwork", sum((2, 1)[layer % 2] for layer in range(layers))),
    ]
    refused = qaml(*SMALL, "--ansatz", "brickwrok")
    assert refused.code == 2
    assert "brickwork" in refused.err


def test_a_grid_of_ladders_is_the_run_that_it_was() -> None:
    """An unfinished run of the version before is continued only if its configuration is the same."""
    assert "ansatz" not in ResourcesRequest().model_dump(mode="json")
    assert ResourcesRequest(ansatz=("brickwork",)).model_dump(mode="json")["ansatz"] == ["brickwork"]


def test_published_counts_stand_beside_ours(qaml: Qaml) -> None:
    published = qaml(*SMALL, "--encoding", "none", "--json").json()["published"]
    assert [row["published_gates"] for row in published] == ["39", "7,800", "a few thousand", "10^3 to 10^4"]
    assert [row["our_gates"] for row in published] == [39, 7800, 2 * 2**10 - 10 - 2, 7800 + 2 * 2**10 - 12]
    assert all("West" in row["source"] for row in published)


def test_a_run_folder_on_request_only(qaml: Qaml, tmp_path: Path) -> None:
    assert qaml(*SMALL, "--encoding", "none", "--json").json()["run"] is None
    assert not list(tmp_path.iterdir())
    arguments = [*SMALL, "--encoding", "approximate", "--recipe", "line-dd", "--target", "fake-fez", "--out", "run"]
    document = qaml(*arguments, "--json").json()
    run = tmp_path / "run"
    files = {path.name for path in run.iterdir()}
    pictures = {"gates-fidelity.png", "layout-fake-fez.png"}
    assert {"resources.csv", "resources.md", "metrics.json", "report.html", "config.yaml", *pictures} <= files
    for picture in pictures:
        assert (run / picture).read_bytes().startswith(b"\x89PNG")
    assert json.loads((run / "metrics.json").read_text())["results"] == document["results"]
    with (run / "resources.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["two_qubit_gates"]) for row in rows] == [r["two_qubit_gates"] for r in document["results"]]
    assert "approximate 2" in (run / "resources.md").read_text()
    assert "West" in (run / "report.html").read_text()


def test_a_finished_run_is_read_and_an_unfinished_one_continued(qaml: Qaml, tmp_path: Path) -> None:
    arguments = [*SMALL, "--encoding", "none", "--out", "run", "--json"]
    first = qaml(*arguments).json()
    assert qaml(*arguments).json() == first
    (tmp_path / "run" / "metrics.json").unlink()
    # The kept compilation time shows that nothing was compiled again.
    assert qaml(*arguments).json() == first
    other = qaml(*arguments, "--layers", 3)
    assert other.code == 2
    assert "layers" in other.err


def test_the_terminal_shows_every_figure(qaml: Qaml) -> None:
    rows = qaml(*SMALL, "--encoding", "approximate", "--json").json()["results"]
    out = qaml(*SMALL, "--encoding", "approximate").out
    assert {"2q", "success", "fidelity"} <= {*out.split("\n\n")[0].splitlines()[0].split()}
    assert all(format_cell(value) in out for row in rows for name, value in row.items() if "seconds" not in name)
    assert "published" in out


def test_delays_and_pulses_are_counted_apart(qaml: Qaml) -> None:
    """Pulses are gates, delays are not; neither is a two-qubit gate."""
    arguments = ["resources", "--qubits", 4, "--layers", 3, "--encoding", "none", "--json"]
    rows = qaml(*arguments, "--recipe", "line", "--recipe", "line-dd").json()["results"]
    assert rows[1]["two_qubit_gates"] == rows[2]["two_qubit_gates"]
    assert rows[1]["physical_qubits"] == rows[2]["physical_qubits"]
    assert rows[1]["one_qubit_gates"] <= rows[2]["one_qubit_gates"]


def test_images_that_do_not_fit_the_qubits(qaml: Qaml, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    importlib.import_module("qaml_qiskit.workflows.resources.workflow")
    large = torch.rand(2, 1, 28, 28, dtype=torch.float64)
    monkeypatch.setattr(
        sys.modules["qaml_qiskit.workflows.resources.workflow"], "load_images_of", lambda *_: (large, None, None)
    )
    finished = qaml(*SMALL, "--dataset", "mnist", "--out", "run")
    assert finished.code == 2
    assert "784 pixels" in finished.err
    assert not (tmp_path / "run").exists()


def test_missing_data_is_the_data_sets_own_error(qaml: Qaml, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QAML_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("qaml_qiskit.datasets.loading.find_folder", lambda spec, data_dir: None)

    def offline(*arguments: object, **options: object) -> None:
        raise ConfigurationError("no network", got="nothing", expected="a network", remedy="connect")

    monkeypatch.setattr("qaml_qiskit.datasets.loading.fetch_files", offline)
    finished = qaml("resources", "--qubits", 10, "--dataset", "mnist", "--out", "run")
    assert finished.code == 2
    assert "mnist" in finished.err
    assert not (tmp_path / "run").exists()
