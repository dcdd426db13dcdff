"""The picture of a certificate: what is certain, what an attack found, and where the images lie."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from qaml_qiskit.reports.drawing import COLOURS, accuracy_axis, axis_names, legend, new_figure, png

_BINS = 30


def certified_curves(
    radii: Sequence[float], attacked: Sequence[float], strengths: Sequence[tuple[float, float]], accuracy: float
) -> bytes:
    """Certified accuracy against the l2 radius and against ε, and a histogram of the radii.

    Args:
        radii: exact l2 radius of every image, 0 for a misclassified one.
        attacked: size of the l2 perturbation that an attack found for each.
        strengths: lower and upper bound of each image's l∞ radius.
        accuracy: without perturbation, drawn as a dotted line named clean.
    """
    figure = new_figure(10.5, 3.5)
    ball, box, counts = figure.subplots(1, 3)
    low, high = np.array(strengths, dtype=float).reshape(-1, 2).T
    _falling(ball, np.array(radii), COLOURS[0], "-", "exact")
    _falling(ball, np.array(attacked), COLOURS[1], "--", "gradient attack")
    _falling(box, low, COLOURS[0], "-", "certified")
    _falling(box, high, COLOURS[1], "--", "PGD")
    for axes, text in ((ball, "length (l2)"), (box, "strength ε (l∞)")):
        accuracy_axis(axes, {"clean": accuracy})
        axes.set_xlim(0, None)
        axis_names(axes, text, "robust accuracy")
        legend(axes)
    right = np.array([radius for radius in radii if 0 < radius < np.inf])
    counts.hist(right, bins=_BINS, color=COLOURS[0])
    counts.set(xlim=(0, None), ylim=(0, None if len(right) else 1))
    counts.yaxis.set_major_locator(MaxNLocator(integer=True))
    axis_names(counts, "exact radius (l2)", "images")
    return png(figure)


def _falling(axes: Axes, values: NDArray[np.floating], colour: str, style: str, label: str) -> None:
    """The share of values above each level, as a staircase that is right everywhere."""
    finite = np.sort(values[np.isfinite(values)])
    shares = 1 - np.arange(1, len(finite) + 1) / len(values)
    start = 1.0 if not len(finite) else float((values > 0).mean())
    x, y = np.append(0, finite), np.append(start, shares)
    axes.step(x[y <= start], y[y <= start], style, where="post", color=colour, label=label)
