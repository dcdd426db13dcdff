"""Collects runs of `qaml calibrate` into calibration.csv and calibration.png; their commands are in calibration.md.

Usage: python runs/reference/study/calibration.py FOLDER, with the runs as folders in it.
"""

import csv
import json
import sys
from pathlib import Path

from qaml_qiskit.artifacts.opening import load_run
from qaml_qiskit.reports import reliability_diagram, to_csv

HERE = Path(__file__).parents[1]
#: What the picture shows: clean images, whatever the condition.
PANELS = (
    "ideal-mnist-qvc200",
    "ideal-mnist-qvc1000",
    "ideal-fashion-mnist-qvc200",
    "ideal-fashion-mnist-qvc1000",
    "ideal-mnist-shallow24",
    "fez-mnist-shallow24",
)


def main(folder: Path) -> None:
    """Write both files."""
    rows = []
    for path in sorted(folder.glob("*/metrics.json")):
        run = load_run(path.parent, "calibrate")
        config = run.config
        noise = f"{config['noise']}:{config['strength']:g}" if config.get("noise") else None
        condition = config.get("target") or noise or "ideal"
        for row in json.loads(path.read_text(encoding="utf-8"))["results"]:
            rows.append({"model": config["model"], "condition": condition, **row})
    (HERE / "calibration.csv").write_text(to_csv(rows), encoding="utf-8")
    there = [name for name in PANELS if (folder / name / "metrics.json").is_file()]
    panels = {name: _series(folder / name) for name in there}
    (HERE / "calibration.png").write_bytes(reliability_diagram(panels))


def _series(run: Path) -> dict[str, list[dict[str, object]]]:
    """Bins of equal width of the clean images, by the name of the series."""
    found: dict[str, list[dict[str, object]]] = {}
    for row in csv.DictReader((run / "reliability.csv").read_text(encoding="utf-8").splitlines()):
        if row["attack"] == "none" and row["binning"] == "equal width":
            called = row["method"] if row["stage"] == "recalibrated" else row["stage"]
            numbers = {name: float(row[name]) for name in ("images", "confidence", "accuracy")}
            interval = [float(row["interval_low"]), float(row["interval_high"])]
            found.setdefault(called, []).append({**numbers, "interval": interval})
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]))
