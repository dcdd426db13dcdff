"""How far every image is from another label, exactly: the work behind ``qaml certify``."""

from pathlib import Path
from typing import Any

import numpy as np

from qaml_qiskit.artifacts.fingerprints import digest
from qaml_qiskit.artifacts.opening import open_run
from qaml_qiskit.artifacts.outcome import Brief, Outcome, Row
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.certificates import DecisionForms, decompose
from qaml_qiskit.deployments import Deployment, deploy, load_batch, parse_deployment
from qaml_qiskit.deployments.forms import QuadraticForms
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.reports import Report, certified_curves
from qaml_qiskit.workflows.certify.request import CertifyRequest
from qaml_qiskit.workflows.certify.rows import accuracy_rows, certify_chunk, summary_row

#: Images certified between two files: what a kill can lose.
_CHUNK = 250
_FIRST_ROWS = 20
_NOTE = (
    "radius: exact in l2, over all images, pixels outside [0, 1] included. linf_lower and linf_upper: bounds, over "
    "images in [0, 1]. Exact expectation values, as endless shots would give them."
)


def certify(
    request: CertifyRequest,
    *,
    out: Path | None = None,
    data_dir: Path | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Certify the labels of images, and check every certificate by a witness and an attack.

    What is finished is kept every 250 images; a run that was killed goes on there.

    Raises:
        QamlError: the request cannot be served; for example a model whose logits are no quadratic forms of the image.
    """
    progress = progress or Silent()
    deployment = deploy(*parse_deployment(request.model, noise=request.noise, strength=request.strength))
    deployment.check_forms()
    batch = load_batch(request.images, [deployment], data_dir)
    images, labels = batch.images, batch.labels
    resolved = {"weights": deployment.weights_digest, "images": digest(images)}
    with open_run("certify", request, resolved, out) as run:
        if run.complete:
            return Outcome.of(run, "summary", "certified_accuracy", brief=_brief)
        chunks = [slice(start, min(start + _CHUNK, len(labels))) for start in range(0, len(labels), _CHUNK)]
        kept = [run.kept_json(_file(chunk)) for chunk in chunks]
        parts: list[dict[str, Any]] = [part for part in kept if part is not None]
        missing = [chunk for chunk, part in zip(chunks, kept, strict=True) if part is None]
        if missing:
            prepared, forms = _prepare(deployment, progress)
            done = sum(len(part["rows"]) for part in parts)
            with progress.task("certifying", len(labels), done) as advance:
                for chunk in missing:
                    part = certify_chunk(prepared, forms, images[chunk], labels[chunk], chunk.start, request.seed)
                    run.keep_json(_file(chunk), part)
                    parts.append(part)
                    advance(len(part["rows"]))
        rows = sorted((row for part in parts for row in part["rows"]), key=lambda row: row["index"])
        _write(run, request, rows, 1e3 * sum(part["seconds"] for part in parts) / len(rows))
        return Outcome.of(run, "summary", "certified_accuracy", brief=_brief)


def _brief(outcome: Outcome) -> Brief:
    # The rows of all images are in certificates.csv; a terminal gets what they come to.
    levels = {"Certified accuracy": outcome.tables["certified_accuracy"]}
    return Brief(outcome.tables["summary"], levels, outcome.notes)


def _file(chunk: slice) -> str:
    return f"chunks/{chunk.start:06d}.json"


def _prepare(deployment: Deployment, progress: Progress) -> tuple[QuadraticForms, DecisionForms]:
    """The one-off work: the matrices and the spectrum of every pair of classes."""
    progress.say("computing the quadratic forms")
    prepared = deployment.forms()
    pairs = len(prepared.matrices) * (len(prepared.matrices) - 1) // 2
    with progress.task("decomposing pairs of classes", pairs) as advance:
        return prepared, decompose(prepared.matrices, advance)


def _write(run: Run, request: CertifyRequest, rows: list[Row], milliseconds: float) -> None:
    summary, levels = summary_row(rows), accuracy_rows(rows)
    noise = f" under {request.noise} of strength {request.strength:g}" if request.noise else ""
    median = summary["median_radius"]
    lead = f"{len(rows)} images{noise}. Accuracy {summary['accuracy']:.1%}" + (
        f", median l2 radius {median:.3g}." if median is not None else "."
    )
    notes = [_NOTE, f"Exact radii took {milliseconds:.1f} ms an image, after the one-off work for the model."]
    levels_text = "certified: share of the images that no such perturbation fools. attacked: what the attack leaves."
    caption = "Left and middle: share of images still right, certainly and after an attack. Right: exact l2 radii."
    report = Report(run, request.command_line(run.config), f"{request.model}, certified{noise}")
    report.csv("certificates.csv", rows)
    report.table("Summary", [summary], *notes)
    report.table("Certified accuracy", levels, levels_text)
    picture = certified_curves(*_series(rows), accuracy=summary["accuracy"])
    report.picture("certificates.png", picture, caption)
    report.table("First images", rows[:_FIRST_ROWS], "All images are in certificates.csv.")
    report.finish(lead, rows, notes, summary=[summary], certified_accuracy=levels)


def _series(rows: list[Row]) -> tuple[list[float], list[float], list[tuple[float, float]]]:
    def value(row: Row, name: str) -> float:
        return np.inf if row[name] is None else float(row[name])

    bounds = [(value(row, "linf_lower"), value(row, "linf_upper")) for row in rows]
    return [value(row, "radius") for row in rows], [value(row, "attack") for row in rows], bounds
