"""The picture of what a classifier keeps when its parts are tampered with."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from qaml_qiskit.reports.drawing import COLOURS, MARKERS, beside, png

Row = Mapping[str, Any]
#: Parts that are equally harmless would hide each other, so each is drawn beside the last by this factor.
_BESIDE = 1.035


def tamper_curves(rows: Sequence[Row], chance: float) -> bytes:
    """Accuracy against the strength of the change, on a logarithmic axis, a line a part.

    Args:
        rows: with ``part``, ``strength``, ``accuracy``, ``interval`` and ``accuracy_before``, some of
            them with a strength above 0; 0 is not drawn.
        chance: accuracy of guessing, drawn as a dashed line.
    """
    figure = Figure(figsize=(7.8, 4.0), layout="constrained")
    axes = figure.subplots()
    parts = list(dict.fromkeys(row["part"] for row in rows))
    for number, part in enumerate(parts):
        mine = sorted((r for r in rows if r["part"] == part and r["strength"] > 0), key=lambda row: row["strength"])
        x = [row["strength"] * _BESIDE ** beside(number, len(parts), 1) for row in mine]
        colour = COLOURS[number % len(COLOURS)]
        marker = MARKERS[number % len(MARKERS)]
        axes.plot(x, [row["accuracy"] for row in mine], color=colour, marker=marker, markersize=5, label=part)
        low, high = ([row["interval"][end] for row in mine] for end in (0, 1))
        axes.vlines(x, low, high, color=colour, linewidth=1, alpha=0.6)
    for level, style, word in ((rows[0]["accuracy_before"], ":", "honest"), (chance, "--", "chance")):
        axes.axhline(level, color="0.4", linestyle=style, linewidth=1)
        axes.text(1.01, level, word, color="0.35", fontsize=8, va="center", transform=axes.get_yaxis_transform())
    axes.set_xscale("log")
    axes.set_ylim(-0.02, 1.04)
    axes.set_xlabel("strength of the change: half the diamond distance of each component")
    axes.set_ylabel("accuracy")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right upper", frameon=False, fontsize=9)
    return png(figure)
