"""The picture of prediction sets: what they hold and how large they are, against the length of attacks."""

from collections.abc import Mapping, Sequence
from typing import Any

from qaml_qiskit.reports.drawing import COLOURS, MARKERS, axis_names, cycled, interval, label, legend, new_figure, png


def conformal_curves(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """For every α a column: coverage above, and mean size of the sets below, a curve for every score.

    Args:
        rows: with ``alpha``, ``score``, ``radius``, ``attacked_coverage``, ``attacked_interval``,
            ``mean_size``.
    """
    alphas = list(dict.fromkeys(row["alpha"] for row in rows))
    figure = new_figure(max(5.2, 3.6 * len(alphas)), 5.4)
    panels = figure.subplots(2, len(alphas), squeeze=False, sharex=True)
    scores = list(dict.fromkeys(row["score"] for row in rows))
    for column, alpha in enumerate(alphas):
        held, size = panels[0, column], panels[1, column]
        held.axhline(1 - alpha, color="0.4", linestyle="--", linewidth=1)
        for (colour, score), (marker, _) in zip(cycled(COLOURS, scores), cycled(MARKERS, scores), strict=True):
            mine = [row for row in rows if row["alpha"] == alpha and row["score"] == score]
            radii = [row["radius"] for row in mine]
            share = [row["attacked_coverage"] for row in mine]
            ends = [row["attacked_interval"] for row in mine]
            held.plot(radii, share, marker=marker, color=colour, label=label(score))
            interval(held, radii, [low for low, _ in ends], [high for _, high in ends], colour)
            size.plot(radii, [row["mean_size"] for row in mine], marker=marker, color=colour)
        held.set_title(f"α = {alpha:g}", fontsize=10)
        held.set_ylim(None, 1.005)
        size.set_ylim(0, None)
        axis_names(held, "", "coverage" if not column else "")
        axis_names(size, "length of the attack (l2)", "classes in a set" if not column else "")
    legend(panels[0, 0], loc="lower left")
    return png(figure)
