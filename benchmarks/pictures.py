"""The picture of the scaling curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers import TITLES

_CURVES = {"layers": "layers L", "qubits": "qubits n", "batch": "images in a batch", "threads": "threads"}
_STEPS = {"train": "-", "attack": "--"}
_COLOURS = {"kernel": "tab:blue", "torch": "tab:orange", "collapsed": "tab:green", "jax": "tab:red"}


def draw_scaling(lines: Sequence[Sequence[object]], path: Path) -> None:
    """Draw the curves of the CSV, a panel each; CPU seconds, but wall seconds against threads."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.lines import Line2D

    figure, panels = plt.subplots(1, len(_CURVES), figsize=(15, 4.2), layout="constrained")
    for panel, (curve, label) in zip(panels, _CURVES.items(), strict=True):
        for step, style in _STEPS.items():
            for contestant, colour in _COLOURS.items():
                _line(panel, _rows(lines, curve, step, contestant), style=style, color=colour)
                if curve == "threads":
                    spun = _rows(lines, "threads beside a spinning process", step, contestant)
                    _line(panel, spun, style=style, color="tab:gray")
        panel.set_xlabel(label)
        panel.set_yscale("log")
        if curve == "batch":
            panel.set_xscale("log", base=2)
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("seconds a step (CPU; wall against threads)")
    handles = [Line2D([], [], color=colour, label=TITLES[key]) for key, colour in _COLOURS.items()]
    handles += [Line2D([], [], color="tab:gray", label="kernel, one CPU also spins")]
    handles += [Line2D([], [], color="black", linestyle=style, label=step) for step, style in _STEPS.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=8)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


def _rows(lines: Sequence[Sequence[object]], curve: str, step: str, contestant: str) -> list[tuple[float, float]]:
    clock = "wall_seconds" if curve.startswith("threads") else "cpu_seconds"
    head = list(lines[0])
    rows = [dict(zip(head, line, strict=True)) for line in lines[1:]]
    wanted = (curve, step, contestant)
    return [
        (float(str(row["x"])), float(str(row[clock])))
        for row in rows
        if (row["curve"], row["step"], row["contestant"]) == wanted
    ]


def _line(panel: Any, points: list[tuple[float, float]], *, style: str, color: str) -> None:
    if points:
        panel.plot(*zip(*points, strict=True), style, color=color, marker="o", markersize=3)
