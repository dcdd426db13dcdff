"""A picture of what predictions are unsure about."""

from collections.abc import Mapping

import numpy as np

from qaml_qiskit.reports.drawing import COLOURS, SMALL, axis_names, label, legend, new_figure, png

#: Expected entropy, of the model, of the shots; in nats.
Parts = tuple[float, float, float]
_NAMES = ("the label", "the model", "the shots")


def uncertainty_bars(sources: Mapping[str, Mapping[str, Parts | None]]) -> bytes:
    """Stacked bars of the parts of the predictive entropy: of every source one for each group of images.

    Args:
        sources: by name, the mean parts of each group; None where the group has no image.
    """
    bars = [
        (f"{label(source)}\n{group}", parts) for source, groups in sources.items() for group, parts in groups.items()
    ]
    figure = new_figure(max(5.2, 1.2 + 0.95 * len(bars)), 3.6)
    axes = figure.subplots()
    places = np.arange(len(bars))
    below = np.zeros(len(bars))
    for number, (name, colour) in enumerate(zip(_NAMES, COLOURS, strict=False)):
        heights = np.array([0.0 if parts is None else parts[number] for _, parts in bars])
        axes.bar(places, heights, 0.7, bottom=below, color=colour, label=name)
        below += heights
    for place, (_, parts) in enumerate(bars):
        if parts is None:
            axes.text(place, 0, "none", ha="center", va="bottom", fontsize=SMALL)
    axes.set_xticks(places, [name for name, _ in bars], fontsize=SMALL)
    axis_names(axes, "whose labels are", "doubt about … (nats)")
    legend(axes)
    return png(figure)
