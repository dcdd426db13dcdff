"""Pictures of rows that items gave; published numbers are crosses."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from qaml_qiskit.reports.drawing import COLOURS, MARKERS

Row = dict[str, Any]
_DPI = 110


def bars(rows: Sequence[Row], groups: str, bar: str, published: dict[tuple[str, str], float], path: Path) -> None:
    """Accuracy by group; bars are the mean over seeds, lines their spread from lowest to highest."""
    names, kinds = _unique(rows, groups), _unique(rows, bar)
    figure, axis = plt.subplots(figsize=(max(6, 1.7 * len(names)), 3.6), layout="constrained")
    width = 0.8 / len(kinds)
    for number, kind in enumerate(kinds):
        for place, name in enumerate(names):
            row = next((row for row in rows if row[groups] == name and row[bar] == kind), None)
            if row is None:
                continue
            x = place + (number - (len(kinds) - 1) / 2) * width
            spread = [[row["mean"] - row["lowest"]], [row["highest"] - row["mean"]]]
            first = kind not in axis.get_legend_handles_labels()[1]
            axis.bar(x, row["mean"], width * 0.92, color=COLOURS[number], label=kind if first else None)
            axis.errorbar(x, row["mean"], yerr=spread, color="black", lw=1, capsize=2)
            if (told := published.get((name, kind))) is not None:
                once = None if axis.get_legend_handles_labels()[1].count("published") else "published"
                axis.plot(x, told, "x", color="black", ms=7, mew=1.8, label=once, ls="none")
    axis.set_xticks(range(len(names)), names, fontsize=8)
    axis.set_ylim(0, 1.02)
    axis.set_ylabel("accuracy")
    figure.legend(*_in_order(axis), fontsize=8, loc="outside right upper")
    _save(figure, path)


def lines(rows: Sequence[Row], x: str, line: str, panel: str, path: Path, *, xlabel: str, y: str = "accuracy") -> None:
    """The mean over seeds against x, a band from lowest to highest; a panel each."""
    panels = _unique(rows, panel)
    figure, axes = plt.subplots(1, len(panels), figsize=(3.2 * len(panels) + 2, 3.4), layout="constrained", sharey=True)
    for axis, told in zip(np.atleast_1d(axes), panels, strict=True):
        for number, name in enumerate(_unique(rows, line)):
            own = sorted((row for row in rows if row[panel] == told and row[line] == name), key=lambda row: row[x])
            if not own:
                continue
            places = [row[x] for row in own]
            marks = {"marker": MARKERS[number], "ms": 4} if len(own) < 20 else {}
            axis.plot(places, [row["mean"] for row in own], color=COLOURS[number], label=name, **marks)
            low, high = ([row[key] for row in own] for key in ("lowest", "highest"))
            axis.fill_between(places, low, high, color=COLOURS[number], alpha=0.15, lw=0)
        axis.set_title(f"{panel} {told}" if isinstance(told, int) else told, fontsize=9)
        axis.set_xlabel(xlabel)
        axis.grid(alpha=0.3)
    first = np.atleast_1d(axes)[0]
    first.set_ylabel(y)
    if y == "accuracy":
        first.set_ylim(0, 1.02)
    figure.legend(*first.get_legend_handles_labels(), fontsize=8, loc="outside right upper")
    _save(figure, path)


def points(rows: Sequence[Row], path: Path, columns: int, *, shared: bool = True) -> None:
    """A panel a kind of points: circles that are right, crosses that are wrong, coloured by class."""
    panels = _unique(rows, "panel")
    count = -(-len(panels) // columns)
    figure, axes = plt.subplots(
        count,
        columns,
        figsize=(3.3 * columns, 3.0 * count),
        layout="constrained",
        sharex=shared,
        sharey=shared,
        squeeze=False,
    )
    for axis, told in zip(axes.flat, panels, strict=False):
        own = [row for row in rows if row["panel"] == told]
        for label in (0, 1):
            for right, marker in ((True, "o"), (False, "x")):
                chosen = [row for row in own if row["label"] == label and row["right"] == right]
                x, y = ([row[key] for row in chosen] for key in ("first", "second"))
                axis.scatter(x, y, s=18, marker=marker, color=COLOURS[label], alpha=0.75, linewidths=1)
        wrong = sum(not row["right"] for row in own)
        axis.set_title(f"{told}\n{wrong} of {len(own)} wrong", fontsize=8)
        if not shared:
            axis.set_aspect("equal", "datalim")
    _save(figure, path)


def pairs(rows: Sequence[Row], path: Path) -> None:
    """Differences of pairs, a point a seed with its interval over images."""
    names, kinds = _unique(rows, "pair"), _unique(rows, "attack")
    figure, axis = plt.subplots(figsize=(8, 0.9 * len(names) + 0.4), layout="constrained")
    for number, kind in enumerate(kinds):
        own = [row for row in rows if row["attack"] == kind]
        for index, row in enumerate(own):
            seed = row["seed"]
            y = names.index(row["pair"]) + (number - 1.5) * 0.2 + (seed - 2) * 0.03
            ends = [[row["difference"] - row["low"]], [row["high"] - row["difference"]]]
            axis.errorbar(
                row["difference"],
                y,
                xerr=ends,
                fmt=MARKERS[number],
                ms=4,
                color=COLOURS[number],
                lw=0.8,
                label=kind if not index else None,
            )
    axis.axvline(0, color="0.4", lw=1)
    axis.set_yticks(range(len(names)), names, fontsize=8)
    axis.invert_yaxis()
    axis.set_xlabel("difference of accuracy on the same images, a point a seed")
    figure.legend(*axis.get_legend_handles_labels(), fontsize=8, loc="outside right upper")
    _save(figure, path)


def _unique(rows: Sequence[Row], key: str) -> list[Any]:
    return list(dict.fromkeys(row[key] for row in rows))


def _in_order(axis: Any) -> tuple[list[Any], list[str]]:
    handles, labels = axis.get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda index: labels[index] == "published")
    return [handles[index] for index in order], [labels[index] for index in order]


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, dpi=_DPI)
    plt.close(figure)
