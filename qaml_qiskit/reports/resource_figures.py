"""Pictures of what circuits cost and where on a device they sit, as PNG bytes."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import rustworkx as rx
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm, Normalize
from matplotlib.lines import Line2D

from qaml_qiskit.reports.drawing import COLOURS, MARKERS, SMALL, cycled, gate_axis, label, legend, new_figure, png
from qaml_qiskit.reports.layout import fold
from qaml_qiskit.text import printable

Pair = tuple[int, int]
#: Colour of errors, light to dark.
_ERRORS = "YlOrRd"
#: Of a title.
_CHARACTERS_AN_INCH = 13
#: How bright red, green and blue are to the eye.
_LUMINANCE = np.array([0.3, 0.59, 0.11])


def gates_against_fidelity(points: Sequence[tuple[str, str, float, float]]) -> bytes:
    """Two-qubit gates on a logarithmic axis against the mean fidelity of the encoding.

    Args:
        points: (circuit, place, two-qubit gates, fidelity). Every circuit has a colour, every place, such as a target
            and a recipe, a marker.
    """
    circuits = list(dict.fromkeys(circuit for circuit, *_ in points))
    places = list(dict.fromkeys(place for _, place, *_ in points))
    figure = new_figure(8.6, max(4.2, 0.2 * (len(circuits) + len(places)) + 1))
    axes = figure.subplots()
    colours = {name: colour for colour, name in cycled(COLOURS, circuits)}
    markers = {name: marker for marker, name in cycled(MARKERS, places)}
    for circuit, place, gates, fidelity in points:
        axes.plot([max(gates, 1)], [fidelity], markers[place], color=colours[circuit], markersize=7, alpha=0.7)
    gate_axis(axes, [max(gates, 1) for _, _, gates, _ in points], "two-qubit gates of the whole circuit")
    axes.set_ylabel("mean fidelity of the prepared state")
    lowest = min(fidelity for *_, fidelity in points)
    axes.set_ylim(lowest - max(0.01, 0.15 * (1 - lowest)), 1 + max(0.005, 0.08 * (1 - lowest)))
    axes.grid(alpha=0.3)
    marks = [
        Line2D([], [], color=colour, marker="s", linestyle="none", label=label(name))
        for name, colour in colours.items()
    ]
    marks += [
        Line2D([], [], color="0.3", marker=mark, linestyle="none", label=label(name)) for name, mark in markers.items()
    ]
    legend(axes, handles=marks, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return png(figure)


def device_map(
    num_qubits: int,
    pair_errors: Mapping[Pair, float | None],
    readout_errors: Mapping[int, float | None],
    used_qubits: Sequence[int],
    used_pairs: Sequence[Pair],
    title: str,
) -> bytes:
    """A device's coupling map: what a circuit uses in front, everything coloured by its error rate.

    Args:
        num_qubits: of the device.
        pair_errors: two-qubit error of every pair (lower number first); None or 1 is faulty and drawn dashed.
        readout_errors: of every qubit.
        used_qubits: that carry gates; the first ones in the circuit's order.
        used_pairs: that carry two-qubit gates.
        title: above the picture.
    """
    place = coordinates(num_qubits, list(pair_errors))
    width, height = np.ptp(place, axis=0) + 2
    scale = min(0.62, 9 / width)
    figure = new_figure(max(6.0, scale * width + 1.6), max(2.6, scale * height + 0.8))
    axes = figure.subplots()
    pair_norm, readout_norm = _norm(pair_errors.values()), _norm(readout_errors.values())
    _draw_pairs(axes, place, pair_errors, {*used_pairs}, pair_norm)
    _draw_qubits(axes, place, readout_errors, used_qubits, readout_norm)
    for norm, text in ((pair_norm, "two-qubit error"), (readout_norm, "readout error")):
        bar = figure.colorbar(ScalarMappable(norm, _ERRORS), ax=axes, shrink=0.8, pad=0.01, aspect=30)
        bar.set_label(text, fontsize=SMALL)
        bar.ax.tick_params(which="both", labelsize=7)
    marks = [
        Line2D([], [], color="0.15", marker="o", markerfacecolor="white", linewidth=4, label="used"),
        Line2D([], [], color="0.6", linestyle=":", label="faulty"),
    ]
    legend(figure, handles=marks, ncols=2, loc="outside lower center")
    lines = fold(printable(title), int(_CHARACTERS_AN_INCH * figure.get_figwidth()))
    figure.suptitle("\n".join(lines), fontsize=9, x=0.01, ha="left")
    axes.set_aspect("equal")
    axes.margins(0.03)
    axes.axis("off")
    return png(figure)


def coordinates(num_qubits: int, pairs: Sequence[Pair]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Where to draw each qubit, shape (num_qubits, 2).

    Heavy-hex devices are numbered row by row: rows of neighbours i, i+1, and single qubits between two rows. Where that
    gives a drawing in which all neighbours are one step apart, it is taken; other devices are drawn by springs.
    """
    rows = _rows(num_qubits, {*pairs})
    place = _in_rows(num_qubits, rows, pairs)
    if place is not None:
        return place
    graph = rx.PyGraph()
    graph.add_nodes_from(range(num_qubits))
    graph.add_edges_from_no_data(list(pairs))
    drawn = rx.spring_layout(graph, seed=1, num_iter=500)
    return np.array([drawn[qubit] for qubit in range(num_qubits)]) * np.sqrt(num_qubits) * 1.5


