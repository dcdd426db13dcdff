"""Noisy sampling."""

from __future__ import annotations

from benchmarks.contest import median, ratios
from benchmarks.sections.results import Results
from benchmarks.sections.tables import table
from benchmarks.suites.sampling import TITLES


def section(results: Results) -> list[str]:
    """One table."""
    setting, rows = results.facts["setting"], results.rows
    lines = []
    for key, title in TITLES.items():
        if key in rows:
            agreement = setting["chi_squared"].get(key)
            lines.append(
                [
                    title,
                    f"{median(rows[key]):.3g}",
                    f"{median(rows[key], 'wall'):.3g}",
                    f"{ratios(rows[key], rows['package'])[0]:.3g}",
                    "" if agreement is None else f"{agreement:.2f}",
                ]
            )
    text = (
        f"{setting['images']} images, {setting['shots']} shots, {setting['qubits']} qubits, "
        f"{setting['two_qubit_gates']} two-qubit gates on a snapshot of a 133-qubit device. Agreement: mean square "
        "difference of ⟨Z⟩ in units of its error by shots; 1 when nothing but shots differs."
    )
    return ["## Noisy sampling", text, table(["", "CPU s", "wall s", "times the package", "agreement"], lines)]
