"""Noise on pairs of qubits, and gradients through noise."""

from __future__ import annotations

from benchmarks.contest import median
from benchmarks.sections.results import Results
from benchmarks.sections.tables import table
from benchmarks.suites.exact_noise import TITLES


def section(results: Results) -> list[str]:
    """One table."""
    setting, rows = results.facts["setting"], results.rows
    lines = [
        [title, f"{median(rows[key]):.3g}", f"{median(rows[key], 'wall'):.3g}"]
        for key, title in TITLES.items()
        if key in rows
    ]
    text = (
        f"{setting['layers']} layers on {setting['qubits']} qubits, on {setting['twelve'][0]} qubits "
        f"{setting['twelve'][1]}, of the small model {setting['small'][1]} on {setting['small'][0]}; steps of batch "
        f"{setting['batch']}; single precision, one thread. Largest difference of kernel and torch: "
        f"{setting['error']:.1e}."
    )
    return ["## Noise on pairs, and gradients through noise", text, table(["", "CPU s", "wall s"], lines)]
