"""A picture for every page of results whose commands draw none, from the page's CSV: ``python pictures.py FOLDER``.

FOLDER is ``runs/reference``. Each function reads one file there, and its picture has the name of the page.
"""

import ast
import csv
import sys
from collections import defaultdict
from pathlib import Path

from qaml_qiskit.evaluation import Proportion
from qaml_qiskit.reports.drawing import COLOURS, MARKERS, axis_names, cycled, legend, new_figure, png


def tiles(rows):
    """Accuracy against the number of tiles, gap 0."""
    figure = new_figure(7.2, 3)
    axes = figure.subplots()
    for colour, target in cycled(COLOURS, ("fake-fez", "fake-torino", "fake-sherbrooke")):
        here = [row for row in rows("tile-numbers.csv") if (row["target"], row["gap"]) == (target, "0")]
        axes.plot(numbers(here, "tiles"), numbers(here, "accuracy"), "o-", color=colour, label=target)
    axis_names(axes, "copies side by side", "forecast accuracy")
    legend(axes)
    return figure


def blame(rows):
    """Both lines of every classifier and device, joined."""
    found = defaultdict(dict)
    for row in rows("blame.csv"):
        if row["weighed_images"] in ("", "100"):
            found[f"{row['model']}, {row['target']}"][row["recipe"]] = float(row["readout_1000"])
    figure = new_figure(7.2, 3.6)
    axes = figure.subplots()
    names = list(found)[::-1]
    for y, name in enumerate(names):
        axes.plot([found[name]["line"], found[name]["margin"]], [y, y], color="0.7", zorder=0)
    for colour, recipe in cycled(COLOURS, ("line", "margin")):
        axes.scatter([found[name][recipe] for name in names], range(len(names)), color=colour, label=recipe)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axis_names(axes, "forecast accuracy, 1,000 shots")
    legend(axes)
    return figure


def conformal(rows):
    """Coverage of attacked labels against the radius."""
    figure = new_figure(7.2, 3)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, model in zip(panels, ("mnist-qvc200", "fashion-mnist-qvc200"), strict=True):
        for number, score in enumerate(("radius", "lipschitz", "adaptive", "probability")):
            here = [
                row
                for row in rows("conformal.csv")
                if (row["model"], row["alpha"], row["images"], row["score"]) == (model, "0.1", "1000", score)
            ]
            look = {"color": COLOURS[number], "marker": MARKERS[number]}
            axes.plot(numbers(here, "radius"), numbers(here, "attacked_coverage"), label=score, **look)
        axes.axhline(0.9, color="0.4", linestyle=":")
        axes.set_title(model)
        axis_names(axes, "l2 distance of the attack")
    axis_names(panels[0], "l2 distance of the attack", "labels that are in their set")
    legend(panels[0])
    return figure


def decide(rows):
    """Accuracy against the mean number of shots, by policy, as forecast."""
    figure = new_figure(7.2, 3)
    axes = figure.subplots()
    for colour, (run, budget) in cycled(COLOURS, (("forecast1000", "1,000"), ("forecast4000", "4,000"))):
        for marker, policy in cycled(MARKERS, ("fixed", "as many for all", "more-shots", "sequential", "fall-back")):
            here = [row for row in rows("decide.csv") if row["run"] == run and row["policy"] == policy]
            look = {"color": colour, "marker": marker, "linestyle": ""}
            axes.plot(numbers(here, "shots"), numbers(here, "accuracy"), label=f"{policy}, {budget}", **look)
    axis_names(axes, "mean shots an image", "accuracy of all images")
    figure.legend(frameon=False, fontsize=8, loc="outside right upper")
    return figure


def promises(rows):
    """Share of runs that were noticed, with intervals."""
    figure = new_figure(7.2, 2.8)
    axes = figure.subplots()
    here = [row for row in rows("promises.csv") if row["seed"] == "75" and int(row["runs"]) > 12]
    for row in here:
        share = Proportion(round(float(row["not kept"]) * int(row["runs"])), int(row["runs"]))
        low, high = share.interval
        axes.errorbar(
            float(row["times"]), share.value, [[share.value - low], [high - share.value]], fmt="o", color=COLOURS[0]
        )
    axes.axhline(0.05, color="0.4", linestyle=":", label="false alarms promised")
    axes.set_xticks(numbers(here, "times"))
    axes.set_ylim(0, 1.03)
    axis_names(axes, "error of one CZ, times what the calibration says", "runs that report it")
    legend(axes, loc="upper left")
    return figure


