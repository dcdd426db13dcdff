"""Whether a line by margins pays: `blame.csv`, a row a classifier, device and recipe.

    python runs/reference/study/blame.py runs/reference/blame.csv

Some minutes of CPU time, most of them for the weights of the recipe `margin`. Rows whose weights are of 40 images, made
before the recipe's number was settled, are kept as they are.
"""

import csv
import sys
from pathlib import Path

import qaml_qiskit as qaml
from qaml_qiskit.deployments import OnTarget
from qaml_qiskit.execution import survival

MODELS = [f"{data}-shallow{layers}" for data in ("mnist", "fashion-mnist") for layers in (12, 24)]
DEVICES = ["fake-fez", "fake-torino", "fake-sherbrooke"]
IMAGES, SHOTS, WEIGHED = 200, 1000, {"line": "", "margin": "100"}


def rows(model: str, recipe: str) -> list[dict[str, str]]:
    """Of one classifier, as ``qaml forecast`` has them."""
    asked = {"recipe": recipe, "images": IMAGES, "shots": SHOTS, "mitigation": ["none", "readout"]}
    results = qaml.forecast(model, target=DEVICES, **asked).results
    bare = qaml.deploy(model)
    found = []
    for target in DEVICES:
        compiled = bare.at(OnTarget(target, recipe=recipe)).compiled
        own = [row for row in results if row["target"] == target]
        reached = {f"{row['mitigation']}_{row['shots'] or 'endless'}": f"{row['accuracy']:.4g}" for row in own}
        found.append(
            {
                "model": model,
                "target": target,
                "recipe": recipe,
                "weighed_images": WEIGHED[recipe],
                "line": "-".join(map(str, compiled.isa.layout.final_index_layout())),
                "gate_survival": f"{own[0]['gate_survival']:.4g}",
                "readout_survival": f"{survival(compiled.isa, compiled.target.isa)[1]:.4g}",
                "images": str(IMAGES),
                "ideal_accuracy": f"{own[0]['ideal_accuracy']:.4g}",
                "slope": f"{own[-1]['slope']:.4g}",
                **reached,
            }
        )
    return found


path, *models = Path(sys.argv[1]), *sys.argv[2:]
kept = list(csv.DictReader(path.open())) if path.exists() else []
key = ("model", "target", "recipe", "weighed_images")
made = {tuple(row[name] for name in key): row for row in kept}
for model in models or MODELS:
    for recipe in WEIGHED:
        made |= {tuple(row[name] for name in key): row for row in rows(model, recipe)}
with path.open("w", newline="") as file:
    table = csv.DictWriter(file, next(iter(made.values())), lineterminator="\n")
    table.writeheader()
    table.writerows(made.values())
