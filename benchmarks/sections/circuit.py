"""A circuit of the user's own."""

from __future__ import annotations

from benchmarks.contest import median, ratios
from benchmarks.sections.results import Results
from benchmarks.sections.tables import table
from benchmarks.suites.circuit import TITLES


def section(results: Results) -> list[str]:
    """One table."""
    setting, rows = results.facts["setting"], results.rows
    lines = []
    for key, title in TITLES.items():
        if f"{key}/own" in rows and f"{key}/ladder" in rows:
            ladder, own = rows[f"{key}/ladder"], rows[f"{key}/own"]
            ratio = ratios(own, ladder)[1]
            lines.append([title, f"{1000 * median(ladder):.3g}", f"{1000 * median(own):.3g}", f"{ratio:.2f}"])
    text = (
        f"The ladder of {setting['num_layers']} layers on {setting['num_qubits']} qubits, batch {setting['batch']}, "
        "and the same gates as a circuit of the user's own, in turns; the same logits to the last bit."
    )
    head = ["", "ladder, CPU ms", "own circuit, CPU ms", "own by ladder, median of rounds"]
    return ["## A circuit of one's own", text, table(head, lines)]
