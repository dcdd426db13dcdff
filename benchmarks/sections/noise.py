"""Exact noise."""

from __future__ import annotations

from benchmarks.sections.results import Results
from benchmarks.sections.tables import seconds_table
from benchmarks.suites.noise import TITLES


def section(results: Results) -> list[str]:
    """One table."""
    setting = results.facts["setting"]
    text = (
        f"QVC200 in {setting['gates']:,} native gates, depolarising noise and bit flips after every SX, X and CZ, ten "
        f"observables, one thread. Largest difference from Aer: {setting['error']:.1e}."
    )
    return ["## Noise", text, seconds_table(results.rows, TITLES)]
