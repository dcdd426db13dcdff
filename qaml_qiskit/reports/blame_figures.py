"""Maps of a device's qubits, coloured by what their errors cost."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import rustworkx as rx
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from numpy.typing import NDArray

from qaml_qiskit.reports.drawing import SMALL, TITLE, label, new_figure, png

#: Colours of small and large losses: a light and a dark end, which differ in grey, too.
_COLOURS = "YlOrRd"
#: Of qubits and pairs that are not used.
_UNUSED = "0.8"
#: Around the outermost qubits, where neighbours are 1 apart.
_ROOM = 0.5
#: How far around the used qubits the device is shown.
_AROUND = 2


def blame_map(
    pairs: Iterable[Sequence[int]] | None,
    qubits: Mapping[int, float],
    bonds: Mapping[tuple[int, int], float],
    title: str,
) -> bytes:
    """The qubits that a circuit uses and those around them, coloured by lost margin.

    Args:
        pairs: the device's coupling map; None where any two qubits are connected.
        qubits: lost margin of each used qubit by itself.
        bonds: lost margin of each used pair, the lower qubit first.
        title: above the picture; its lines are short.
    """
    edges = {(min(pair), max(pair)) for pair in pairs or ()} | {*bonds}
    used = {*qubits} | {qubit for pair in bonds for qubit in pair}
    shown = _around(edges, used)
    edges = {pair for pair in edges if shown.issuperset(pair)}
    places = _places(sorted(shown), sorted(edges))
    width, height = _extent(places)
    figure = new_figure(width, height)
    axes = figure.subplots()
    losses = [*qubits.values(), *bonds.values()]
    scale = ScalarMappable(Normalize(min(0.0, *losses), max(0.0, *losses) or 1.0), _COLOURS)
    for pair in sorted(edges):
        (x0, y0), (x1, y1) = places[pair[0]], places[pair[1]]
        lost = bonds.get(pair)
        colour, thick = (_UNUSED, 1.5) if lost is None else (scale.to_rgba(np.array(lost)), 7.0)
        if lost is not None:  # an edge around it, since the light end is close to white
            axes.plot([x0, x1], [y0, y1], color="0.35", linewidth=thick + 1.6, zorder=1)
        axes.plot([x0, x1], [y0, y1], color=colour, linewidth=thick, zorder=1)
    for qubit in sorted(shown):
        lost = qubits.get(qubit, 0.0) if qubit in used else None
        face = "white" if lost is None else scale.to_rgba(np.array(lost))
        axes.scatter(*places[qubit], s=330, color=[face], edgecolors="0.35" if lost is not None else _UNUSED, zorder=2)
        dark = lost is not None and np.mean(scale.to_rgba(np.array(lost))[:3]) < 0.5
        ink = "white" if dark else "black" if lost is not None else "0.55"
        axes.text(*places[qubit], str(qubit), ha="center", va="center", fontsize=SMALL, color=ink, zorder=3)
    axes.set_aspect("equal")
    # Room for the circles, also where all qubits lie in a straight line.
    low, high = np.min([*places.values()], axis=0) - _ROOM, np.max([*places.values()], axis=0) + _ROOM
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    axes.set_axis_off()
    figure.suptitle(label(title), fontsize=TITLE)
    bar = figure.colorbar(scale, ax=axes, shrink=0.8)
    bar.set_label("lost margin", fontsize=SMALL)
    bar.ax.tick_params(labelsize=SMALL)
    return png(figure)


def _around(edges: Iterable[tuple[int, int]], used: set[int]) -> set[int]:
    """The used qubits and those a few steps away."""
    shown, edges = {*used}, list(edges)
    for _ in range(_AROUND):
        shown |= {qubit for pair in edges if not shown.isdisjoint(pair) for qubit in pair}
    return shown


def _places(qubits: Sequence[int], edges: Sequence[tuple[int, int]]) -> dict[int, tuple[float, float]]:
    """Where each qubit is drawn: neighbours about 1 apart, the long side of the whole lying flat."""
    index = {qubit: number for number, qubit in enumerate(qubits)}
    graph = rx.PyGraph(multigraph=False)
    graph.add_nodes_from(list(qubits))
    graph.add_edges_from([(index[low], index[high], 1.0) for low, high in edges])
    found = rx.kamada_kawai_layout(graph)
    points = np.array([found[number] for number in range(len(qubits))], dtype=np.float64).reshape(-1, 2)
    points -= points.mean(0)
    # The first principal axis to the right, the first qubit on the left and above.
    axes = np.linalg.svd(points, full_matrices=False)[2]
    points = points @ axes.T
    points *= np.where(points[0] * (-1, 1) < 0, -1, 1)
    lengths = [float(np.linalg.norm(points[index[low]] - points[index[high]])) for low, high in edges]
    points /= np.median(lengths) if lengths and np.median(lengths) > 0 else 1.0
    return {qubit: (float(x), float(y)) for qubit, (x, y) in zip(qubits, points, strict=True)}


def _extent(places: Mapping[int, tuple[float, float]]) -> tuple[float, float]:
    """Inches of the picture."""
    points: NDArray[np.float64] = np.array([*places.values()])
    across, down = points.max(0) - points.min(0)
    return float(np.clip(0.62 * across + 2.4, 5.0, 14.0)), float(np.clip(0.62 * down + 1.4, 2.6, 9.0))
