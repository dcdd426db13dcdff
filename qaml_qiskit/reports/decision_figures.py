"""Pictures of decisions: risk against coverage, accuracy against shots, and the sums of a monitored stream."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from qaml_qiskit.reports.drawing import (
    COLOURS,
    MARKERS,
    axis_names,
    cycled,
    interval,
    label,
    legend,
    new_figure,
    png,
)

Floats = NDArray[np.floating]


def policy_figure(
    curves: Mapping[str, tuple[Floats, Floats]],
    fixed: Sequence[tuple[float, float, float, float]],
    points: Mapping[str, tuple[float, float, float]],
) -> bytes:
    """Risk against coverage, and accuracy against shots, with a point a policy.

    Args:
        curves: for each legend entry, coverages and risks.
        fixed: of the same shots for all images: (shots, accuracy, lower end, upper end) each, by shots.
        points: for each policy (coverage, accuracy of what it answers, mean shots).
    """
    figure = new_figure(10.5, 4.2)
    covered, measured = figure.subplots(1, 2)
    for colour, (name, (shares, risk)) in cycled(COLOURS, curves.items()):
        covered.plot(shares, risk, color=colour, label=label(name))
    if fixed:
        shots, accuracy, low, high = np.array(fixed).T
        interval(measured, shots, low, high, COLOURS[0])
        measured.plot(shots, accuracy, color=COLOURS[0], marker=".", label="the same shots for all")
    for number, (name, (coverage, accuracy, shots)) in enumerate(points.items()):
        look = {
            "color": COLOURS[(number + 1) % len(COLOURS)],
            "marker": MARKERS[number % len(MARKERS)],
            "linestyle": "",
        }
        covered.plot([coverage], [1 - accuracy], **look)
        measured.plot([shots], [accuracy], label=label(name), **look)
    covered.set_xlim(0, 1.02)
    covered.set_ylim(0, None)
    measured.set_xlim(0, None)
    axis_names(covered, "coverage: share of the images that are answered", "risk: wrong answers among them")
    axis_names(measured, "mean shots an image", "accuracy of what is answered")
    legend(covered)
    legend(figure, loc="outside lower center", ncols=4, handles=measured.get_legend_handles_labels()[0])
    return png(figure)


def monitored_sums(sums: Mapping[str, Floats], thresholds: Mapping[str, float], change: int | None) -> bytes:
    """The cumulative sum of every score in units of its threshold, so that an alarm is a sum above 1.

    Args:
        sums: by name, after every image.
        thresholds: by name.
        change: the image from which on the stream has changed, where that is known.
    """
    figure = new_figure(7.2, 3.4)
    axes = figure.subplots()
    for colour, (name, values) in cycled(COLOURS, sums.items()):
        marker = "o" if len(values) == 1 else None
        axes.plot(np.arange(len(values)), values / thresholds[name], color=colour, marker=marker, label=label(name))
    axes.axhline(1, color="0.4", linestyle="--", linewidth=1, label="alarm")
    if change is not None:
        axes.axvline(change, color="0.4", linestyle=":", linewidth=1, label="change")
    axes.set_ylim(0, None)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis_names(axes, "image", "cumulative sum / threshold")
    legend(axes)
    return png(figure)
