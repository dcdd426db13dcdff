"""Everybody side by side, and the floor."""

from __future__ import annotations

from typing import Any

from benchmarks.contest import median, ratios
from benchmarks.operations import ROWS
from benchmarks.sections.results import Results, Rows
from benchmarks.sections.tables import BASE, STEPS, table, title_of


def section(results: Results) -> list[str]:
    """Tables of both steps, who is not in them, and the floor."""
    facts, rows = results.facts, results.rows
    parts = ["## Side by side", _setting(results)]
    for kind, title in STEPS.items():
        lines = [_contestant_line(rows, kind, row, facts) for row in _by_time(rows, kind)]
        if lines:
            head = ["", "CPU ms, median", "min to max", "wall ms", "times the kernel", "paired", "by wall", "rounds"]
            parts += [f"### {title}", table([*head, "errors of loss and gradient"], lines)]
    notes = {name.removeprefix("note:"): text for name, text in facts.items() if name.startswith("note:")}
    notes["attack/lightning"] = "its adjoint gives no gradient with respect to the prepared state"
    silent = {_excuse(row, text): None for row, text in notes.items() if not text.startswith("agrees")}
    return [*parts, "Not in the tables:\n\n" + "\n".join(silent), *_floor(results)]


def _excuse(row: str, text: str) -> str:
    """One line for a contestant that is missing from both tables."""
    return f"- {row.partition('/')[2] if text.startswith('missing') else row}: {text}"


def _setting(results: Results) -> str:
    return (
        "One thread on one CPU for everybody, in one process, taking turns. A contestant is timed only if its loss and "
        f"gradients agree with the package in float64 (relative error at most {results.facts.get('tolerance')}). "
        "*times the kernel* is the ratio of medians, *paired* the median of ratios within a round, both of CPU time."
    )


def _contestant_line(rows: Rows, kind: str, row: str, facts: dict[str, Any]) -> list[str]:
    samples, key = rows[row], row.partition("/")[2]
    cpu = [1e3 * sample["cpu"] for sample in samples]
    base = rows.get(f"{kind}/{BASE}")
    compared = ["", "", ""]
    if base:
        of_medians, paired = ratios(samples, base)
        compared = [f"{of_medians:.3g}", f"{paired:.3g}", f"{ratios(samples, base, 'wall')[0]:.3g}"]
    errors = facts.get(f"note:{row}", "").partition("relative errors: ")[2].rstrip(")")
    return [
        title_of(key),
        f"{1e3 * median(samples):.4g}",
        f"{min(cpu):.4g} to {max(cpu):.4g}",
        f"{1e3 * median(samples, 'wall'):.4g}",
        *compared,
        str(len(samples)),
        errors.replace("loss ", "").replace("gradient ", ""),
    ]


def _floor(results: Results) -> list[str]:
    rows, operations = results.rows, results.facts.get("operations", {})
    lines = []
    for kind, count in operations.items():
        base, floor = (rows.get(row) for row in ROWS[kind])
        if not base or not floor:
            continue
        of_medians, paired = ratios(base, floor)
        rate = count / min(sample["cpu"] for sample in floor) / 1e9
        seconds = f"{1e3 * median(floor):.4g}"
        lines.append([kind, f"{count / 1e9:.3f}", f"{rate:.1f}", seconds, f"{of_medians:.2f}", f"{paired:.2f}"])
    if not lines:
        return ["Floor: not measured (no C compiler)."]
    head = ["step", "10⁹ multiply-adds", "peak, 10⁹ a second", "floor, ms", "measured / floor", "paired"]
    text = (
        "The floor is the counted operations of the normal form, or of a frozen model's matrix (`operations.py`), at "
        "this machine's measured peak."
    )
    return ["### Floor", text, table(head, lines)]


def _by_time(rows: Rows, kind: str) -> list[str]:
    found = [row for row in rows if row.startswith(f"{kind}/") and not row.endswith("/floor")]
    return sorted(found, key=lambda row: median(rows[row]))
