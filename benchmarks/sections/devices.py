"""Simulated devices."""

from __future__ import annotations

from benchmarks.contest import median, ratios
from benchmarks.sections.results import Results
from benchmarks.sections.tables import table
from benchmarks.suites.devices import TITLES


def section(results: Results) -> list[str]:
    """Time an image, and peak memory."""
    setting, rows, facts = results.facts["setting"], results.rows, results.facts
    base = rows.get("exact")
    lines = [
        [
            title,
            f"{1000 * median(rows[key]):.3g}",
            f"{1000 * median(rows[key], 'wall'):.3g}",
            f"{ratios(rows[key], base)[1]:.3g}",
        ]
        for key, title in TITLES.items()
        if key in rows and base
    ]
    compared = [fact for name, fact in facts.items() if name.startswith("agreement@")]
    values = sum(fact["values"] for fact in compared)
    square = sum(fact["values"] * fact["square"] for fact in compared) / values
    text = (
        f"{setting['qubits']} qubits, {setting['two_qubit_gates']} two-qubit gates on the model of a 156-qubit device, "
        f"{setting['shots']:,} shots an image: an image, of runs of {setting['exact_images']} images exactly and "
        f"{setting['aer_images']} by Aer, in turns. Over {sum(fact['images'] for fact in compared)} images the mean "
        f"square difference of the raw ⟨Z⟩ is {square:.3f} of what shots explain (1 where nothing else differs, give "
        f"or take {(2 / values) ** 0.5:.3f})."
    )
    head = ["an image", "CPU ms", "wall ms", "times the exact run, median of rounds"]
    memory = [
        [f"{fact['images']}", f"{fact['before_mib']:.0f}", f"{fact['peak_mib']:.0f}"]
        for name, fact in facts.items()
        if name.startswith("memory@")
    ]
    peaks = table(["images of an exact run, M3", "before, MiB", "peak, MiB"], memory)
    return ["## Simulated devices", text, table(head, lines), peaks]
