"""A forecast."""

from __future__ import annotations

from benchmarks.contest import median, ratios
from benchmarks.sections.results import Results
from benchmarks.sections.tables import table
from benchmarks.suites.propagation import TITLES


def section(results: Results) -> list[str]:
    """One table."""
    setting, rows = results.facts["setting"], results.rows
    lines = []
    for key, title in TITLES.items():
        if key in rows and "rows" in rows:
            faster = 1 / ratios(rows[key], rows["rows"])[1]
            error = setting["errors"].get(key)
            cells = [f"{1000 * median(rows[key]) / setting['images']:.3g}", f"{faster:.1f}"]
            lines.append([title, f"{median(rows[key]):.3g}", *cells, "" if error is None else f"{error:.1e}"])
    text = (
        f"{setting['images']:,} images of {setting['model']} on {setting['device']}: {setting['qubits']} qubits, "
        f"{setting['two_qubit_gates']} two-qubit gates, the device's whole noise, single precision, one thread. "
        "The cut was timed with all that is done once, the others without it, on fewer images, and multiplied up. "
        f"Processor: {results.processor}."
    )
    head = ["", "CPU s", "CPU ms an image", "times faster than row by row", "largest difference"]
    return ["## A forecast", text, table(head, lines)]
