"""`qaml forecast --blame`: which gate costs what, and recipes that ask for margins."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from qiskit.circuit import QuantumCircuit

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.evaluation import Margins
from qaml_qiskit.execution import load_recipe, open_target, to_isa
from qaml_qiskit.execution.catalogue import FakeEntry
from qaml_qiskit.execution.compilation.layout import LineUsage, best_line
from qaml_qiskit.execution.targets import Target
from qaml_qiskit.studies.devices.blaming import Blame, margin_slopes
from tests.integration.conftest import Finished
from tests.integration.hardware import workspace
from tests.integration.small import deployed, images

Qaml = Callable[..., Finished]
LABELS = np.array([0, 1, 2, 0, 1, 2])


def manila() -> Target:
    return open_target("fake-manila", FakeEntry(kind="fake", device="FakeManilaV2"), 3)


def words(place: Path, target: str = "fake-torino") -> list[str]:
    given = ["forecast", str(place / "model"), "--target", target, "--images", str(place / "images.npz")]
    return [*given, "--recipe", "quick", "--blame"]


def table(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as opened:
        return list(csv.DictReader(opened))


def test_a_forecast_says_which_gate_costs_what(qaml: Qaml, tmp_path: Path) -> None:
    place = workspace(tmp_path / "work")
    finished = qaml(*words(place), "--out", place / "run", "--json")
    assert finished.code == 0, finished.err
    document = finished.json()
    gates = table(place / "run" / "blame-gates.csv")
    assert document["blame"] == [{**row, **document["blame"][i]} for i, row in enumerate(gates[:10])]
    lost = [float(row["lost_margin"]) for row in gates]
    assert lost == sorted(lost, reverse=True)
    assert sum(float(row["share"]) for row in gates) == pytest.approx(1)
    assert {row["gate"] for row in gates} >= {"cz", "sx", "measure"}
    assert all(float(row["error_rate"]) > 0 for row in gates)
    # Nothing is lost between the tables.
    qubits = table(place / "run" / "blame-qubits.csv")
    assert sum(float(row["lost_margin"]) for row in qubits) == pytest.approx(sum(lost))
    classes = table(place / "run" / "blame-classes.csv")
    assert len(classes) == 2 * len(gates)
    assert {"blame.png", "report.html"} <= {file.name for file in (place / "run").iterdir()}
    # Without it, a forecast is what it was.
    bare = qaml(*words(place)[:-1], "--out", place / "bare", "--json").json()
    assert "blame" not in bare
    assert bare["results"] == document["results"]


def test_blaming_that_was_killed_goes_on(qaml: Qaml, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = workspace(tmp_path / "work")
    both = words(place, "fake-torino,fake-fez")
    whole = qaml(*both, "--out", place / "whole", "--json").json()
    import qaml_qiskit.studies.devices.blaming as blaming

    real, calls = blaming.margin_slopes, []

    def killed(*arguments: object) -> object:
        calls.append("call")
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(blaming, "margin_slopes", killed)
    assert qaml(*both, "--out", place / "run", "--json").code == 130
    assert len(list((place / "run" / "blocks").glob("blame-*"))) == 1
    assert qaml(*both, "--out", place / "run", "--json").json()["blame"] == whole["blame"]


def test_a_circuit_without_noise_is_not_blamed(qaml: Qaml, tmp_path: Path) -> None:
    place = workspace(tmp_path / "work")
    finished = qaml(*words(place, "ideal"), "--out", place / "run")
    assert finished.code == 2
    assert "can be blamed" in finished.err
    assert not (place / "run").exists()


def test_the_slopes_are_those_of_the_margins() -> None:
    each = deployed(manila())
    margins, slopes, own = margin_slopes(each, images(), LABELS)
    head = each.head.times(1 / each.qvc.config.logit_scale)
    np.testing.assert_allclose(margins, Margins.of(each.expectations(images()), head, LABELS).values)
    assert slopes.shape == own.shape == (len(LABELS), slopes.shape[1])
    assert np.abs(slopes).max() > 0


def test_an_image_is_saved_where_its_margin_turns() -> None:
    gates = (("cz", (3, 4)), ("measure", (3,)))
    margins, slopes = np.array([-0.1, 0.1, 0.2]), np.array([[-0.2, 0.0], [0.0, 0.15], [-0.1, 0.0]])
    blame = Blame(gates, (12, 1), (0.01, None), np.array([0, 0, 1]), margins, slopes, slopes / 2)
    rows = {row["gate"]: row for row in blame.gate_rows()}
    assert (rows["cz"]["saved"], rows["cz"]["harmed"]) == (1, 0)
    assert (rows["measure"]["saved"], rows["measure"]["harmed"]) == (0, 1)
    assert rows["cz"]["lost_margin"] == pytest.approx(0.1)
    assert rows["cz"]["share"] + rows["measure"]["share"] == pytest.approx(1)
    assert {row["qubit"]: row["lost_margin"] for row in blame.qubit_rows()} == {
        3: pytest.approx(0.0),
        4: pytest.approx(0.05),
    }
    assert blame.pair_losses() == {(3, 4): pytest.approx(0.1)}
    assert blame.qubit_losses() == {3: pytest.approx(-0.05)}
    by_rate = {(row["gate"], row["class"]): row["by_rate"] for row in blame.class_rows()}
    assert by_rate["cz", 0] == pytest.approx(-5)
    assert by_rate["measure", 0] is None


def test_a_layout_by_margins_needs_a_classifier(qaml: Qaml, tmp_path: Path) -> None:
    finished = qaml("resources", "--qubits", 3, "--layers", 1, "--target", "fake-torino", "--recipe", "margin")
    assert finished.code == 2
    assert "recipe line" in finished.err.replace("\n", " ") or "layout: line" in finished.err
    with pytest.raises(ConfigurationError, match="needs a classifier"):
        to_isa(QuantumCircuit(2), manila().isa, load_recipe("margin"))
    # The models of these tests never said what they learned from.
    place = workspace(tmp_path / "work")
    finished = qaml(*words(place)[:-3], "--recipe", "margin", "--out", place / "run")
    assert finished.code == 2
    assert "cannot weigh the qubits" in finished.err


def test_margins_choose_the_line_by_its_weights() -> None:
    target = open_target("fake-torino", FakeEntry(kind="fake", device="FakeTorino"), 3).isa
    circuit = QuantumCircuit(2)
    circuit.cx(0, 1)
    circuit.measure_all()
    gates, readout = LineUsage((1.0,), (0.0, 0.0), (1e-6, 1e-6)), LineUsage((0.0,), (0.0, 0.0), (1.0, 0.5))
    lines = [best_line(target, weights) for weights in (gates, readout)]
    assert lines[0] != lines[1]
    for weights, line in zip((gates, readout), lines, strict=True):
        isa = to_isa(circuit, target, load_recipe("margin"), weights=weights)
        assert tuple(isa.layout.initial_index_layout(filter_ancillas=True)) == line
