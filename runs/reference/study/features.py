"""Collects runs of `qaml attack --targets` and of their students into features.csv and features.png; see features.md.

Usage: python runs/reference/study/features.py FOLDER, with the runs as folders in it: a student's data set is the path
of a training file of an attack there.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from qaml_qiskit.artifacts import load_run
from qaml_qiskit.evaluation import Proportion
from qaml_qiskit.formats import read_arrays
from qaml_qiskit.reports import accuracy_bars, to_csv

HERE = Path(__file__).parents[1]
MODELS = {"convnet": "ConvNet", "qvc": "QVC200", "qvc200": "QVC200", "quadratic": "form"}


def main(folder: Path) -> None:
    """Write both files."""
    rows = [row(folder, path.parent) for path in sorted(folder.glob("student-*/metrics.json"))]
    rows.sort(key=lambda each: (each["targets"] != "random", each["source"], each["student"]))
    (HERE / "features.csv").write_text(to_csv(rows), encoding="utf-8")
    shown = [each for each in rows if each["targets"] == "random"]
    names = [told(str(each["source"]), str(each["student"])) for each in shown]
    bars = {"learned from its perturbations": [(each["test_accuracy"], *each["interval"]) for each in shown]}
    (HERE / "features.png").write_bytes(accuracy_bars(names, bars, 0.1, "attacked model to student, random targets"))


def told(source: str, student: str) -> str:
    """Who was attacked and who learned, in three short lines."""
    data, _, attacked = source.rpartition("-")
    shown = data.replace("fashion-mnist", "Fashion").replace("mnist", "MNIST")
    return f"{shown}\n{MODELS[attacked]} to\n{MODELS[student]}"


def row(folder: Path, path: Path) -> dict[str, Any]:
    """One student, with what it learned from."""
    student = load_run(path, "train")
    attack = load_run(folder / Path(student.config["dataset"]).parents[1], "attack")
    tested, led = student.metrics()["results"][-1], attack.metrics()["results"][0]
    arrays = read_arrays(
        path / "predictions.npz", ("logits", "labels"), (), source="predictions", expected="", remedy=""
    )
    said, labels = arrays["logits"].argmax(1), arrays["labels"]
    shifted = Proportion(int((said == (labels + 1) % arrays["logits"].shape[1]).sum()), len(np.asarray(labels)))
    return {
        "targets": attack.config["targets"],
        "source": attack.config["model"],
        "eps": led["eps"],
        "train_images": led["images"],
        "target_rate": led["target_rate"],
        "target_interval": led["target_interval"],
        "student": student.config["model"],
        "epochs": student.config["epochs"],
        "test_accuracy": tested["test_accuracy"],
        "interval": tested["interval"],
        "next_class": shifted.value,
        "next_interval": list(shifted.interval),
        "test_images": tested["images"],
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
