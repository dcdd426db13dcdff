"""Pictures of states on a plane."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.reports.drawing import COLOURS, LONGEST_NAME, SMALL, axis_names, label, new_figure, png

_PANEL = (3.2, 3.0)
#: Panels beside each other.
_COLUMNS = 4

#: A title, points of shape (N, 2), labels of shape (N,), and which of them the model names.
Panel = tuple[str, NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]


def state_planes(panels: Sequence[Panel]) -> bytes:
    """Points on planes: a panel a set, a colour a label, circles where the model is right and crosses where not."""
    columns = min(len(panels), _COLUMNS)
    lines = -(-len(panels) // columns)
    figure = new_figure(_PANEL[0] * columns, _PANEL[1] * lines)
    all_axes = figure.subplots(lines, columns, squeeze=False).flatten()
    for axes, (title, points, labels, right) in zip(all_axes, panels, strict=False):
        for number in sorted(set(labels.tolist())):
            colour = COLOURS[number % len(COLOURS)]
            for marker, chosen in (("o", right), ("x", ~right)):
                mine = points[(labels == number) & chosen]
                axes.scatter(mine[:, 0], mine[:, 1], s=14, color=colour, marker=marker, linewidths=1)
        axis_names(axes, "first axis", "second axis")
        axes.set_title(label(title, LONGEST_NAME), fontsize=SMALL)
    for axes in all_axes[len(panels) :]:
        axes.set_visible(False)
    return png(figure)
