"""Certificates."""

from __future__ import annotations

from benchmarks.contest import median
from benchmarks.sections.results import Results
from benchmarks.sections.tables import table
from benchmarks.suites.certificates import TITLES


def section(results: Results) -> list[str]:
    """One table."""
    setting, rows = results.facts["setting"], results.rows
    lines = [[title, f"{median(rows[key]):.2g}", str(len(rows[key]))] for key, title in TITLES.items() if key in rows]
    text = (
        f"A QVC of {setting['num_layers']} layers on {setting['num_qubits']} qubits with {setting['num_classes']} "
        "classes, one thread. A certificate: the exact l2 radius with its witness, bounds in l∞ and two attacks."
    )
    return ["## Certificates", text, table(["", "CPU s", "rounds"], lines)]
