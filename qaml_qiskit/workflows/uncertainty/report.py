"""The tables, the picture, the arrays and the page of ``qaml uncertainty``."""

from collections.abc import Sequence

import numpy as np

from qaml_qiskit.artifacts import Run
from qaml_qiskit.deployments import Batch, Deployment
from qaml_qiskit.deployments.networks import notes_of
from qaml_qiskit.formats import npz
from qaml_qiskit.reports import Report, uncertainty_bars
from qaml_qiskit.studies import ALONE, FamilyUncertainty, uncertainty_gains
from qaml_qiskit.workflows.uncertainty.request import UncertaintyRequest

_READING = (
    "predictive_entropy = expected_entropy + model_part + shot_part, means over the images in nats: doubt about the "
    "label itself, about the model, and what more shots would end. auroc: of telling wrong labels from right ones."
)
_TEMPERATURES = (
    f"{ALONE}: the first model alone. Of every other row the temperature behind the mean of its members was fitted to "
    "the same half of the validation images as that of the first model."
)
_GAINS = (
    "difference: from the first model at its temperature, on the same images, with 95 % intervals of a paired "
    "bootstrap over them. auroc: of telling which labels of the first model are wrong, less that by its own highest "
    "probability."
)
_SHOTS = (
    "Shots scatter logits by a normal distribution, with the covariance that the exact distribution of the bitstrings "
    "gives; of draws, that of the circuit on average. Networks take no shots. Temperatures are fitted to the mean over "
    "the shots, and figures are of that mean: of what measuring again and again would say."
)
_ANOMALIES = "auroc: of telling these images from the data's own, by each measure of doubt."
_PICTURE = "Mean of the entropy's parts over images whose label is right, and over those whose label is wrong."


def write_report(
    run: Run,
    request: UncertaintyRequest,
    judged: Sequence[FamilyUncertainty],
    batch: Batch,
    models: Sequence[Deployment],
) -> None:
    """Write everything that a reader looks at, the arrays, and the metrics, which finish the run.

    Args:
        run: the run.
        request: what was asked for.
        judged: the first model alone, then every family.
        batch: the test images.
        models: that were asked.
    """
    labels, (alone, *families) = batch.labels, judged
    rows = [each.row(labels, request.shots, request.seed) for each in judged]
    gains = [row for family in families for row in uncertainty_gains(alone, family, labels, request.seed)]
    anomalies = [row for each in judged for row in each.anomaly_rows()]
    run.write("predictions.npz", npz(**_arrays(judged, batch)))
    notes = [_READING, _TEMPERATURES, *([_SHOTS] if request.shots else []), *notes_of(models)]
    report = Report(run, request.command_line(run.config), f"What {models[0].name} is unsure about")
    report.table("Uncertainty", rows, *notes, file="uncertainty.csv")
    report.picture("uncertainty.png", uncertainty_bars(_bars(judged, labels)), _PICTURE)
    report.table("Gains", gains, _GAINS, file="gains.csv")
    if anomalies:
        report.table("Images that are none of the data", anomalies, _ANOMALIES, file="anomalies.csv")
    report.finish(_lead(families, rows), rows, [*notes, _GAINS], gains=gains, anomalies=anomalies)


def _lead(families: Sequence[FamilyUncertainty], rows: Sequence[dict[str, object]]) -> str:
    told = [
        f"{row['source']}: NLL {row['nll']:.3f}, ECE {row['ece']:.3f}, {row['model_part']:.3f} nats about the model"
        for row in rows
    ]
    return f"{rows[0]['images']} images. {'; '.join(told)}."


def _arrays(judged: Sequence[FamilyUncertainty], batch: Batch) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {"labels": batch.labels, "indices": batch.indices}
    for each in judged:
        found |= {f"{name}_{each.name}": values for name, values in each.found.arrays().items()}
    return found


def _bars(
    judged: Sequence[FamilyUncertainty], labels: np.ndarray
) -> dict[str, dict[str, tuple[float, float, float] | None]]:
    """Mean parts of right and wrong labels by source; None where there is no such label."""
    found: dict[str, dict[str, tuple[float, float, float] | None]] = {}
    for each in judged:
        right = each.found.probabilities.argmax(axis=1) == labels
        parts = np.stack([each.found.expected, each.found.model, each.found.shots])
        found[each.name] = {
            name: tuple(parts[:, chosen].mean(axis=1).tolist()) if chosen.any() else None
            for name, chosen in (("right", right), ("wrong", ~right))
        }
    return found
