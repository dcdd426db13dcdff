"""Figures of papers made again: what was measured, and the published numbers drawn in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from qaml_qiskit.reports.drawing import (
    COLOURS,
    MARKERS,
    TITLE,
    accuracy_axis,
    axis_names,
    beside,
    interval,
    label,
    new_figure,
    png,
    shared_legend,
    stroke,
)

_PANEL = (4.2, 3.3)
_PANELS_BESIDE = 3
#: Inches of a name in the legend.
_LEGEND_COLUMN = 2.6
#: Characters of a panel's title.
_TITLE = 44
#: Inches of a group of bars beside its bars, and of a bar.
_GROUP, _BAR = 0.5, 0.32
#: A bar's share of its group, at most.
_WIDEST = 0.3
_PUBLISHED = "published"
#: Characters of a group's name for an inch of it.
_LETTERS = 11


@dataclass(frozen=True)
class Point:
    """A figure in a picture.

    Attributes:
        x: where it stands: a number, or the name of a group of bars.
        y: the figure.
        low: lower end of its interval; None where there is none.
        high: upper end.
    """

    x: float | str
    y: float
    low: float | None = None
    high: float | None = None


#: Points by panel and by series; a picture of one panel has it under "".
Panels = Mapping[str, Mapping[str, Sequence[Point]]]


def paper_lines(panels: Panels, published: Panels, x_label: str, y_label: str) -> bytes:
    """Lines with bands for their intervals; published numbers are hollow diamonds in the colour of their line.

    Args:
        panels: what was measured; every ``x`` is a number.
        published: the numbers of the paper, in the same panels and series.
        x_label: of the axes.
        y_label: of the axes.
    """
    names = list(dict.fromkeys(name for panel in panels.values() for name in panel))
    figure, grid = _grid(len(panels), len(names))
    for axes, (title, lines) in zip(grid, panels.items(), strict=False):
        theirs = published.get(title, {})
        for number, name in enumerate(names):
            points = sorted(lines.get(name, ()), key=lambda point: float(point.x))
            colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
            x = [float(point.x) for point in points]
            look: dict[str, Any] = {**stroke(number), "marker": marker, "markersize": 4}
            axes.plot(x, [point.y for point in points], label=label(name), **look)
            if points and all(point.low is not None and point.high is not None for point in points):
                low, high = ([getattr(point, end) for point in points] for end in ("low", "high"))
                interval(axes, x, low, high, colour)
            _diamonds(axes, [(float(point.x), point) for point in theirs.get(name, ())], colour)
        _finished(axes, title, x_label, y_label, panels)
        if all(float(point.x).is_integer() for series in lines.values() for point in series):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    shared_legend(figure, grid, _LEGEND_COLUMN, last=_PUBLISHED)
    return png(figure)


def paper_bars(panels: Panels, published: Panels, x_label: str, y_label: str) -> bytes:
    """Bars with their intervals, side by side; published numbers are hollow diamonds on their bars.

    Args:
        panels: what was measured; ``x`` is the name of a group of bars.
        published: the numbers of the paper, in the same panels, series and groups.
        x_label: of the axes.
        y_label: of the axes.
    """
    names = list(dict.fromkeys(name for panel in panels.values() for name in panel))
    every = [point.x for panel in panels.values() for points in panel.values() for point in points]
    groups = list(dict.fromkeys(map(str, every)))
    inches = max(_PANEL[0], len(groups) * (_GROUP + _BAR * len(names)) + 0.8)
    figure, grid = _grid(len(panels), len(names), inches)
    width = min(_WIDEST, 0.82 / len(names))
    letters = max(8, round(_LETTERS * inches / len(groups)))
    for axes, (title, bars) in zip(grid, panels.items(), strict=False):
        for number, name in enumerate(names):
            colour = COLOURS[number % len(COLOURS)]
            points = bars.get(name, ())
            places = [groups.index(str(point.x)) + beside(number, len(names), width) for point in points]
            axes.bar(places, [point.y for point in points], width * 0.94, color=colour, label=label(name))
            for place, point in zip(places, points, strict=True):
                if point.low is not None and point.high is not None:
                    axes.vlines(place, point.low, point.high, color="0.15", linewidth=1.2)
            theirs = published.get(title, {}).get(name, ())
            shown = [(groups.index(str(point.x)), point) for point in theirs if str(point.x) in groups]
            _diamonds(axes, [(group + beside(number, len(names), width), point) for group, point in shown], "black")
        axes.set_xlim(-0.6, len(groups) - 0.4)
        axes.set_xticks(range(len(groups)), [label(group, letters) for group in groups], parse_math=False)
        _finished(axes, title, x_label, y_label, panels)
    shared_legend(figure, grid, _LEGEND_COLUMN, last=_PUBLISHED)
    return png(figure)


def _grid(panels: int, names: int, inches: float = _PANEL[0]) -> tuple[Figure, list[Axes]]:
    columns = min(panels, max(1, int(_PANELS_BESIDE * _PANEL[0] / inches)))
    rows = -(-panels // columns)
    width = max(inches * columns, 6.2)
    figure = new_figure(width, _PANEL[1] * rows + 0.2 * (1 + names // max(1, int(width / _LEGEND_COLUMN))))
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for spare in grid.flat[panels:]:
        spare.set_axis_off()
    return figure, list(grid.flat[:panels])


def _diamonds(axes: Axes, points: Sequence[tuple[float, Point]], colour: str) -> None:
    """Published numbers, with the interval of their sample size where it is known."""
    for place, point in points:
        if point.low is not None and point.high is not None:
            axes.vlines(place, point.low, point.high, color=colour, linewidth=1, linestyle=":", zorder=4)
        look: dict[str, Any] = {"markerfacecolor": "white", "markeredgecolor": colour, "markeredgewidth": 1.6}
        axes.plot([place], [point.y], "D", markersize=6, zorder=5, label=_PUBLISHED, **look)


def _finished(axes: Axes, title: str, x_label: str, y_label: str, panels: Panels) -> None:
    points = [point for lines in panels.values() for series in lines.values() for point in series]
    if all(0 <= point.y <= 1 for point in points):
        accuracy_axis(axes)
    axis_names(axes, x_label, y_label)
    if title:
        axes.set_title(label(title, _TITLE), fontsize=TITLE)
