"""Peak memory."""

from __future__ import annotations

from typing import Any

from benchmarks.sections.results import Results
from benchmarks.sections.tables import table, title_of


def section(results: Results) -> list[str]:
    """One table."""
    facts = results.facts.values()
    lines = [
        [title_of(fact["contestant"]), str(fact["layers"]), str(fact["batch"]), *_mebibytes(fact)] for fact in facts
    ]
    text = "Resident memory of a process of its own: after the model was built, and the peak of three training steps."
    return ["## Memory of a training step", text, table(["", "L", "batch", "before, MiB", "peak, MiB"], lines)]


def _mebibytes(fact: dict[str, Any]) -> list[str]:
    if "missing" in fact:
        return ["–", f"not measured: {fact['missing']}"]
    return [f"{fact['before_mib']:.0f}", f"{fact['peak_mib']:.0f}"]
