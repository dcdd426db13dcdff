"""Rows of results as CSV, in Markdown, and short."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

from qaml_qiskit.evaluation import CALIBRATION_COLUMNS
from qaml_qiskit.reports.cells import format_cell

#: What a formula begins with in a spreadsheet.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
#: What moves a cursor or colours what follows where the file is shown on a terminal; ends of lines and tabs are data.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


#: Figures of calibration that a short table shows; the others are Brier's score, an ECE in other bins, and intervals.
_BRIEF = ("nll", "ece")
_LEFT_OUT = frozenset(CALIBRATION_COLUMNS) - {*_BRIEF}


def brief_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows with two figures of calibration of four, and without the intervals of these."""
    return [{name: value for name, value in row.items() if name not in _LEFT_OUT} for row in rows]


def to_csv(rows: Sequence[Mapping[str, object]]) -> str:
    r"""CSV with a header; the columns are the keys of all rows in the order of their first appearance.

    Numbers keep every digit. An interval, an empty one too, or another pair becomes two columns, ``name_low`` and
    ``name_high``. Text that a spreadsheet would take for a formula gets an apostrophe in front, which spreadsheets
    hide, and control characters are written as ``\x1b`` and the like.
    """
    flat = [
        {name: _harmless(value) if isinstance(value, str) else value for name, value in row.items()}
        for row in flat_rows(rows)
    ]
    columns = list(dict.fromkeys(name for row in flat for name in row))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return buffer.getvalue()


def to_markdown(rows: Sequence[Mapping[str, object]]) -> str:
    """A table in Markdown; the columns are the keys of the first row, and numbers are shown as people read them."""
    names = list(rows[0])
    head, *lines = ([*names], *([format_cell(row[name]) for name in names] for row in rows))
    told = [f"| {' | '.join(map(flat_text, cells))} |" for cells in (head, *lines)]
    return "\n".join([told[0], f"|{'---|' * len(names)}", *told[1:]])


def flat_text(text: str) -> str:
    """A text in Markdown on one line, which ends no cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def flat_rows(rows: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """The rows with an interval, there or not, or another pair as two columns, ``name_low`` and ``name_high``."""
    return [_flatten(row) for row in rows]


def _flatten(row: Mapping[str, object]) -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in row.items():
        if isinstance(value, (list, tuple)) and len(value) == 2:
            flat[f"{name}_low"], flat[f"{name}_high"] = value
        elif value is None and (name == "interval" or name.endswith("_interval")):
            flat[f"{name}_low"] = flat[f"{name}_high"] = None
        else:
            flat[name] = value
    return flat


def _harmless(text: str) -> str:
    text = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
    if not text.startswith(_FORMULA):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text