def _rows(num_qubits: int, pairs: set[Pair]) -> list[list[int]]:
    """Maximal runs of neighbours i, i+1, longest stretches of a heavy-hex device; single qubits are left out."""
    runs = [[0]]
    for qubit in range(1, num_qubits):
        if (qubit - 1, qubit) in pairs:
            runs[-1].append(qubit)
        else:
            runs.append([qubit])
    return [run for run in runs if len(run) > 1]


def _in_rows(
    num_qubits: int, rows: list[list[int]], pairs: Sequence[Pair]
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]] | None:
    """Rows two steps apart, connectors between them; None when a pair is not one step long."""
    if not rows:
        return None
    neighbours: dict[int, list[int]] = {qubit: [] for qubit in range(num_qubits)}
    for a, b in pairs:
        neighbours[a].append(b)
        neighbours[b].append(a)
    place = np.full((num_qubits, 2), np.nan)
    in_row = {qubit for row in rows for qubit in row}
    for number, row in enumerate(rows):
        # Connectors of the row above say where the row is; the first one begins at 0.
        known = [
            place[other, 0] - row.index(qubit)
            for qubit in row
            for other in neighbours[qubit]
            if other not in in_row and not np.isnan(place[other, 0])
        ]
        start = known[0] if known else 0.0
        for offset, qubit in enumerate(row):
            place[qubit] = start + offset, -2.0 * number
            for other in neighbours[qubit]:
                if other not in in_row and np.isnan(place[other, 0]):
                    place[other] = start + offset, -2.0 * number - 1
    steps = [np.abs(place[a] - place[b]).sum() for a, b in pairs]
    separate = len({tuple(point) for point in place.tolist()}) == num_qubits
    return place if separate and not np.isnan(place).any() and np.allclose(steps, 1) else None


def _norm(errors: Iterable[float | None]) -> Normalize:
    known = [error for error in errors if error is not None and 0 < error < 0.5]
    # Equal errors still need a scale on which the numbers differ.
    return LogNorm(min(known), max(*known, 2 * min(known))) if known else Normalize(0, 1)


def _draw_pairs(
    axes: Axes,
    place: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    errors: Mapping[Pair, float | None],
    used: set[Pair],
    norm: Normalize,
) -> None:
    faulty = [pair for pair, error in errors.items() if error is None or error >= 1]
    good = [pair for pair in errors if pair not in faulty]
    outline = LineCollection([place[list(pair)] for pair in sorted(used)], colors="0.15", linewidths=7, zorder=1)
    axes.add_collection(outline)
    axes.add_collection(LineCollection([place[list(pair)] for pair in faulty], colors="0.6", linestyles=":", zorder=1))
    lines = LineCollection(
        [place[list(pair)] for pair in good],
        linewidths=[4 if pair in used else 1.8 for pair in good],
        cmap=_ERRORS,
        norm=norm,
        zorder=2,
    )
    lines.set_array(np.array([errors[pair] or norm.vmin or 0.0 for pair in good]))
    axes.add_collection(lines)


def _draw_qubits(
    axes: Axes,
    place: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    errors: Mapping[int, float | None],
    used: Sequence[int],
    norm: Normalize,
) -> None:
    chosen = {*used}
    colours = ScalarMappable(norm, _ERRORS).to_rgba(np.array([errors.get(qubit) or 0.0 for qubit in range(len(place))]))
    for qubit, (x, y) in enumerate(place):
        front = qubit in chosen
        axes.plot(
            [x],
            [y],
            "o",
            markersize=13 if front else 9,
            markerfacecolor=tuple(colours[qubit]),
            markeredgecolor="0.15" if front else "0.7",
            markeredgewidth=2 if front else 0.6,
            zorder=4 if front else 3,
        )
        bright = colours[qubit, :3] @ _LUMINANCE > 0.5
        axes.text(
            x,
            y,
            str(qubit),
            ha="center",
            va="center_baseline",
            fontsize=6.5 if front else 5,
            weight="bold" if front else "normal",
            color="black" if bright else "white",
            zorder=5,
        )
