"""Tables and words that sections share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from benchmarks.contest import median
from benchmarks.sections.results import Rows

#: The contestant that all ratios refer to.
BASE = "kernel"
#: What the two steps are called.
STEPS = {"train": "Training step (value and weight gradients)", "attack": "Attack step (image gradients)"}


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *lines])


def seconds_table(rows: Rows, titles: Mapping[str, str]) -> str:
    """CPU and wall seconds of the rows that there are, by their titles."""
    found = [(title, rows[key]) for key, title in titles.items() if key in rows]
    lines = [[title, *(f"{median(samples, clock):.3g}" for clock in ("cpu", "wall"))] for title, samples in found]
    return table(["", "CPU s", "wall s"], lines)


def title_of(key: str) -> str:
    """What a contestant is called."""
    from benchmarks.peers import TITLES

    return TITLES.get(key, key)


def milliseconds(seconds: object) -> str:
    """Four digits of a time."""
    return f"{1e3 * float(str(seconds)):.4g}"
