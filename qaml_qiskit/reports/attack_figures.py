"""Pictures of accuracies under attack: on the attacked model, and where the images were carried over to others."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from qaml_qiskit.reports.drawing import (
    COLOURS,
    MARKERS,
    TITLE,
    accuracy_axis,
    axis_names,
    base_name,
    beside,
    interval,
    label,
    legend,
    new_figure,
    png,
    shared_legend,
)

Row = Mapping[str, Any]
_STYLES = {"exact": "-", "noisy": "--", "device": ":"}
_FAILED = ("masked", "weak attack")
_PANEL = (3.7, 3.1)
#: Attacks of equal strength are drawn beside each other by this share of the largest strength.
_BESIDE = 0.012
#: Characters of a panel's title.
_TITLE = 40
#: Inches of a name in the legend.
_LEGEND_COLUMN = 2.9


def attack_curves(rows: Sequence[Row], chance: float) -> bytes:
    """Robust accuracy against the strength, a line an attack and a panel a norm; a cross where an audit failed.

    Args:
        rows: with ``attack``, ``norm`` and ``eps`` (None for the row without attack, and for no bound),
            ``clean_accuracy``, ``robust_accuracy``, ``interval`` and ``verdict``.
        chance: accuracy of guessing.
    """
    norms = list(dict.fromkeys(row["norm"] for row in rows if row["norm"])) or ["linf"]
    figure = new_figure(5.2 * len(norms) + 0.4, 3.7)
    panels = figure.subplots(1, len(norms), squeeze=False, sharey=True)[0]
    for axes, norm in zip(panels, norms, strict=True):
        here = [row for row in rows if row["norm"] == norm]
        names = list(dict.fromkeys(row["attack"] for row in here))
        step = _BESIDE * max((row["eps"] for row in here if row["eps"] is not None), default=0.0)
        places = {name: beside(number, len(names), step) for number, name in enumerate(names)}
        for number, name in enumerate(names):
            mine = [row for row in rows if row["attack"] == name]
            # Lines grow thinner, so that those that coincide are all seen.
            look = {
                "color": COLOURS[number % len(COLOURS)],
                "marker": MARKERS[number % len(MARKERS)],
                "linewidth": max(1.2, 3 - 0.7 * number),
                "markersize": max(4.0, 8 - 1.3 * number),
            }
            _strengths(axes, mine, name, look, places[name])
        clean = rows[0]["clean_accuracy"]
        axes.plot([0], [clean], "k.", markersize=8, label="clean")
        _failures(axes, here, "robust_accuracy", places)
        _strength_axis(axes, chance, "strength ε (l∞)" if norm == "linf" else "length (l2)")
        legend(axes)
    panels[0].set_ylabel("robust accuracy")
    return png(figure)


def _strengths(axes: Axes, rows: Sequence[Row], name: str, look: Mapping[str, Any], place: float) -> None:
    """A line through the strengths, moved sideways to its place."""
    bounded = sorted((row["eps"], row["robust_accuracy"], *row["interval"]) for row in rows if row["eps"] is not None)
    if bounded:
        x, y, low, high = zip(
            *[(0, rows[0]["clean_accuracy"], *[rows[0]["clean_accuracy"]] * 2), *bounded], strict=True
        )
        # An interval ends at the value itself where that is 0 or 1, up to rounding.
        bars = np.maximum([np.subtract(y, low), np.subtract(high, y)], 0)
        axes.errorbar([0, *(eps + place for eps in x[1:])], y, bars, capsize=2, label=label(name), **look)
    for row in rows:
        if row["eps"] is None:
            axes.axhline(row["robust_accuracy"], linestyle="-.", color=look["color"], label=label(f"{name}, no bound"))


def transfer_curves(rows: Sequence[Row], chance: float) -> bytes:
    """Accuracy of victims against the strength: a row of panels a source, a column an attack, a line a victim.

    The line of the source itself, a white-box attack, is the thick one. Noisy victims are dashed, devices dotted. A
    cross marks what failed its audit.

    Args:
        rows: with ``source`` (None for clean images), ``victim``, ``victim_kind``, ``attack``, ``eps``, ``accuracy``,
            ``interval`` and ``verdict``.
        chance: accuracy of guessing.
    """
    clean = {row["victim"]: row for row in rows if row["source"] is None}
    sources = list(dict.fromkeys(row["source"] for row in rows if row["source"])) or [None]
    attacks = list(dict.fromkeys(row["attack"] for row in rows if row["source"])) or ["none"]
    names = list(clean)
    shown = {name: label(f"{_short(name, names)} ({clean[name]['victim_kind']})") for name in names}
    width, height = _PANEL
    size = (width * len(attacks) + 0.6, height * len(sources) + 0.5 + 0.2 * len(clean) / max(1, len(attacks)))
    figure = new_figure(*size)
    grid = figure.subplots(len(sources), len(attacks), squeeze=False, sharey=True, sharex="col")
    for line, source in zip(grid, sources, strict=True):
        for axes, attack in zip(line, attacks, strict=True):
            here = [row for row in rows if row["source"] == source and row["attack"] == attack]
            for number, (victim, start) in enumerate(clean.items()):
                look = {"color": COLOURS[number % len(COLOURS)], "marker": MARKERS[number % len(MARKERS)]}
                mine = [row for row in here if row["victim"] == victim]
                points = [row for row in mine if row["eps"]]
                _victim(axes, [start, *points], shown[victim], is_source=victim == source, look=look)
                for row in mine:
                    if row["eps"] is None:
                        axes.axhline(row["accuracy"], linestyle="-.", color=look["color"], label="no bound")
            _failures(axes, [row for row in here if row["victim"] in clean], "accuracy")
            _strength_axis(axes, chance, "strength ε" if source == sources[-1] else "")
            title = "clean" if source is None else f"{attack} on {_short(source, sources)}"
            axes.set_title(label(title, _TITLE), fontsize=TITLE)
        line[0].set_ylabel("accuracy")
    shared_legend(figure, grid.flat, _LEGEND_COLUMN)
    return png(figure)


def _victim(axes: Axes, rows: Iterable[Row], name: str, *, is_source: bool, look: Mapping[str, Any]) -> None:
    ordered = sorted(rows, key=lambda row: float(row["eps"]))
    first = ordered[0]
    x, y = [row["eps"] for row in ordered], [row["accuracy"] for row in ordered]
    low, high = zip(*(row["interval"] for row in ordered), strict=True)
    thickness = 2.8 if is_source else 1.3
    axes.plot(x, y, _STYLES[first["victim_kind"]], linewidth=thickness, markersize=4, label=name, **look)
    interval(axes, x, low, high, look["color"])


def _failures(axes: Axes, rows: Sequence[Row], figure: str, places: Mapping[str, float] | None = None) -> None:
    """Crosses, moved sideways as the lines of their attacks are."""
    failed = [row for row in rows if row["verdict"] in _FAILED and row["eps"] is not None]
    if failed:
        x = [row["eps"] + (places or {}).get(row["attack"], 0.0) for row in failed]
        y = [row[figure] for row in failed]
        verdicts = f"audit: {', '.join(dict.fromkeys(row['verdict'] for row in failed))}"
        axes.plot(x, y, "x", color="#B00020", markersize=11, markeredgewidth=2.2, label=verdicts, zorder=5)


def _strength_axis(axes: Axes, chance: float, text: str) -> None:
    accuracy_axis(axes, {"chance": chance})
    # The points without attack are seen whole.
    axes.set_xlim(left=-0.03 * axes.get_xlim()[1])
    axis_names(axes, text)


def _short(name: str, names: Sequence[str | None]) -> str:
    """The last part of a path, where that is enough to tell it from the others."""
    last = [base_name(str(other)) for other in names]
    mine = base_name(name)
    return mine if last.count(mine) == 1 else name
