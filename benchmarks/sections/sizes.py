"""A few images, and sixteen qubits."""

from __future__ import annotations

from benchmarks.contest import median, ratios
from benchmarks.sections.results import Results
from benchmarks.sections.tables import BASE, STEPS, table, title_of


def section(results: Results) -> list[str]:
    """A table a step: CPU time of everybody and how many times the kernel's that is."""
    sizes = {name.partition(":")[2]: fact for name, fact in results.facts.items() if name.startswith("size:")}
    text = (
        "The same contest at other sizes, among the strongest: CPU ms (median) and, behind ×, the median of the ratios "
        "to the kernel within a round. *Counted floor*: the operations of the normal form at the machine's peak. "
        f"Processor: {results.processor}."
    )
    parts = ["## A few images, and sixteen qubits", text]
    heads = [f"n = {fact['qubits']}, L = {fact['layers']}, batch {fact['batch']}" for fact in sizes.values()]
    for kind, title in STEPS.items():
        names = dict.fromkeys(
            row.partition("/")[2].partition("@")[0] for row in results.rows if row.startswith(f"{kind}/")
        )
        first = next(iter(sizes))
        order = sorted(names, key=lambda name: _seconds(results, f"{kind}/{name}@{first}"))
        lines = [[_title(name), *(_cell(results, kind, name, size) for size in sizes)] for name in order]
        parts += [f"### {title}", table(["CPU ms × the kernel", *heads], lines)]
    notes = {name.removeprefix("note:"): text for name, text in results.facts.items() if name.startswith("note:")}
    silent = [f"- {row}: {text}" for row, text in notes.items() if not text.startswith("agrees")]
    return [*parts, *(["Not in the tables:\n\n" + "\n".join(silent)] if silent else [])]


def _cell(results: Results, kind: str, name: str, size: str) -> str:
    samples, base = (results.rows.get(f"{kind}/{key}@{size}") for key in (name, BASE))
    if not samples:
        return "–"
    cell = f"{1e3 * median(samples):.4g}"
    return f"{cell} × {ratios(samples, base)[1]:.2f}" if base else cell


def _seconds(results: Results, row: str) -> float:
    samples = results.rows.get(row)
    return median(samples) if samples else float("inf")


def _title(name: str) -> str:
    return "counted floor" if name == "floor" else title_of(name)
