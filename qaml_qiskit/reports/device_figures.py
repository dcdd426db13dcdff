"""Pictures of accuracies against what a circuit costs on a device."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from qaml_qiskit.reports.drawing import (
    COLOURS,
    MARKERS,
    TITLE,
    accuracy_axis,
    beside,
    cycled,
    gate_axis,
    label,
    legend,
    new_figure,
    png,
)

Row = Mapping[str, Any]
_GATES = "two-qubit gates after compilation"
#: Numbers of shots and targets are drawn beside each other by this factor of the gates.
_BESIDE = 1.012
#: Between two names above a picture, as a share of its width.
NAMES_APART = 0.022


def forecast_curves(rows: Sequence[Row]) -> bytes:
    """Expected accuracy against the number of two-qubit gates: a panel for every strength of the attack.

    Args:
        rows: with ``model``, ``target``, ``two_qubit_gates``, ``eps``, ``mitigation``, ``shots`` (None for endless
            ones), ``accuracy`` and ``ideal_accuracy``. Of several mitigations the last is drawn.
    """
    strengths = sorted({row["eps"] for row in rows})
    targets = list(dict.fromkeys(row["target"] for row in rows))
    shots = sorted({row["shots"] for row in rows}, key=lambda count: count or float("inf"))
    mitigation = rows[-1]["mitigation"]
    figure = new_figure(4.6 * len(strengths) + 2.6, 3.8)
    panels = figure.subplots(1, len(strengths), squeeze=False, sharey=True)[0]
    for axes, eps in zip(panels, strengths, strict=True):
        for number, (colour, target) in enumerate(cycled(COLOURS, targets)):
            here = [r for r in rows if r["target"] == target and r["eps"] == eps and r["mitigation"] == mitigation]
            for place, (marker, count) in enumerate(cycled(MARKERS, shots)):
                # One model has one number of gates: its points stand beside each other.
                shift = _BESIDE ** beside(number * len(shots) + place, len(targets) * len(shots), 1)
                points = sorted((r["two_qubit_gates"] * shift, r["accuracy"]) for r in here if r["shots"] == count)
                style = "-" if count is None else "--"
                name = f"{label(target)}, {'endless' if count is None else format(count, ',')} shots"
                axes.plot(*zip(*points, strict=True), style, marker=marker, markersize=5, color=colour, label=name)
            ideal = sorted({(row["two_qubit_gates"], row["ideal_accuracy"]) for row in here})
            axes.plot(*zip(*ideal, strict=True), ":", marker="_", color=colour, label=f"{label(target)}, no noise")
        axes.set_title("clean" if eps == 0 else f"attacked, ε = {eps:g}", fontsize=TITLE)
        gate_axis(axes, [row["two_qubit_gates"] for row in rows], _GATES)
        accuracy_axis(axes)
    panels[0].set_ylabel(f"accuracy, mitigation {mitigation}")
    handles, labels = panels[0].get_legend_handles_labels()
    legend(figure, handles=handles, labels=labels, loc="outside right upper")
    return png(figure)


def frontier_figure(rows: Sequence[Row]) -> bytes:
    """What trained models reach against the two-qubit gates that they cost.

    Args:
        rows: with ``model``, ``two_qubit_gates``, ``fidelity``, ``clean_accuracy``, ``robust_accuracy`` and
            ``device_accuracy``.
    """
    figure = new_figure(8.6, 5.4)
    axes = figure.subplots()
    series = {
        "fidelity of the encoding": "fidelity",
        "clean accuracy": "clean_accuracy",
        "predicted on the device": "device_accuracy",
        "robust accuracy": "robust_accuracy",
    }
    gate_axis(axes, [row["two_qubit_gates"] for row in rows], _GATES)
    for (colour, (text, key)), marker in zip(cycled(COLOURS, series.items()), MARKERS, strict=False):
        points = [(row["two_qubit_gates"], row[key]) for row in rows]
        axes.plot(*zip(*points, strict=True), marker, markersize=6, color=colour, alpha=0.85, label=text)
    _names(axes, sorted((row["two_qubit_gates"], row["model"]) for row in rows))
    accuracy_axis(axes)
    axes.set_ylabel("fidelity, accuracy")
    legend(figure, loc="outside lower center", ncols=4)
    return png(figure)


def _names(axes: Axes, models: Sequence[tuple[int, str]]) -> None:
    """Every model's name above its number of gates, moved sideways where names would lie on each other."""
    wanted = [float(axes.transLimits.transform(axes.transScale.transform((gates, 0)))[0]) for gates, _ in models]
    places: list[float] = []
    for place in wanted:
        places.append(max(place, places[-1] + NAMES_APART) if places else place)
    # Back to the left by half of what the last ones were moved, so that a crowd stands about its middle.
    moved = [place - (place - want) / 2 for place, want in zip(places, wanted, strict=True)]
    for number in range(1, len(moved)):
        moved[number] = max(moved[number], moved[number - 1] + NAMES_APART)
    for place, (gates, name) in zip(moved, models, strict=True):
        axes.axvline(gates, color="0.9", linewidth=0.8, zorder=0)
        axes.annotate(
            label(name),
            (gates, 1.02),
            (place, 1.04),
            textcoords=axes.transAxes,
            rotation=90,
            fontsize=6.5,
            ha="center",
            va="bottom",
            color="0.35",
            arrowprops={"arrowstyle": "-", "color": "0.8", "linewidth": 0.8, "shrinkA": 0, "shrinkB": 0},
        )
