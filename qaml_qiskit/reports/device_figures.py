"""Pictures of accuracies against what a circuit costs on a device."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter

from qaml_qiskit.reports.figures import COLOURS, png

Row = Mapping[str, Any]
_MARKERS = ("o", "s", "^", "D", "v", "P")


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
    figure = Figure(figsize=(4.6 * len(strengths) + 2.0, 3.8), layout="constrained")
    panels = figure.subplots(1, len(strengths), squeeze=False, sharey=True)[0]
    for axes, eps in zip(panels, strengths, strict=True):
        for colour, target in zip(COLOURS, targets, strict=False):
            here = [r for r in rows if r["target"] == target and r["eps"] == eps and r["mitigation"] == mitigation]
            for marker, count in zip(_MARKERS, shots, strict=False):
                points = sorted((r["two_qubit_gates"], r["accuracy"]) for r in here if r["shots"] == count)
                style = "-" if count is None else "--"
                label = f"{target}, {'endless' if count is None else format(count, ',')} shots"
                axes.plot(*zip(*points, strict=True), style, marker=marker, markersize=5, color=colour, label=label)
            ideal = sorted({(row["two_qubit_gates"], row["ideal_accuracy"]) for row in here})
            axes.plot(*zip(*ideal, strict=True), ":", marker=".", color="0.4", label=f"{target}, no noise")
        axes.set_title("clean" if eps == 0 else f"attacked, ε = {eps:g}", fontsize=10)
        _finish(axes, "two-qubit gates after compilation")
    panels[0].set_ylabel(f"accuracy, mitigation {mitigation}")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", frameon=False, fontsize=8)
    return png(figure)


def frontier_figure(rows: Sequence[Row]) -> bytes:
    """What trained models reach against the two-qubit gates that they cost.

    Args:
        rows: with ``model``, ``two_qubit_gates``, ``fidelity``, ``clean_accuracy``, ``robust_accuracy`` and
            ``device_accuracy``.
    """
    figure = Figure(figsize=(8.6, 4.4), layout="constrained")
    axes = figure.subplots()
    series = {
        "fidelity of the encoding": "fidelity",
        "clean accuracy": "clean_accuracy",
        "predicted on the device": "device_accuracy",
        "robust accuracy": "robust_accuracy",
    }
    for colour, marker, (label, key) in zip(COLOURS, _MARKERS, series.items(), strict=False):
        points = [(row["two_qubit_gates"], row[key]) for row in rows]
        axes.plot(*zip(*points, strict=True), marker, markersize=6, color=colour, alpha=0.85, label=label)
    for gates in sorted({row["two_qubit_gates"] for row in rows}):
        axes.axvline(gates, color="0.9", linewidth=0.8, zorder=0)
        names = "\n".join(row["model"] for row in rows if row["two_qubit_gates"] == gates)
        axes.annotate(names, (gates, 0.015), rotation=90, fontsize=6.5, ha="center", va="bottom", color="0.35")
    _finish(axes, "two-qubit gates after compilation")
    axes.set_ylabel("fidelity, accuracy")
    figure.legend(loc="outside upper center", frameon=False, fontsize=8, ncols=4)
    return png(figure)


def _finish(axes: Axes, x_label: str) -> None:
    low, high = axes.dataLim.intervalx
    axes.set_xscale("log")
    axes.set_xlim(low / 1.3, high * 1.3)
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter() if high > 5 * low else ScalarFormatter())
    axes.set_ylim(0, 1.02)
    axes.set_xlabel(x_label)
    axes.spines[["top", "right"]].set_visible(False)
