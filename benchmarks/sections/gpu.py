"""On a GPU."""

from __future__ import annotations

from typing import Any

from benchmarks.contest import median
from benchmarks.sections.results import Results
from benchmarks.sections.tables import STEPS, table
from benchmarks.suites.gpu import KINDS, TITLES


def section(results: Results) -> list[str]:
    """A table a step, by the clock."""
    device, rows = results.facts["device"], results.rows
    parts = [
        "## On a GPU",
        f"{device}. Processor of the same machine: {results.processor}.",
    ]
    if not rows:
        return parts
    for kind in KINDS:
        found = [row.partition("/")[2].partition("@") for row in rows if row.startswith(f"{kind}/")]
        places = list(dict.fromkeys(place for _, _, place in found))
        keys = [key for key in TITLES if any(name == key for name, _, _ in found)]
        lines = [
            [place.replace("x", ", "), *(_wall_ms(rows.get(f"{kind}/{key}@{place}")) for key in keys)]
            for place in places
        ]
        parts += [f"### {STEPS[kind]}", table(["n, L, batch (wall ms)", *(TITLES[key] for key in keys)], lines)]
    notes = [f"- {name.removeprefix('note:')}: {text}" for name, text in results.facts.items() if "note:" in name]
    silent = [line for line in notes if ": agrees" not in line]
    return [*parts, *(["Not in the tables:\n\n" + "\n".join(silent)] if silent else [])]


def _wall_ms(samples: Any) -> str:
    return f"{1e3 * median(samples, 'wall'):.4g}" if samples else "–"
