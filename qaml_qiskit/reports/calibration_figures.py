"""The picture of calibration: how often predictions are right, against how sure they are."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes

from qaml_qiskit.reports.drawing import COLOURS, MARKERS, SMALL, axis_names, label, legend, new_figure, png

#: By name, the rows of bins.
Series = Mapping[str, Sequence[Mapping[str, Any]]]

#: Panels side by side.
_ACROSS = 3
_WIDTH, _HEIGHT = 3.6, 4.2
#: Points of few images are small, and none is too small to be seen; in points squared.
_LEAST, _MOST = 8.0, 70.0


def reliability_diagram(panels: Mapping[str, Series]) -> bytes:
    """Reliability diagrams side by side: accuracy against confidence, bin by bin, and how many images are where.

    Args:
        panels: by title, and in each by the name of a series, the rows of :func:`~qaml_qiskit.evaluation.reliability`.
    """
    across = min(_ACROSS, len(panels))
    down = -(-len(panels) // across)
    figure = new_figure(_WIDTH * across, _HEIGHT * down + 0.3)
    heights = {"height_ratios": (3.2, 1.0) * down}
    grid = figure.subplots(2 * down, across, sharex=True, squeeze=False, gridspec_kw=heights)
    for axes in grid.flat:
        axes.set_visible(False)
    # A series looks the same in every panel that has it.
    looks = {name: look for look, name in enumerate(dict.fromkeys(name for each in panels.values() for name in each))}
    names: dict[str, Artist] = {}
    for number, (title, series) in enumerate(panels.items()):
        row, column = divmod(number, across)
        upper, lower = grid[2 * row, column], grid[2 * row + 1, column]
        upper.set_title(label(title), fontsize=SMALL + 1)
        _panel(upper, lower, series, looks)
        names |= {name: handle for handle, name in zip(*upper.get_legend_handles_labels(), strict=True)}
    legend(figure, handles=list(names.values()), labels=list(names), loc="outside lower center", ncols=len(names))
    return png(figure)


def _panel(
    upper: Axes, lower: Axes, series: Mapping[str, Sequence[Mapping[str, Any]]], looks: Mapping[str, int]
) -> None:
    for axes in (upper, lower):
        axes.set_visible(True)
        axes.set_xlim(-0.02, 1.02)
        axes.tick_params(labelbottom=axes is lower)
    upper.plot([0, 1], [0, 1], color="0.4", linestyle="--", linewidth=1)
    for name, rows in series.items():
        colour, marker = COLOURS[looks[name] % len(COLOURS)], MARKERS[looks[name] % len(MARKERS)]
        total = sum(row["images"] for row in rows)
        x, y = [row["confidence"] for row in rows], [row["accuracy"] for row in rows]
        low, high = ([row["interval"][end] for row in rows] for end in (0, 1))
        upper.vlines(x, low, high, color=colour, linewidth=1, alpha=0.6)
        upper.plot(x, y, color=colour, linewidth=1)
        sizes = [_LEAST + (_MOST - _LEAST) * row["images"] / total for row in rows]
        upper.scatter(x, y, s=sizes, color=colour, marker=marker, label=label(name), zorder=3)
        lower.plot(x, [row["images"] / total for row in rows], color=colour, linewidth=1, marker=".", markersize=4)
    upper.set_ylim(-0.02, 1.02)
    axis_names(upper, "", "accuracy")
    lower.set_ylim(0, None)
    axis_names(lower, "confidence", "images")
    lower.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.0f} %")
