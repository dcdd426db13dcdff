"""What doubt catches on X-rays and connections: collects runs into abstention.csv; the commands are in abstention.md.

Usage: QAML_DATA_DIR=… python abstention.py cases FOLDER   two shuffled parts of each test part, as files
       python abstention.py collect FOLDER                  the runs of `qaml detect`, `calibrate` and `conformal` there

Of alarms, what `qaml detect` keeps of every image is counted further: how many of the clean images that the model gets
wrong raise an alarm, and how many of those that it got right until the attack turned them; how often a label is right
where none is given with an alarm, or where the second model gives it then.
"""

import json
import sys
from pathlib import Path

import numpy as np

from qaml_qiskit.deployments import deploy, load_batch
from qaml_qiskit.evaluation import Proportion
from qaml_qiskit.reports import to_csv

HERE = Path(__file__).parents[1]
#: Images of the whole test part, of its local validation, and of the cases that are judged.
PARTS = {"pneumonia-qvc100": (468, 234, 234), "nsl-kdd-qvc40": (22544, 2000, 1000)}
#: What is taken over of a row as it is.
OF_ALARMS = ("detector", "source", "attack", "eps", "false_alarms", "auroc", "auroc_interval", "images")
RATES = ("false_positive_rate", "true_positive_rate", "evasion_rate", "adaptive")
OF_PROBABILITIES = (
    "stage",
    "method",
    "attack",
    "eps",
    "images",
    "accuracy",
    "nll",
    "ece",
    "ece_interval",
    "temperature",
)
OF_SETS = ("alpha", "score", "radius", "coverage", "interval", "attacked_coverage", "attacked_interval")


def write_cases(folder: Path) -> None:
    """Draw validation images and cases from each test part."""
    for name, (whole, local, cases) in PARTS.items():
        batch = load_batch(str(whole), [deploy(name)], None)
        order = np.random.default_rng(0).permutation(whole)
        for part, rows in (("local", order[:local]), ("cases", order[local : local + cases])):
            np.savez(folder / f"{name}-{part}.npz", images=batch.images.numpy()[rows], labels=batch.labels[rows])


def collect(folder: Path) -> None:
    """Write a row for every alarm rule or set, and every set of images."""
    rows = []
    for path in sorted(folder.glob("*/metrics.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        of = {"detect": alarms, "calibrate": probabilities, "conformal": sets}[told["command"]]
        rows += [{"run": path.parent.name, **row} for row in of(path.parent, told["results"])]
    (HERE / "abstention.csv").write_text(to_csv([_rounded(row) for row in rows]), encoding="utf-8")


def probabilities(run: Path, results: list[dict]) -> list[dict]:
    """Calibration, with and without attack."""
    return [{name: row[name] for name in OF_PROBABILITIES} for row in results]


def sets(run: Path, results: list[dict]) -> list[dict]:
    """Of two classes, a set that is not one class asks a human."""
    rows = []
    for row in results:
        asked = share("asked", round((1 - row["singletons"]) * row["images"]), row["images"])
        rows.append({"images": row["images"], **{name: row[name] for name in OF_SETS}, **asked})
    return rows


def alarms(run: Path, results: list[dict]) -> list[dict]:
    """What raises an alarm of the suspicious images, of clean ones, and of those that are wrong."""
    kept = np.load(run / "scores.npz")
    labelled = [str(key) for key in kept["sets"] if f"labels/{key}" in kept]
    wrong = {key: kept[f"logits/{key}"][0].argmax(1) != kept[f"labels/{key}"] for key in labelled}
    # Rows and sets are in one order for each detector; the first two sets are validation and clean images.
    suspects = [str(key) for key in kept["sets"]][2:]
    rows, places = [], {}
    for row in results:
        told = {name: row[name] for name in OF_ALARMS}
        for name in RATES:
            interval = f"{name.removesuffix('_rate')}_interval"
            told |= {name: row[name], interval: row[interval]}
        rule = row["detector"], row["false_alarms"]
        key = suspects[places.setdefault(rule, 0)]
        places[rule] += 1
        alarm = {name: kept[f"scores/{row['detector']}/{name}"] > row["threshold"] for name in ("clean", key)}
        if alarm[key].sum() != row["true_positives"]:
            raise SystemExit(f"{run}: {key} is not what the row of {rule} is about")
        missed = wrong["clean"]
        told |= {"wrong_clean": int(missed.sum())}
        told |= share("caught_of_wrong_clean", alarm["clean"][missed].sum(), missed.sum())
        if row["source"] is not None:
            turned = wrong[key] & ~missed
            told |= {"turned": int(turned.sum()), **share("caught_of_turned", alarm[key][turned].sum(), turned.sum())}
            told |= {"fooled": row["fooled"], "caught_of_fooled": row["caught_of_fooled"]}
        for part, name in (("clean", "clean"), (key, "attacked")):
            if name == "clean" or row["source"] is not None:
                quiet, right = ~alarm[part], ~wrong[part]
                told |= share(f"answered_{name}_right", (quiet & right).sum(), quiet.sum())
                if len(kept["models"]) > 1:
                    second = kept[f"logits/{part}"][1].argmax(1) == kept[f"labels/{part}"]
                    told |= share(f"fallback_{name}_right", np.where(quiet, right, second).sum(), len(right))
        rows.append(told)
    return rows


def share(name: str, count: int, of: int) -> dict:
    """A share and its 95 % interval."""
    if not of:
        return {name: None, f"{name}_interval": None}
    found = Proportion(int(count), int(of))
    return {name: found.value, f"{name}_interval": list(found.interval)}


def _rounded(row: dict) -> dict:
    """Four decimals of everything."""
    shown = {
        name: [round(end, 4) for end in value] if isinstance(value, list) else value for name, value in row.items()
    }
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in shown.items()}


if __name__ == "__main__":
    {"cases": write_cases, "collect": collect}[sys.argv[1]](Path(sys.argv[2]))
