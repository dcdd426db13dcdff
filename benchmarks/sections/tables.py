"""Tables and words that sections share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

#: The contestant that all ratios refer to.
BASE = "kernel"
#: What the two steps are called.
STEPS = {"train": "Training step (value and weight gradients)", "attack": "Attack step (image gradients)"}


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *lines])


def title_of(key: str) -> str:
    """What a contestant is called."""
    from benchmarks.peers import TITLES

    return TITLES.get(key, key)


def milliseconds(seconds: object) -> str:
    """Four digits of a time."""
    return f"{1e3 * float(str(seconds)):.4g}"
