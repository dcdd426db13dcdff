"""The tables, pictures and page of ``qaml detect``."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.artifacts import Row, Run
from qaml_qiskit.deployments.networks import notes_of
from qaml_qiskit.evaluation import least_images
from qaml_qiskit.reports import Report, detection_strengths, roc_curves, score_histograms
from qaml_qiskit.studies import DARK, MIX, engine_notes, noise_notes
from qaml_qiskit.workflows.detect.plan import DetectPlan

_READING = (
    "evasion_rate, which counts most: the share of the suspicious images that the watched model gets wrong without an "
    "alarm. fooled: those that it gets wrong; caught_of_fooled: the share of these that raise one.",
    "false_alarms: the share of clean images that may raise an alarm, a score above the threshold, as validation "
    "images set it; empty for a detector's own rule, which promises nothing (disagreement: any two labels differ). "
    "false_positives, true_positives: alarms on clean and on suspicious test images.",
    "auroc: how often a suspicious image scores above a clean one, ties counted half (0.5: chance). tpr_at_1fpr, "
    "tpr_at_5fpr: share of the suspicious images with an alarm, where 1 % or 5 % of clean ones may raise one.",
)
_ADAPTIVE = (
    "adaptive: the share of all images that an attacker of the same strength, who knows the models, the detector and "
    "its threshold, makes wrong without an alarm; of several such attackers, and that of the row, the best for every "
    "image. Images are made through exact models, and judged as the models are deployed."
)
_CURVES = "True against false positives at every threshold, on the test images."
_SCORES = "Scores of clean and suspicious images; dashed: thresholds."
_STRENGTHS = "Share of images that raise an alarm against the strength; at 0, of clean ones. Bands: 95 % intervals."


def write_report(
    run: Run,
    plan: DetectPlan,
    rows: list[Row],
    adaptive: list[Row],
    scores: Mapping[str, Mapping[str, NDArray[np.float64]]],
) -> None:
    """Write everything that a reader looks at, and the metrics, which finish the run.

    Args:
        run: the run.
        plan: what was done.
        rows: all of them.
        adaptive: how often every attacker evades who knows the detectors; empty where none was sent.
        scores: of clean images and suspects, by the name of the detector and what the set is to a reader.
    """
    notes = [*_READING, *_notes(plan)]
    report = Report(run, plan.request.command_line(run.config), f"{plan.watched.name} watched")
    report.table("Alarms", rows, *notes, file="detect.csv")
    if adaptive:
        report.table("Attackers who know the detector", adaptive, _ADAPTIVE, file="adaptive.csv")
    report.picture("roc.png", roc_curves(scores), _CURVES, "Curves")
    thresholds = {name: [row["threshold"] for row in rows if row["detector"] == name] for name in scores}
    report.picture("scores.png", score_histograms(scores, thresholds), _SCORES, "Scores")
    if (strengths := detection_strengths(rows)) is not None:
        report.picture("strengths.png", strengths, _STRENGTHS, "Strengths")
    report.finish(_lead(plan, rows), rows, notes, **({"adaptive": adaptive} if adaptive else {}))


def _notes(plan: DetectPlan) -> Iterator[str]:
    request, judging = plan.request, len(plan.judging)
    yield (
        f"Validation: {len(plan.teaching)} images teach detectors and temperatures, {judging} others set thresholds; "
        "no model learned from them."
    )
    if judging < (least := least_images(0.01)):
        yield f"tpr_at_1fpr is empty: that threshold needs {least} validation images of its own."
    if request.adaptive:
        yield _ADAPTIVE
    if request.mix:
        strengths = ", ".join(f"{each:g}" for each in request.eps if each)
        yield (
            f"{MIX}: every image is attacked once, by one of {', '.join(request.attacks)} at one of the strengths "
            f"{strengths}, all drawn evenly (seed {request.seed})."
        )
    words = {word.partition(":")[0] for word in request.anomalies}
    if "noise" in words:
        yield "noise: every pixel is drawn evenly from 0 to 1."
    if "blank" in words:
        yield (
            f"blank: every pixel is drawn evenly from 0 to {DARK:.4f}; a wholly black image cannot be "
            "amplitude-encoded."
        )
    if "other" in words:
        yield "other: images of something else, prepared as the model's own; there is no right answer."
    if "drift" in words:
        yield "drift: the clean images, the watched model disturbed, the others as they were."
    sampled = [model for model in plan.models if plan.how.samples(model)]
    if sampled:
        count = len(plan.batch) * (1 + len(plan.attacked)) + len(plan.teaching) + judging
        yield (
            f"{', '.join(model.name for model in sampled)}: logits of {request.shots:,} shots an image, mitigation "
            f"{request.mitigation}, for all images, validation included: {count:,} beside anomalies and views. Attacks "
            "were made on exact models."
        )
        yield from noise_notes(sampled)
        yield from engine_notes(sampled)
    yield from notes_of([*plan.models, *plan.sources])


def _lead(plan: DetectPlan, rows: list[Row]) -> str:
    # Attacked images come first: that noise is told from photographs is no news.
    attacked = [row for row in rows if row["source"] is not None]
    best = max(attacked or rows, key=lambda row: float(row["auroc"]))
    strength = "" if best["eps"] is None else f" with ε = {best['eps']:g}"
    return (
        f"{len(plan.batch)} clean images, {len(plan.models)} model{'s' * (len(plan.models) > 1)}. Best told apart: "
        f"{best['attack']}{strength} by {best['detector']}, AUROC {best['auroc']:.3f}."
    )
