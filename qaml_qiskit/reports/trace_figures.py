"""Pictures of what classifiers think of an image while an attack on it grows."""

from collections.abc import Mapping, Sequence
from typing import Any

from qaml_qiskit.reports.drawing import (
    SMALL,
    TITLE,
    axis_names,
    base_name,
    label,
    new_figure,
    png,
    shared_legend,
    stroke,
)

Row = Mapping[str, Any]
_PANEL = (3.4, 2.5)
#: Characters of a panel's title.
_TITLE = 34
#: Lines of panels at most, so that a picture can be looked at.
MOST_TRACES = 12
#: Inches of a name in the legend.
_LEGEND_COLUMN = 1.6


def trace_curves(rows: Sequence[Row], critical: Sequence[Row], class_names: Sequence[object]) -> bytes:
    """Probabilities of all labels against the strength: a panel a victim, a line of panels an image and attack.

    The right label is the thick line. A dotted line stands where it stops being the likeliest.

    Args:
        rows: with ``source``, ``attack``, ``index``, ``victim``, ``eps`` (None, for no bound, is left out),
            ``true_label``, ``label`` and ``probability``.
        critical: with the first four of these and ``critical_eps``.
        class_names: by label.
    """
    victims = list(dict.fromkeys(row["victim"] for row in rows))
    lines = list(dict.fromkeys((row["source"], row["attack"], row["index"]) for row in rows))[:MOST_TRACES]
    size = (_PANEL[0] * len(victims) + 0.6, _PANEL[1] * len(lines) + 0.5 + 0.2 * len(class_names) / len(victims))
    figure = new_figure(*size)
    grid = figure.subplots(len(lines), len(victims), squeeze=False, sharex=True, sharey=True)
    lost = {_place(row): row["critical_eps"] for row in critical}
    by_place: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        by_place.setdefault(_place(row), []).append(row)
    for number, (panels, (source, attack, index)) in enumerate(zip(grid, lines, strict=True), 1):
        for axes, victim in zip(panels, victims, strict=True):
            place = (source, attack, index, victim)
            mine = [row for row in by_place[place] if row["eps"] is not None]
            for each, name in enumerate(class_names):
                points = [(row["eps"], row["probability"]) for row in mine if row["label"] == each]
                thick = 2.6 if each == mine[0]["true_label"] else 1.2
                axes.plot(*zip(*points, strict=True), linewidth=thick, label=label(str(name)), **stroke(each))
            if lost[place] is not None:
                axes.axvline(lost[place], color="0.4", linestyle=":", linewidth=1.2)
                side, gap = ("right", -4) if lost[place] > max(row["eps"] for row in mine) / 2 else ("left", 4)
                axes.annotate(
                    f"ε = {lost[place]:g}",
                    (lost[place], 1.05),
                    xytext=(gap, 0),
                    textcoords="offset points",
                    fontsize=SMALL,
                    ha=side,
                    color="0.35",
                )
            axes.set_ylim(-0.02, 1.12)
            told = f"image {index}, {attack} on {base_name(source)}"
            axes.set_title(f"{label(base_name(victim), _TITLE)}\n{label(told, _TITLE)}", fontsize=TITLE - 1)
            axis_names(axes, "strength ε" if number == len(lines) else "")
        panels[0].set_ylabel("probability")
    shared_legend(figure, grid.flat, _LEGEND_COLUMN)
    return png(figure)


def _place(row: Row) -> tuple[object, ...]:
    return row["source"], row["attack"], row["index"], row["victim"]
