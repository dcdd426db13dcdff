"""What ``qaml decide`` writes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from qaml_qiskit.artifacts import Row, Run
from qaml_qiskit.artifacts.codecs import ARRAYS
from qaml_qiskit.confidence import PolicyAnswers, SequentialRule
from qaml_qiskit.deployments import Batch
from qaml_qiskit.evaluation import risk_coverage, selective_figures
from qaml_qiskit.execution.costs import JOB_OVERHEAD, REP_DELAY
from qaml_qiskit.reports import Brief, Outcome, Report, policy_figure
from qaml_qiskit.studies import PolicyScoring, PolicyThresholds
from qaml_qiskit.workflows.decide.request import DecideRequest

#: What every image got, beside the report.
DECISIONS = "decisions"
#: Columns of the table that people are shown first.
_SHOWN = (
    "policy",
    "coverage",
    "accuracy",
    "interval",
    "shots",
    "times_fewer_shots",
    "qpu_seconds",
    "times_fewer_seconds",
    "by_fallback",
    "early_errors",
    "promised",
)
_COVERAGE = 0.9


@dataclass(frozen=True)
class Decided:
    """All policies on the same shots.

    Attributes:
        name: of the deployment.
        batch: the images.
        rule: that calls labels certain.
        learned: from validation images.
        scoring: compares with labels.
        answers: by policy.
    """

    name: str
    batch: Batch
    rule: SequentialRule
    learned: PolicyThresholds
    scoring: PolicyScoring
    answers: Mapping[str, PolicyAnswers]


def brief(outcome: Outcome) -> Brief:
    """The columns that fit a terminal; the others are in the rows."""
    rows = [{name: row[name] for name in _SHOWN} for row in outcome.results]
    return Brief(rows, dict(outcome.tables), outcome.notes)


def write(run: Run, request: DecideRequest, decided: Decided) -> None:
    """The tables, the picture, what every image got, and the metrics."""
    rows, fixed, selective = [*decided.scoring.rows(decided.answers)], decided.scoring.fixed_rows(), _selective(decided)
    run.keep(DECISIONS, _arrays(decided), ARRAYS)
    notes = _notes(request, decided)
    report = Report(run, request.command_line(run.config), f"{decided.name}: what to do about doubtful images")
    report.table("Policies", [{name: row[name] for name in _SHOWN} for row in rows], *notes)
    report.csv("policies.csv", rows)
    caption = (
        "Left: risk against coverage where the least sure images are left out first, after some rounds. Right: "
        "accuracy against shots; the line and its 95 % band: the same shots for every image. Points: the policies."
    )
    report.picture("policies.png", _picture(decided, rows, fixed), caption)
    if fixed:
        report.table(
            "The same shots for every image",
            fixed,
            "A policy is worth its rounds where it lies above this table at its own mean shots.",
            file="fixed_budgets.csv",
        )
    report.table(
        "Risk and coverage",
        selective,
        "aurc: mean risk over all coverages; excess_aurc: what of it the order of the confidences is to blame for.",
        file="risk_coverage.csv",
    )
    report.finish(_lead(rows), rows, notes, fixed_budgets=fixed, selective=selective)


def _lead(rows: list[Row]) -> str:
    told = [
        f"{row['policy']} {row['accuracy']:.1%} of {row['coverage']:.0%} with {row['shots']:.0f} shots"
        for row in rows
        if row["accuracy"] is not None
    ]
    return f"{rows[0]['images']} images. Accuracy of what is answered: {'; '.join(told)}."


def _selective(decided: Decided) -> list[Row]:
    """AURC after every round, by the highest probability, of the first repetition."""
    trail, labels = decided.scoring.trail, decided.scoring.labels
    found = []
    for place, shots in enumerate(trail.rounds if decided.scoring.whole else ()):
        sure = 1 - decided.learned.doubts(trail.logits[0, :, place])
        figures = selective_figures(sure, trail.labels[0, :, place] == labels, coverage=_COVERAGE)
        found.append({"shots": shots, **figures.row()})
    return found


def _picture(decided: Decided, rows: list[Row], fixed: list[Row]) -> bytes:
    trail, labels = decided.scoring.trail, decided.scoring.labels
    places = sorted({0, len(trail.rounds) // 2, len(trail.rounds) - 1}) if decided.scoring.whole else []
    curves = {}
    for place in places:
        # All repetitions together: the curve of a shot experiment of this kind.
        sure = 1 - decided.learned.doubts(trail.logits[:, :, place])
        curve = risk_coverage(sure.ravel(), (trail.labels[:, :, place] == labels).ravel())
        curves[f"{trail.rounds[place]:,} shots"] = (curve.coverage, curve.risk)
    points = {
        row["policy"]: (row["coverage"], row["accuracy"], row["shots"]) for row in rows if row["accuracy"] is not None
    }
    return policy_figure(curves, [(row["shots"], row["accuracy"], *row["interval"]) for row in fixed], points)


def _arrays(decided: Decided) -> dict[str, np.ndarray]:
    """By policy, for every repetition and image: label, −1 for none, and shots; with all that they are compared to."""
    scoring, trail = decided.scoring, decided.scoring.trail
    found = {
        "labels": scoring.labels,
        "indices": decided.batch.indices,
        "endless": scoring.endless,
        "rounds": np.array(trail.rounds),
        "confidence": 1 - decided.learned.doubts(trail.logits[:, :, -1]),
    }
    for name, each in decided.answers.items():
        key = name.replace(", ", "_").replace("-", "_")
        found[f"label_{key}"] = np.where(each.answered, each.labels, -1)
        found[f"shots_{key}"] = np.array(trail.rounds)[each.places]
    return found


def _notes(request: DecideRequest, decided: Decided) -> list[str]:
    rule, learned, policies = decided.rule, decided.learned, {*request.policy}
    delta = 1 - rule.confidence
    notes = [
        f"Rounds end at {', '.join(f'{each:,}' for each in rule.rounds)} shots an image. accuracy: of what is "
        "answered; interval: 95 %, over the images.",
    ]
    if "sequential" in policies:
        notes.append(
            f"sequential: a label is given early once it is certain by a test ({rule.test}) over all rounds. "
            f"Of every image, whatever it is, with a probability of {rule.confidence:.6g} at least no label that is "
            "given early differs from the one of endless shots of the same noisy device; that one need not be the "
            f"true label. early_errors counts such labels among all images; promised is {delta:.6g}."
        )
    if "more-shots" in policies:
        count = learned.temperature.images
        ends = (
            "nothing stops early"
            if np.isinf(learned.lead)
            else f"rounds end at a lead of {learned.lead:.3g} standard errors"
        )
        notes.append(
            f"more-shots: {ends}, the least at which a label that is given early differs from that of the whole budget "
            f"with a probability of at most {delta:.6g}, on average over images, by {count} validation "
            "images (conformal risk control). A single image has no promise."
        )
    if {"abstain", "fall-back"} & policies:
        notes.append(
            "abstain, fall-back: after the whole budget, images whose highest probability is below "
            f"{1 - learned.doubt:.3g} are doubtful: at most {request.doubtful:.3g} of clean ones, by the validation "
            "images."
        )
    notes.append(
        f"qpu_seconds: as on a device with these gate times, {REP_DELAY * 1e6:g} µs between executions and "
        f"{JOB_OVERHEAD:g} s a job; every round is a job, the fixed budget one. No calibration is counted."
    )
    if request.mitigation == "readout":
        notes.append("Readout errors are those that the target states; on a device they are measured, and drift.")
    return notes
