"""Rows on a terminal: whatever the width, every cell is there whole."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from qaml_qiskit.reports import format_cell, heading, lay_out, to_csv
from qaml_qiskit.reports.page import tables

WIDTHS = (60, 80, 120)
REFERENCES = sorted((Path(__file__).parents[3] / "runs" / "reference").glob("*/metrics.json"))

texts = st.text(st.characters(codec="utf-8"), max_size=40)
values = st.one_of(
    texts,
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(10**6), 10**6),
    st.booleans(),
    st.none(),
    st.tuples(st.floats(0, 1), st.floats(0, 1)),
)


@st.composite
def some_rows(draw: st.DrawFn) -> list[dict[str, Any]]:
    names = draw(st.lists(st.from_regex(r"[a-z]{1,8}(_[a-z]{1,8}){0,3}", fullmatch=True), min_size=1, unique=True))
    return draw(st.lists(st.fixed_dictionaries(dict.fromkeys(names, values)), min_size=1, max_size=5))


def shown(rows: list[dict[str, Any]], width: int | None) -> str:
    """What is printed, with folded lines joined again."""
    return " ".join(" ".join(line.text for line in lay_out(rows, width)).split())


@given(some_rows(), st.integers(60, 200) | st.none())
@settings(deadline=None, derandomize=True)
def test_every_cell_is_found_whole(rows: list[dict[str, Any]], width: int | None) -> None:
    found = shown(rows, width)
    for row in rows:
        for name, value in row.items():
            text = format_cell(value, name)
            assert text in found
            assert not text or all(word in found for word in heading(name).split())


@given(some_rows())
@settings(deadline=None, derandomize=True)
def test_every_cell_is_in_the_page(rows: list[dict[str, Any]]) -> None:
    made = tables(rows)
    cells = {cell.text for table in made for line in table.rows for cell in line}
    for row in rows:
        for name, value in row.items():
            assert format_cell(value, name) in cells or format_cell(value, name) in made[0].remark


def reference_tables() -> list[Any]:
    """The real row shapes of commands, from the kept runs."""
    found = []
    for file in REFERENCES:
        for name, rows in json.loads(file.read_text()).items():
            if isinstance(rows, list) and rows and isinstance(rows[0], dict):
                found.append(pytest.param(rows[:12], id=f"{file.parent.name}-{name}"))
    return found


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("rows", reference_tables())
def test_kept_results_fit_the_terminal(rows: list[dict[str, Any]], width: int) -> None:
    lines = [line.text for line in lay_out(rows, width)]
    widest_word = max(cell_len(word) for line in lines for word in line.split())
    assert max(map(cell_len, lines)) <= max(width, widest_word)
    found = shown(rows, width)
    assert all(format_cell(value, name) in found for row in rows for name, value in row.items())
    assert "…" not in found


FRONTIER = [
    {
        "model": f"runs/shallow{layers}",
        "two_qubit_gates": 53 + layers,
        "clean_accuracy": 0.755 + layers / 100,
        "device_accuracy": 0.743,
        "robust_accuracy": 0.405,
        "interval": [0.862, 0.942],
        "gate_survival": 0.814,
        "encoding": "approximate",
        "images": 200,
    }
    for layers in range(12)
]


def test_blocks_repeat_what_tells_the_rows_apart() -> None:
    lines = [line.text for line in lay_out(FRONTIER, 60)]
    assert lines[0] == "In all rows: encoding approximate, images 200."
    assert sum("runs/shallow11" in line for line in lines) == 2
    assert any(line.split()[:3] == ["runs/shallow11", "64", "0.865"] for line in lines)


def test_few_rows_stand_upright_beside_each_other() -> None:
    rows = [{f"a_figure_of_number_{k}": k + row / 8 for k in range(20)} | {"stage": f"stage{row}"} for row in range(3)]
    lines = [line.text.split() for line in lay_out(rows, 80)]
    assert ["stage", "stage0", "stage1", "stage2"] in lines
    assert ["a", "figure", "of", "number", "7", "7.000", "7.125", "7.250"] in lines


def test_text_in_the_last_column_is_folded_under_itself() -> None:
    rows = [{"name": f"n{k}", "text": "many words " * 12} for k in range(2)]
    lines = [line.text for line in lay_out(rows, 60)]
    assert all(len(line) <= 60 for line in lines)
    assert lines[2].startswith("      many words")


def test_a_pipe_gets_one_line_a_row() -> None:
    assert len(lay_out(FRONTIER, None)) == 1 + len(FRONTIER)


def test_names_cannot_colour_the_terminal() -> None:
    assert "\x1b" not in shown([{"model": "a\x1b[31mb", "accuracy": 0.5}], 80)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("accuracy", 0.825, "0.825"),
        ("accuracy", 0.0, "0.000"),
        ("z_error", 0.00344821, "0.0034"),
        ("eps", 0.0125, "0.0125"),
        ("strength", 1e-5, "1e-05"),
        ("interval", [0.1, 1.0], "0.100 – 1.000"),
        ("images", 10000, "10000"),
        ("reached", True, "yes"),
        ("reason", None, ""),
    ],
)
def test_cells(name: str, value: object, text: str) -> None:
    assert format_cell(value, name) == text


@pytest.mark.parametrize("name", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_name_is_no_formula(name: str) -> None:
    assert to_csv([{"model": name, "gap": -0.5}]).split("\n", 1)[1].lstrip('"').startswith("'")


def test_numbers_stay_numbers() -> None:
    assert to_csv([{"gap": -0.5, "told": "-0.5"}]) == "gap,told\n-0.5,-0.5\n"


def test_an_interval_has_two_columns_where_it_is_empty_too() -> None:
    rows = [{"rate": 0.5, "rate_interval": [0.4, 0.6]}, {"rate": None, "rate_interval": None}]
    assert to_csv(rows) == "rate,rate_interval_low,rate_interval_high\n0.5,0.4,0.6\n,,\n"


def test_csv_moves_no_cursor() -> None:
    assert to_csv([{"model": "a\x1b[31m\x9bb\tc"}]) == "model\na\\x1b[31m\\x9bb\tc\n"
