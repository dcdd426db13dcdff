"""The frontier of clean against certified accuracy, from runs of ``qaml certify``.

Run it as ``python certified.py OUT RUN…``: every RUN is a folder of ``qaml certify``; OUT is the stem of the CSV and
of the picture that are written. A run stands for the model that its ``config.yaml`` names.
"""

import csv
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import yaml

from qaml_qiskit.evaluation import Proportion

DISTANCES = (0.25, 0.5, 0.75, 1.0, 1.5)
STRENGTHS = (0.02, 0.05, 0.1)


def row_of(folder):
    """What the certificates of a model come to; shares of all images, with the 95 % interval of two of them."""
    model = Path(yaml.safe_load((folder / "config.yaml").read_text())["model"]).name
    with (folder / "certificates.csv").open() as file:
        rows = list(csv.DictReader(file))
    right = np.array([row["predicted"] == row["label"] for row in rows])
    radius, linf = (np.array([float(row[name] or "inf") for row in rows]) for name in ("radius", "linf_lower"))
    return {
        "model": model,
        "images": len(rows),
        **share("accuracy", right),
        **share("certified_0.5", radius > 0.5),
        **{f"certified_{distance:g}": (radius > distance).mean() for distance in DISTANCES if distance != 0.5},
        "median_radius": round(float(np.median(radius[right])), 4),
        **{f"linf_{strength:g}": (linf > strength).mean() for strength in STRENGTHS},
    }


def share(name, hits):
    """A share and its interval."""
    found = Proportion(int(hits.sum()), len(hits))
    low, high = found.interval
    return {name: found.value, f"{name}_low": round(low, 4), f"{name}_high": round(high, 4)}


def draw(rows, path):
    """Clean accuracy against the certified one at 0.5, a panel a data set."""
    sets = {name: [row for row in rows if row["model"].startswith(name + "-")] for name in ("mnist", "fashion-mnist")}
    figure, axes = plt.subplots(1, len(sets), figsize=(10, 4), layout="constrained")
    for axis, (name, points) in zip(axes, sets.items(), strict=True):
        for row in points:
            label = row["model"].removeprefix(f"{name}-qvc200").removeprefix("-") or "plain"
            x, y = row["accuracy"], row["certified_0.5"]
            axis.errorbar(
                x,
                y,
                xerr=[[x - row["accuracy_low"]], [row["accuracy_high"] - x]],
                yerr=[[y - row["certified_0.5_low"]], [row["certified_0.5_high"] - y]],
                fmt="o",
                color="C0" if "certified" in label else "C1",
            )
            axis.annotate(label, (x, y), textcoords="offset points", xytext=(6, 6))
        axis.set(title=name, xlabel="accuracy", ylabel="certified at l2 = 0.5")
    figure.savefig(path, dpi=110)


def main(out, folders):
    """Write the table and the picture."""
    rows = [row_of(Path(folder)) for folder in folders]
    with Path(f"{out}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    draw(rows, f"{out}.png")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
