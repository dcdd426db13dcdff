"""The page of a run on a target. Every number comes from the run's own files."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.artifacts.run import RUN_KEYS, Run
from qaml_qiskit.circuits import OWN
from qaml_qiskit.reports import Report, accuracy_bars, add_confidence, brief_rows
from qaml_qiskit.studies import TILES_READING, TILES_TOLD, DeviceCheck, Measured
from qaml_qiskit.workflows.run.promise import add_promise
from qaml_qiskit.workflows.run.request import RunRequest

Labels = NDArray[np.integer]

_HOW = {
    "none": "left as it is",
    "readout": "the same counts, each {} freed of its own qubit's readout errors",
    "m3": "the same counts, readout errors inverted by M3 within the bitstrings that occurred",
    "trex": "readout errors twirled and divided out by the Estimator",
    "zne": "by the Estimator, extrapolated from amplified gate noise, with readout mitigation",
}


def write_run_page(
    run: Run,
    metrics: dict[str, Any],
    scored: Measured,
    labels: Labels,
    indices: Labels,
    check: DeviceCheck | None = None,
) -> str:
    """Write the pictures and the page with results, confidence, plan, jobs and resources; returns its first sentence.

    Args:
        run: the run.
        metrics: its results.
        scored: what they come from.
        labels: of the images, shape (N,).
        indices: their positions in the test set or the file, shape (N,).
        check: whether the target kept its word; None where that was not judged.
    """
    request = RunRequest.model_validate({k: v for k, v in run.config.items() if k not in RUN_KEYS})
    rows, read_as = scored.rows, scored.read_as
    config = run.config["resolved"]["model"]
    lead = "Accuracy " + ", ".join(f"{row['stage']} {row['accuracy']:.1%}" for row in rows) + "."
    if check is not None and not check.kept:
        lead += f" {check.sentence}"
    bars = {row["stage"]: [(row["accuracy"], *row["interval"])] for row in rows}
    picture = accuracy_bars([request.target], bars, chance=1 / config["num_classes"])
    circuit = "a circuit of one's own" if config.get("ansatz") == OWN else f"{config['num_layers']} layers"
    rule = run.config["resolved"].get("inference")
    shots = f"{request.shots} shots an image" + ("" if rule is None else f" and draw ({rule})")
    text = (
        f"{rows[0]['images']} images, {shots}, {circuit}. Ideal: exact, "
        f"without shots. Raw: counts from {request.target}. Mitigated: {_HOW[request.mitigation].format(read_as)}."
    )
    reading = (
        "interval: 95 %, of the accuracy expected at this number of shots: for ideal values Wilson's over the images; "
        "for measured ones a bootstrap over images, shots and the calibration's shots, never narrower than Wilson's. "
        "endless_interval: 95 %, of the accuracy that endless shots would give on this target, followed back from the "
        "accuracy under added shot noise. z_error: root mean square distance of "
        f"{read_as} from the ideal value. slope: of measured against ideal {read_as}; 1 is unbiased, less is damped by "
        "noise, more is overcorrected. standard_error: "
        "the part of z_error that the finite number of shots explains, those of the calibration included, and that of "
        "draws where there are some. "
        "uncertain_labels: labels whose lead is below 1.96 of its standard error."
    )
    figures = [{"figure": name, "value": value} for name, value in metrics["plan"].items() if name != "assumptions"]
    recipe = f"Compiled once with recipe {request.recipe}."
    report = Report(run, request.command_line(run.config), f"A QVC on {request.target}")
    report.table("Accuracy", brief_rows(rows), text, *metrics["notes"], reading)
    report.csv("results.csv", rows)
    report.picture("accuracy.png", picture, "Accuracy at every stage; bars: 95 % intervals.")
    if scored.tiles:
        report.table("By tile", scored.tiles, TILES_TOLD[request.tile_images], TILES_READING, file="tiles.csv")
    add_confidence(report, scored.probabilities, labels, indices)
    add_promise(report, check)
    report.table("Plan", figures, *metrics["plan"]["assumptions"])
    report.table("Jobs", metrics["jobs"], "As the ledger knows them.")
    report.table("Circuit resources", metrics["resources"], recipe, file="resources.csv")
    report.write(lead)
    return lead
