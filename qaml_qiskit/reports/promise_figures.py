"""A picture of what a target measured against what its calibration promised."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.reports.drawing import COLOURS, axis_names, label, new_figure, png

Floats = NDArray[np.floating]

#: Standard errors beyond which a mean is no chance of the shots.
_BAND = 2.0
#: Names of averages that stand upright beside each other, at most.
_UPRIGHT = 12


def promise_figure(
    names: Sequence[str], promised: Sequence[Floats], measured: Sequence[Floats], errors: Sequence[Floats]
) -> bytes:
    """Measured against promised averages of all images, and how far each average is off on the whole.

    Args:
        names: of the averages, such as their qubits.
        promised: of each average, those of N images.
        measured: of the same.
        errors: their standard errors by shots.
    """
    figure = new_figure(9.2, 3.8)
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.3))
    left.plot([-1, 1], [-1, 1], color="0.7", linewidth=1)
    for expected, found in zip(promised, measured, strict=True):
        left.plot(expected, found, ".", markersize=3, color=COLOURS[0], alpha=0.5)
    extent = 1.08 * max((float(np.abs(each).max()) for each in (*promised, *measured)), default=1.0)
    left.set(xlim=(-extent, extent), ylim=(-extent, extent), aspect="equal")
    axis_names(left, "promised average", "measured average")
    places = np.arange(len(names))
    squares = [
        float(np.sqrt(np.mean(((m - p) / np.maximum(e, 1e-9)) ** 2)))
        for m, p, e in zip(measured, promised, errors, strict=True)
    ]
    right.axhline(1, color="0.4", linestyle="--", linewidth=1)
    right.bar(places, squares, color=[COLOURS[0] if each < _BAND else COLOURS[5] for each in squares], width=0.7)
    turned = len(names) > _UPRIGHT or any(len(name) > 3 for name in names)
    right.set_xticks(places, [label(name, 12) for name in names], rotation=90 if turned else 0, fontsize=7)
    axis_names(right, "qubits", "distance from the promise,\nin errors of the shots (1: kept)")
    return png(figure)
