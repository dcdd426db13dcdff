"""What a command hands back, to people and to programs."""

import builtins
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel

from qaml_qiskit.artifacts import Run, open_run
from qaml_qiskit.errors import ConfigurationError, InputError, JobsPendingError
from qaml_qiskit.reports import Brief, Outcome, accuracy_bars

ROWS = [
    {"stage": "raw", "accuracy": 0.8, "interval": [0.7, 0.9]},
    {"stage": "m3<b>", "accuracy": 0.9, "interval": [0.8, 0.95]},
]
TABLES = {"resources": [{"depth": 3, "qubits": 2}]}


class Options(BaseModel):
    layers: int = 2


@pytest.fixture
def outcome(tmp_path: Path) -> Outcome:
    with open_run("demo", Options(), out=tmp_path / "run") as run:
        run.write("accuracy.png", accuracy_bars(["x"], {"raw": [(0.8, 0.7, 0.9)]}, chance=0.5))
        run.write("cells/a.json", "1")
        run.finish({"lead": "Accuracy raw 80 %.", "results": ROWS, "notes": ["A note."], **TABLES, "audit": []})
    return Outcome.of(run, "resources", "audit")


def test_it_is_what_the_run_found(outcome: Outcome) -> None:
    assert outcome.run is not None
    expected = {"command": "demo", "run": str(outcome.run.path), "results": ROWS, **TABLES, "notes": ["A note."]}
    assert (outcome.document(), outcome.lead) == (expected, "Accuracy raw 80 %.")


def test_columns_and_tables_are_attributes(outcome: Outcome) -> None:
    assert outcome.accuracy == [0.8, 0.9]
    assert outcome.resources == TABLES["resources"]
    assert {"accuracy", "stage", "resources", "to_pandas", "results"} <= set(dir(outcome))
    with pytest.raises(AttributeError, match="acuracy"):
        _ = outcome.acuracy
    with pytest.raises(FrozenInstanceError):
        outcome.command = "other"  # type: ignore[misc]


def test_what_else_there_is_is_an_attribute_too() -> None:
    outcome = Outcome("run", None, ROWS, more={"promise": {"kept": True}})
    assert outcome.promise == {"kept": True}
    assert "promise" in dir(outcome)


def test_it_is_printed_as_a_terminal_shows_it(outcome: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert outcome.run is not None
    assert repr(outcome).splitlines() == [
        "stage  accuracy       interval",
        "raw       0.800  0.700 – 0.900",
        "m3<b>     0.900  0.800 – 0.950",
        "",
        "resources",
        "depth  qubits",
        "    3       2",
        "A note.",
        f"Run: {outcome.run.path}",
    ]


def test_what_is_missing_is_printed_first() -> None:
    problem = JobsPendingError("jobs are pending", got="1 of 2", expected="all", remedy="wait")
    found = Outcome("collect", None, [], problem=problem)
    assert repr(found) == f"qaml collect: {problem}"
    assert str(problem) in found._repr_html_()


def test_a_notebook_gets_a_table_in_which_nothing_acts(outcome: Outcome) -> None:
    html = outcome._repr_html_()
    assert html.count("<table") == 2
    assert "0.800 – 0.900" not in html
    assert "0.700 – 0.900" in html
    assert "m3&lt;b&gt;" in html
    assert "<b>" not in html
    assert "Accuracy raw 80 %." in html
    assert "A note." in html


def test_people_get_the_brief_form_of_many_rows() -> None:
    rows = [{"index": number} for number in range(300)]
    whole = Outcome("encode", None, rows)
    assert "200 more rows are in .results." in whole._repr_html_()
    brief = Outcome("encode", None, rows, brief=lambda: Brief([{"images": 300}]))
    assert repr(brief).split() == ["images", "300"]
    assert brief._repr_html_().count("<tr") == 2


def test_pandas_gets_every_row_and_both_ends_of_intervals(outcome: Outcome) -> None:
    pytest.importorskip("pandas")
    table = outcome.to_pandas()
    assert list(table.columns) == ["stage", "accuracy", "interval_low", "interval_high"]
    np.testing.assert_array_equal(table["interval_high"], [0.9, 0.95])
    assert outcome.to_pandas("resources")["depth"].tolist() == [3]
    with pytest.raises(ConfigurationError, match="no such table: got 'resorces'; expected one of results, resources"):
        outcome.to_pandas("resorces")


def test_without_pandas_it_says_how_to_get_it(outcome: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = builtins.__import__

    def without(name: str, *rest: object) -> object:
        if name == "pandas":
            raise ImportError(name)
        return whole(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigurationError, match=r"Install it with `pip install pandas`, or use \.results"):
        outcome.to_pandas()


def test_pictures_are_the_files_of_the_run(outcome: Outcome) -> None:
    assert outcome.run is not None
    pictures = outcome.plot()
    assert repr(pictures) == str(outcome.run.path / "accuracy.png")
    assert pictures._repr_html_().count("data:image/png;base64,") == 1


def test_what_drew_nothing_says_so() -> None:
    with pytest.raises(ConfigurationError, match="plan has no picture: got no run that is kept"):
        Outcome("plan", None, [{"jobs": 1}]).plot()


def test_a_saved_run_is_the_same_elsewhere(outcome: Outcome, tmp_path: Path) -> None:
    assert outcome.run is not None
    saved = outcome.save(tmp_path / "mine")
    assert saved.run is not None
    files = {str(path.relative_to(outcome.run.path)) for path in outcome.run.path.rglob("*") if path.is_file()}
    assert files == {str(path.relative_to(saved.run.path)) for path in saved.run.path.rglob("*") if path.is_file()} | {
        ".lock"
    }
    assert Outcome.of(Run(saved.run.path, saved.run.config), "resources").results == ROWS
    with pytest.raises(InputError, match="something that is there already"):
        outcome.save(tmp_path / "mine")


def test_what_is_not_complete_cannot_be_saved(tmp_path: Path) -> None:
    with open_run("demo", Options(), out=tmp_path / "run") as run:
        open_outcome = Outcome("submit", run, [])
        with pytest.raises(ConfigurationError, match="which is not complete"):
            open_outcome.save(tmp_path / "mine")
    with pytest.raises(ConfigurationError, match="Keep the run with out=…"):
        Outcome("plan", None, []).save(tmp_path / "mine")
    assert not (tmp_path / "mine").exists()
