"""The tables, pictures, arrays and page of ``qaml calibrate``."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.artifacts import AdversarialImages, Row, Run
from qaml_qiskit.artifacts.codecs import json_text
from qaml_qiskit.confidence.kept import RECALIBRATIONS_FILE, recalibrations_document
from qaml_qiskit.deployments import Batch, Deployment
from qaml_qiskit.deployments.networks import notes_of
from qaml_qiskit.formats import npz
from qaml_qiskit.reports import Report, reliability_diagram
from qaml_qiskit.studies import JudgedProbabilities, engine_notes, noise_notes, readout_notes
from qaml_qiskit.workflows.calibrate.request import CalibrateRequest

#: The name of the images that nothing was done to.
CLEAN = "clean"
_READING = (
    "raw: softmax of the logits at a temperature of 1, which means nothing, as logits have a scale of their own. "
    "trained: at the temperature that belongs to the model's ideal logits."
)
_FITTED = "recalibrated: fitted to the logits of {count} validation images{where}, which the model did not learn from."
_FIGURES = (
    "ece: how far the confidence is from the accuracy on average, in {bins} bins of equal width; ece_adaptive: in bins "
    "of equal numbers of images. Chance alone makes them larger than 0; their intervals allow for that, and begin at 0 "
    "where the probabilities may be exact. brier: the sum over all classes. nll: in nats. Intervals are for 95 %, over "
    "other images."
)
_ATTACKED = "Attacked images are judged by what was fitted to clean ones: a user does not know that there is an attack."
_SAMPLED = "Sampled with {shots:,} shots an image and mitigation {mitigation}, of validation images and of those here."
_ENDLESS = (
    "On the target: the whole circuit with the device's own noise and endless shots, computed exactly; its readout "
    "errors {what}."
)
_FEW_ON_TARGET = (
    "On a target every image costs a simulation of its own, so that 1,000 validation images are taken of all."
)
_IMPOSSIBLE = "{name}: {count} images have a probability of 0 for their own class; in nll each counts as 708."
_SMALL = "isotonic was fitted to {count} images; below 1,000 its staircases follow chance."
_ENOUGH_FOR_STAIRCASES = 1000
_DIAGRAM = (
    "How often the most probable class is right, against its probability, and the share of the images in each bin. "
    "Bars: 95 % intervals; the larger a point, the more images. On the dashed line probabilities are what they say."
)


@dataclass(frozen=True)
class ScoredImages:
    """A set of images, and everything that was found of it.

    Attributes:
        batch: the images.
        made: which attack made them; None for clean ones.
        logits: shape (N, m).
        judged: its probabilities, one for every way to make them.
    """

    batch: Batch
    made: AdversarialImages | None
    logits: NDArray[np.floating]
    judged: Sequence[JudgedProbabilities]


def write_report(
    run: Run,
    request: CalibrateRequest,
    deployment: Deployment,
    scored: Mapping[str, ScoredImages],
    validation: Batch | None,
) -> None:
    """Write everything that a reader looks at, what was fitted, and the metrics, which finish the run.

    Args:
        run: the run.
        request: what was asked for.
        deployment: whose probabilities they are.
        scored: by the names of the sets; the clean images come first.
        validation: what the recalibrations were fitted to; None where none was.
    """
    rows = [_row(each, judged) for each in scored.values() for judged in each.judged]
    notes = [*_notes(request, deployment, scored, validation)]
    fitted = {each.way.method: each.way.recalibration for each in scored[CLEAN].judged if _is_fitted(each)}
    kept = {name: each for name, each in fitted.items() if each is not None}
    run.write(RECALIBRATIONS_FILE, json_text(recalibrations_document(kept)))
    run.write("predictions.npz", npz(**_arrays(scored)))
    report = Report(run, request.command_line(run.config), f"{deployment.name}, calibrated")
    report.table("Calibration", rows, *notes, file="calibration.csv")
    panels = {_title(each): {one.way.name: one.rows["equal width"] for one in each.judged} for each in scored.values()}
    report.picture("reliability.png", reliability_diagram(panels), _DIAGRAM)
    report.csv("reliability.csv", [*_bins(scored)])
    report.finish(_lead(rows), rows, notes)


def _is_fitted(judged: JudgedProbabilities) -> bool:
    return judged.way.stage == "recalibrated"


def _row(scored: ScoredImages, judged: JudgedProbabilities) -> Row:
    return {"stage": judged.way.stage, "method": judged.way.method, **_attack(scored.made), **judged.row()}


def _attack(made: AdversarialImages | None) -> Row:
    if made is None:
        return {"attack": "none", "eps": 0.0}
    return {"attack": made.provenance.attack, "eps": made.provenance.eps}


def _title(scored: ScoredImages) -> str:
    return "clean images" if scored.made is None else scored.made.provenance.told


def _bins(scored: Mapping[str, ScoredImages]) -> Iterator[Row]:
    """The rows of all diagrams, in both kinds of bins."""
    for each in scored.values():
        for judged in each.judged:
            for binning, rows in judged.rows.items():
                for row in rows:
                    way = {"stage": judged.way.stage, "method": judged.way.method}
                    yield {**way, **_attack(each.made), "binning": binning, **row}


def _arrays(scored: Mapping[str, ScoredImages]) -> dict[str, np.ndarray]:
    """Logits and probabilities of clean images by plain names, of attacked ones with the attack behind these."""
    first = scored[CLEAN].batch
    arrays: dict[str, np.ndarray] = {"labels": first.labels, "indices": first.indices}
    for name, each in scored.items():
        behind = "" if name == CLEAN else f"_{name}"
        arrays[f"logits{behind}"] = each.logits
        arrays |= {f"probabilities_{judged.way.name}{behind}": judged.probabilities for judged in each.judged}
    return arrays


def _notes(
    request: CalibrateRequest, deployment: Deployment, scored: Mapping[str, ScoredImages], validation: Batch | None
) -> Iterator[str]:
    where = "" if request.is_ideal else " under the same condition"
    yield _READING if validation is None else f"{_READING} {_FITTED.format(count=len(validation), where=where)}"
    yield _FIGURES.format(bins=request.bins)
    if request.attack:
        yield _ATTACKED
    if request.shots is not None:
        yield _SAMPLED.format(shots=request.shots, mitigation=request.mitigation)
    elif deployment.kind == "device":
        yield _ENDLESS.format(what="stay" if request.mitigation == "none" else "inverted")
    if deployment.kind == "device" and request.validation is None and validation is not None:
        yield _FEW_ON_TARGET
    if validation is not None and "isotonic" in request.method and len(validation) < _ENOUGH_FOR_STAIRCASES:
        yield _SMALL.format(count=len(validation))
    for each in scored.values():
        for judged in each.judged:
            if judged.figures.impossible:
                yield _IMPOSSIBLE.format(name=f"{judged.way.name}, {_title(each)}", count=judged.figures.impossible)
    yield from notes_of([deployment])
    if deployment.kind == "device":
        yield from readout_notes([deployment])
        yield from noise_notes([deployment])
        if request.shots is not None:
            yield from engine_notes([deployment])


def _lead(rows: Sequence[Row]) -> str:
    clean = [row for row in rows if row["attack"] == "none"]
    errors = ", ".join(f"{_called(row)} {row['ece']:.3f}" for row in clean)
    return f"{clean[0]['images']} images, {clean[0]['accuracy']:.1%} of them right. Calibration error: {errors}."


def _called(row: Row) -> str:
    return str(row["method"] if row["stage"] == "recalibrated" else row["stage"])
