"""What ensembles, a Laplace approximation over the angles and stochastic passes are worth, over temperature alone.

Run it as ``QAML_DATA_DIR=… python uncertainty.py RUNS OUT [STUDY …]``, on one core. RUNS has a folder a study, each a
run of ``qaml uncertainty``; one that was killed goes on, and one that is complete is read. The trainings of the
ensembles are looked for in RUNS/trained: those with the seeds that are there, of

    qaml train --dataset DATA --layers 200 --epochs 10 --learning-rate 0.003 --logit-scale 40 --init-std 1 --seed S
        --validation-seed 0

and of small ones on the digits 0 to 5 (``digits-seed0`` and so on):

    qaml train --layers 6 --epochs 15 --seed S --validation-seed 0

The rows of all complete runs are written to OUT: uncertainty.csv, uncertainty-gains.csv, uncertainty-anomalies.csv.
"""

import csv
import json
import sys
from pathlib import Path

from qaml_qiskit import uncertainty

SHOTS = 1000
SMALL = {"members": ("ensemble", "laplace", "laplace-samples", "noise"), "strength": 0.005}
SHALLOW = {"members": ("laplace", "laplace-samples", "noise"), "images": 10_000, "validation": 2000}
DEEP = {"members": ("laplace", "noise"), "images": 2000, "validation": 1000, "draws": 20, "curvature_images": 300}
TABLES = {"results": "uncertainty.csv", "gains": "uncertainty-gains.csv", "anomalies": "uncertainty-anomalies.csv"}


def studies(trained):
    """The options of every study, by its name."""
    found = {}
    for data, other in (("mnist", "fashion-mnist"), ("fashion-mnist", "mnist")):
        seeds = sorted(path.parent for path in trained.glob(f"{data}-qvc200-seed*/metrics.json"))
        anomalies = ("noise", f"other:{other}")
        models = (f"{data}-qvc200", *map(str, seeds))
        found[f"{data}-ensemble"] = {"models": models, "images": 10_000, "anomalies": anomalies}
    digits = sorted(path.parent for path in trained.glob("digits-seed*/metrics.json"))
    found["digits"] = {"models": tuple(map(str, digits)), "images": 325, "anomalies": ("noise",), **SMALL}
    found["mnist-shallow24"] = {"models": ("mnist-shallow24",), "strength": 0.0005, **SHALLOW}
    found["mnist-qvc200"] = {"models": ("mnist-qvc200",), "strength": 0.0001, **DEEP}
    return found


def main(runs, out, chosen):
    """Do what is missing, and join the tables."""
    tables = {name: [] for name in TABLES}
    for name, options in studies(runs / "trained").items():
        folder = runs / name
        if (not chosen or name in chosen) and len(options["models"]) + len(options.get("members", ())) > 1:
            uncertainty(**options, shots=SHOTS, out=folder)
        if (folder / "metrics.json").is_file():
            metrics = json.loads((folder / "metrics.json").read_text())
            for table, rows in tables.items():
                rows += [{"study": name, **row} for row in metrics.get(table, [])]
    for table, rows in tables.items():
        if rows:
            with (out / TABLES[table]).open("w", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
