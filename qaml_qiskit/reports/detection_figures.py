"""Pictures of detectors: their curves, the scores that these come from, and how they do at every strength."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.evaluation import roc
from qaml_qiskit.reports.drawing import (
    COLOURS,
    LONGEST_NAME,
    MARKERS,
    TITLE,
    accuracy_axis,
    axis_names,
    cycled,
    interval,
    label,
    new_figure,
    png,
    shared_legend,
    stroke,
)

Row = Mapping[str, Any]
Scores = Mapping[str, Mapping[str, NDArray[np.float64]]]
_PANEL = (3.7, 3.2)
#: Panels beside each other.
_COLUMNS = 3
#: Sets of images in one histogram beside the clean ones; more hide each other.
_MOST_SETS = 3
#: Of a histogram; fewer where a panel has few images, so that its outline can be read.
_BINS = (8, 40)
#: Inches of a name in a legend.
_LEGEND_COLUMN = 2.6
_LEGEND_ROW = 0.2


def roc_curves(scores: Scores) -> bytes:
    """True against false positives at every threshold: a panel a set of suspicious images, a line a detector.

    Args:
        scores: of sets of images by their names, the clean ones first, by the name of the detector.
    """
    clean, *sets = next(iter(scores.values()))
    figure, panels = _panels(len(sets), len(scores))
    for axes, (number, name) in zip(panels, enumerate(sets), strict=True):
        for place, detector in enumerate(scores):
            curve = roc(scores[detector][clean], scores[detector][name])
            axes.plot(curve.false_positives, curve.true_positives, label=label(detector), **stroke(place))
        axes.plot([0, 1], [0, 1], color="0.6", linewidth=1)
        axis_names(axes, "false positives", "true positives" if number % _COLUMNS == 0 else "")
        axes.set_title(label(name, LONGEST_NAME), fontsize=TITLE)
    shared_legend(figure, panels, _LEGEND_COLUMN)
    return png(figure)


def score_histograms(scores: Scores, thresholds: Mapping[str, Sequence[float]]) -> bytes:
    """How scores are spread, clean and suspicious: a panel a detector, its thresholds as dashed lines.

    Args:
        scores: as for :func:`roc_curves`; the first few sets are drawn.
        thresholds: by the name of the detector.
    """
    figure, panels = _panels(len(scores), 1 + _MOST_SETS)
    for axes, (detector, sets) in zip(panels, scores.items(), strict=True):
        drawn = list(sets.items())[: 1 + _MOST_SETS]
        finite = np.concatenate([values[np.isfinite(values)] for _, values in drawn])
        if finite.size:
            fewest = min(len(values) for _, values in drawn)
            edges = np.histogram_bin_edges(finite, int(np.clip(fewest // 5, *_BINS)))
            for colour, (name, values) in cycled(COLOURS, drawn):
                shares = np.full(len(values), 1 / len(values))
                axes.hist(values, edges, weights=shares, histtype="step", color=colour, label=label(name))
        for threshold in filter(np.isfinite, thresholds[detector]):
            axes.axvline(threshold, color="0.4", linestyle="--", linewidth=1)
        axis_names(axes, "score", "share of the images")
        axes.set_title(label(detector), fontsize=TITLE)
    shared_legend(figure, panels, _LEGEND_COLUMN)
    return png(figure)


def detection_strengths(rows: Sequence[Row]) -> bytes | None:
    """The share of attacked images that raise an alarm against the strength, a panel an attack, a line a detector.

    Args:
        rows: with ``detector``, ``source``, ``attack``, ``eps``, ``false_alarms``, ``true_positive_rate`` and
            ``true_positive_interval``, and ``false_positive_rate`` at strength 0.

    Returns:
        None where no attack has a strength.
    """
    attacked = [row for row in rows if row["eps"]]
    sets = list(dict.fromkeys((row["attack"], row["source"]) for row in attacked))
    if not sets:
        return None
    lines = list(dict.fromkeys(_line(row) for row in attacked))
    figure, panels = _panels(len(sets), len(lines))
    for axes, (attack, source) in zip(panels, sets, strict=True):
        for number, line in enumerate(lines):
            mine = [r for r in attacked if (r["attack"], r["source"]) == (attack, source) and _line(r) == line]
            mine.sort(key=lambda row: float(row["eps"]))
            x = [0.0, *(row["eps"] for row in mine)]
            y = [mine[0]["false_positive_rate"], *(row["true_positive_rate"] for row in mine)]
            ends = [mine[0]["false_positive_interval"], *(row["true_positive_interval"] for row in mine)]
            marker, drawn = MARKERS[number % len(MARKERS)], stroke(number)
            axes.plot(x, y, marker=marker, markersize=4, label=label(line), **drawn)
            low, high = zip(*ends, strict=True)
            interval(axes, x, low, high, drawn["color"])
        accuracy_axis(axes)
        axis_names(axes, "strength ε (0: clean)", "share with an alarm")
        axes.set_title(label(f"{attack} on {source}"), fontsize=TITLE)
    shared_legend(figure, panels, _LEGEND_COLUMN)
    return png(figure)


def _line(row: Row) -> str:
    """A detector and its rule."""
    rule = "by its own rule" if row["false_alarms"] is None else f"at {row['false_alarms']:g} false alarms"
    return f"{row['detector']} {rule}"


def _panels(count: int, names: int) -> tuple[Any, list[Any]]:
    """A picture with so many panels, and room for a legend of so many names."""
    columns = min(count, _COLUMNS)
    lines = -(-count // columns)
    width, height = _PANEL
    figure = new_figure(width * columns + 0.4, height * lines + _LEGEND_ROW * names + 0.3)
    panels = list(figure.subplots(lines, columns, squeeze=False).flat)
    for empty in panels[count:]:
        empty.remove()
    return figure, panels[:count]