def fractional(rows):
    """Pulses of circuits compiled for both sets of gates."""
    found = defaultdict(dict)
    for row in rows("fractional.csv"):
        if row["what"] == "counts" and row["quantity"] == "pulses":
            found[row["circuit"]][row["recipe"]] = float(row["value"])
    figure = new_figure(7.2, 3)
    axes = figure.subplots()
    names = list(found)[::-1]
    for number, recipe in enumerate(("fractional", "line")):
        places = [y + 0.2 * (2 * number - 1) for y in range(len(names))]
        axes.barh(places, [found[name][recipe] for name in names], 0.38, color=COLOURS[1 - number], label=recipe)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axis_names(axes, "pulses on single qubits")
    legend(axes)
    return figure


def abstention(rows):
    """Share of the mistakes that a detector sends to a human, clean cases, thresholds by local images."""
    figure = new_figure(7.2, 3.2)
    panels = figure.subplots(1, 2)
    for axes, (run, title) in zip(panels, (("x-local", "X-rays"), ("i-local", "connections")), strict=True):
        found = {}
        for row in rows("abstention.csv"):
            if row["run"] == run and row["false_alarms"] == "0.05" and row["caught_of_wrong_clean"]:
                found[row["detector"]] = [float(row["caught_of_wrong_clean" + end]) for end in ("", *ENDS)]
        for y, (_, (share, low, high)) in enumerate(reversed(found.items())):
            axes.errorbar(share, y, xerr=[[share - low], [high - share]], fmt="o", color=COLOURS[0])
        axes.set_yticks(range(len(found)), list(found)[::-1], fontsize=8)
        axes.axvline(0.05, color="0.4", linestyle=":")
        axes.set_title(title)
        axis_names(axes, "share of the mistakes sent to a human")
    return figure


ENDS = ("_interval_low", "_interval_high")


def uncertainty(rows):
    """NLL less that of one model at its temperature, with intervals; below zero is better."""
    here = [row for row in rows("uncertainty-gains.csv") if row["figure"] == "nll"][::-1]
    figure = new_figure(7.2, 3)
    axes = figure.subplots()
    for y, row in enumerate(here):
        value, (low, high) = float(row["difference"]), ast.literal_eval(row["interval"])
        colour = COLOURS[2] if row["better"] == "yes" else COLOURS[5] if low > 0 else "0.5"
        axes.errorbar(value, y, xerr=[[value - low], [high - value]], fmt="o", color=colour)
    axes.set_yticks(range(len(here)), [f"{row['study']}, {row['source']}" for row in here], fontsize=8)
    axes.set_xscale("symlog", linthresh=0.01)
    axes.axvline(0, color="0.4", linestyle=":")
    axis_names(axes, "NLL less that of one model at its temperature")
    return figure


def rivals(rows):
    """What a defence keeps under PGD against what it keeps of clean images, a point a seed."""
    figure = new_figure(7.2, 3.2)
    axes = figure.subplots()
    found = defaultdict(list)
    for row in rows("rivals/defences.csv"):
        found[row["defence"]].append(row)
    for number, (name, here) in enumerate(found.items()):
        look = {"color": COLOURS[number % len(COLOURS)], "marker": MARKERS[number % len(MARKERS)], "linestyle": ""}
        axes.plot(numbers(here, "accuracy"), numbers(here, "robust_0.1"), label=name, **look)
    axis_names(axes, "accuracy on clean images", "under PGD, ε = 0.1")
    figure.legend(frameon=False, fontsize=8, loc="outside right upper")
    return figure


def numbers(rows, column):
    """A column."""
    return [float(row[column]) for row in rows]


def main(folder):
    """Writes them all."""

    def rows(name):
        with (Path(folder) / name).open(newline="") as file:
            return list(csv.DictReader(file))

    for draw in (tiles, blame, conformal, decide, promises, fractional, abstention, uncertainty, rivals):
        (Path(folder) / f"{draw.__name__}.png").write_bytes(png(draw(rows)))


if __name__ == "__main__":
    main(*sys.argv[1:])
