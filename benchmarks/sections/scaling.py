"""Curves of time against depth, qubits, batch and threads."""

from __future__ import annotations

import csv
from typing import Any

from benchmarks.sections.results import Results
from benchmarks.sections.tables import milliseconds, table


def section(results: Results) -> list[str]:
    """A table a curve."""
    path = results.folder / "scaling.csv"
    if not path.exists():
        return []
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    parts = [
        "## Scaling",
        "![time against layers, qubits, batch and threads](scaling.png)",
        "The numbers are in `scaling.csv`.",
    ]
    for curve, head in (("layers", "L"), ("qubits", "n"), ("batch", "batch")):
        parts.append(_curve(rows, curve, head))
    if any(row["curve"] == "large" for row in rows):
        parts += ["States that leave the caches (L, batch: 50, 8; 20, 2; 10, 1):", _curve(rows, "large", "n")]
    parts.append("n = 10 are images of 28×28 pixels and n = 12 of 3×32×32 (the papers' QVC200 on both).")
    threads = [
        [row["x"], "yes" if "spinning" in row["curve"] else "no", row["step"], milliseconds(row["wall_seconds"])]
        for row in rows
        if row["curve"].startswith("threads")
    ]
    batch = next((row["batch"] for row in rows if row["curve"] == "threads"), "")
    text = f"Threads of the kernel, batch {batch}, wall time; with and without another process that keeps a CPU busy:"
    return [*parts, text, table(["threads", "a CPU is busy", "step", "wall ms"], threads)]


def _curve(rows: list[dict[str, Any]], curve: str, head: str) -> str:
    rows = [row for row in rows if row["curve"] == curve]
    columns = list(dict.fromkeys((row["step"], row["contestant"]) for row in rows))
    places = list(dict.fromkeys(row["x"] for row in rows))
    cells = {(row["x"], row["step"], row["contestant"]): milliseconds(row["cpu_seconds"]) for row in rows}
    lines = [[str(x), *(cells.get((x, *column), "–") for column in columns)] for x in places]
    return table([f"{head} (CPU ms)", *(f"{step}, {contestant}" for step, contestant in columns)], lines)
