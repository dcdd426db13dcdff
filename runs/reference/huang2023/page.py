"""Puts the rows of the CSV files into the page, between ``<!-- NAME -->`` and ``<!-- end -->``."""

import csv
import re
from pathlib import Path

from models import HERE

PAGE = HERE.with_suffix(".md")
#: Of each table of the page: the file, what a row is, and what a column is.
TABLES = {
    "table1": ("table1", ("model",), "attack"),
    "table2": ("table2", ("model",), "attack"),
    "betas": ("table2-betas", ("model",), "layer"),
    "table3": ("table3", ("model",), "attack"),
    "table4": ("table4", ("source", "model"), "attack"),
    "exact": ("exact", ("model",), "attack"),
    "ablation": ("ablation", ("pair",), "attack"),
    "recipes": ("recipes", ("model",), "attack"),
    "figure6": ("figure6", ("attack", "model"), "eps"),
    "figure7": ("figure7", ("attack", "model"), "eps"),
    "figure8": ("figure8", ("attack", "model"), "k"),
    "figure9": ("figure9", ("depth", "model"), "eps"),
    "figure4": ("figure4-end", ("model",), "attack"),
    "figure6-end": ("figure6-end", ("model",), "attack"),
}


def table(file: str, rows: tuple[str, ...], column: str) -> str:
    """Mean ± spread, and the published number in brackets, of one CSV."""
    with (HERE / f"{file}.csv").open() as handle:
        found = list(csv.DictReader(handle))
    columns = list(dict.fromkeys(row[column] for row in found))
    names = list(dict.fromkeys(tuple(row[key] for key in rows) for row in found))
    cells = {(*(row[key] for key in rows), row[column]): _cell(row, 4 if column == "layer" else 3) for row in found}
    heads = [*rows, *(f"{column} {name}" if column in ("eps", "k", "layer") else name for name in columns), "seeds"]
    seeds = {tuple(row[key] for key in rows): row["seeds"] for row in found}
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for name in names:
        values = [cells.get((*name, each), "") for each in columns]
        lines.append("| " + " | ".join([*name, *values, seeds[name]]) + " |")
    return "\n".join(lines)


def _cell(row: dict[str, str], digits: int) -> str:
    told = _short(row["mean"], digits)
    if row["sd"] not in ("nan", ""):
        told += f" ± {_short(row['sd'], digits)}"
    return told + (f" [{row['published'].replace('0.', '.', 1)}]" if row.get("published") else "")


def _short(number: str, digits: int) -> str:
    return f"{float(number):.{digits}f}".replace("0.", ".", 1)


def fill(page: Path = PAGE) -> None:
    """Write the tables whose files are there."""
    text = page.read_text()
    for name, (file, rows, column) in TABLES.items():
        if (HERE / f"{file}.csv").is_file():
            pattern = rf"(<!-- {name} -->\n).*?(<!-- end -->)"
            made = table(file, rows, column)
            text = re.sub(pattern, lambda hit, made=made: f"{hit[1]}{made}\n{hit[2]}", text, flags=re.DOTALL)
    page.write_text(text)
