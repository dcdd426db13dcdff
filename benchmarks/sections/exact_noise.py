"""Noise on pairs of qubits, and gradients through noise."""

from __future__ import annotations

from benchmarks.sections.results import Results
from benchmarks.sections.tables import seconds_table
from benchmarks.suites.exact_noise import TITLES


def section(results: Results) -> list[str]:
    """One table."""
    setting = results.facts["setting"]
    text = (
        f"{setting['layers']} layers on {setting['qubits']} qubits, on {setting['twelve'][0]} qubits "
        f"{setting['twelve'][1]}, of the small model {setting['small'][1]} on {setting['small'][0]}; steps of batch "
        f"{setting['batch']}; single precision, one thread. Largest difference of kernel and torch: "
        f"{setting['error']:.1e}."
    )
    return ["## Noise on pairs, and gradients through noise", text, seconds_table(results.rows, TITLES)]
