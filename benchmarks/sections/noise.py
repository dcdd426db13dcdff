"""Exact noise."""

from __future__ import annotations

from benchmarks.contest import median
from benchmarks.sections.results import Results
from benchmarks.sections.tables import table
from benchmarks.suites.noise import TITLES


def section(results: Results) -> list[str]:
    """One table."""
    setting, rows = results.facts["setting"], results.rows
    lines = [
        [title, f"{median(rows[key]):.3g}", f"{median(rows[key], 'wall'):.3g}"]
        for key, title in TITLES.items()
        if key in rows
    ]
    text = (
        f"QVC200 in {setting['gates']:,} native gates, depolarising noise and bit flips after every SX, X and CZ, ten "
        f"observables, one thread. Largest difference from Aer: {setting['error']:.1e}."
    )
    return ["## Noise", text, table(["", "CPU s", "wall s"], lines)]
