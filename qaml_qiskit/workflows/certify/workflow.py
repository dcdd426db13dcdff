"""How far every image is from another label, exactly: the work behind ``qaml certify``."""

from pathlib import Path

import numpy as np

from qaml_qiskit.artifacts import Row, Run, digest, open_pool, open_run
from qaml_qiskit.certificates import shot_margins
from qaml_qiskit.compute import DEFAULT_COMPUTE, Compute
from qaml_qiskit.deployments import Deployment, OnTarget, UnderNoise, deploy, load_batch, parse_deployment
from qaml_qiskit.deployments.forms import highest_margins
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.reports import Brief, Outcome, Report, certified_curves
from qaml_qiskit.simulation import computing
from qaml_qiskit.studies import Certified, ShotPromise, certified_accuracy, certify_batch, summary_of
from qaml_qiskit.workflows.calling import takes
from qaml_qiskit.workflows.certify.request import CertifyRequest
from qaml_qiskit.workflows.certify.smoothing import certify_smoothed_images

_FIRST_ROWS = 20
_NOTE = (
    "radius: exact in l2, over all images, pixels outside [0, 1] included. linf_lower and linf_upper: bounds, over "
    "images in [0, 1]. Exact expectation values, as endless shots would give them."
)
_NOTE_OF_SHOTS = (
    "radius_shots: exact in l2, of the images nearer than which {} shots give the right label with a probability of at "
    "least {:g}, as raw counts do. It asks for a margin of {} over every other class (Hoeffding, and a union bound); "
    "usually less is needed."
)
_NOTE_ON_TARGET = (
    "On the target: the noise of the layers and the readout, which are compiled without the encoding; the encoding is "
    "taken as noiseless."
)


@takes(CertifyRequest)
def certify(
    request: CertifyRequest,
    *,
    out: Path | None = None,
    data_dir: Path | None = None,
    backends: Path | None = None,
    compute: Compute = DEFAULT_COMPUTE,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Certify the labels of images, and check every certificate by a witness and an attack; or by randomised smoothing.

    What is finished is kept every 250 images, of smoothing every 25; a run that was killed goes on there.

    Raises:
        QamlError: the request cannot be served; for example an exact certificate of a model whose logits are no
            quadratic forms of the image.
    """
    opening = open_pool(workers, scheduler)
    name, condition = parse_deployment(
        request.model, noise=request.noise, strength=request.strength, recipe=request.recipe
    )
    deployment = deploy(name, condition, backends=backends, compute=compute)
    if request.method == "exact":
        deployment.check_forms()
        if request.shots is not None:
            deployment.check_measurable()
    else:
        deployment.check_smoothable()
    batch = load_batch(request.images, [deployment], data_dir, or_all=request.is_default("images"))
    resolved = {
        "weights": deployment.weights_digest if request.method == "exact" else deployment.weights,
        "images": digest(batch.images),
        **deployment.resolved(),
        **compute.record(),
    }
    with opening as pool, computing(compute), open_run("certify", request, resolved, out, backends=backends) as run:
        if not run.complete and request.method == "smoothing":
            certify_smoothed_images(run, request, deployment, batch, progress or Silent(), pool)
        elif not run.complete:
            measured = None if request.shots is None else ShotPromise(request.shots, request.confidence)
            found = certify_batch(run, deployment, batch, request.seed, progress or Silent(), pool, measured)
            _write(run, request, deployment, found)
        return Outcome.of(run, "summary", "certified_accuracy", brief=_brief)


def _brief(outcome: Outcome) -> Brief:
    # The rows of all images are in certificates.csv; a terminal gets what they come to.
    levels = {"Certified accuracy": outcome.tables["certified_accuracy"]}
    return Brief(outcome.tables["summary"], levels, outcome.notes)


def _write(run: Run, request: CertifyRequest, deployment: Deployment, found: Certified) -> None:
    rows = found.rows
    summary, levels = summary_of(rows), certified_accuracy(rows)
    told = _told(deployment)
    lead = f"{len(rows)} images{told}. Accuracy {summary['accuracy']:.1%}" + (
        f", median l2 radius {summary['median_radius']:.3g}." if summary["median_radius"] is not None else "."
    )
    milliseconds = 1e3 * found.seconds / len(rows)
    notes = [
        _NOTE,
        f"Exact radii took {milliseconds:.1f} ms an image, with the pairs of classes that were decomposed for them.",
    ]
    if request.shots is not None:
        notes.append(_NOTE_OF_SHOTS.format(request.shots, request.confidence, _margins(request, deployment)))
    notes += deployment.notes
    if deployment.kind == "device":
        notes += [_NOTE_ON_TARGET, *(f"{deployment.condition}: {note}." for note in deployment.layers.notes)]
    levels_text = "certified: share of the images that no such perturbation fools. attacked: what the attack leaves."
    caption = "Left and middle: share of images still right, certainly and after an attack. Right: exact l2 radii."
    report = Report(run, request.command_line(run.config), f"{deployment.ruled_name}, certified{told}")
    report.csv("certificates.csv", rows)
    report.table("Summary", [summary], *notes)
    report.table("Certified accuracy", levels, levels_text)
    picture = certified_curves(*_series(rows), accuracy=summary["accuracy"])
    report.picture("certificates.png", picture, caption)
    report.table("First images", rows[:_FIRST_ROWS], "All images are in certificates.csv.")
    report.finish(lead, rows, notes, summary=[summary], certified_accuracy=levels)


def _margins(request: CertifyRequest, deployment: Deployment) -> str:
    """The margins that so many shots need, least and greatest."""
    assert request.shots is not None
    needed = shot_margins(highest_margins(deployment.qvc), request.shots, request.confidence)
    least, most = (f"{pick(needed[~np.eye(len(needed), dtype=bool)]):.3g}" for pick in (np.min, np.max))
    return least if least == most else f"{least} to {most}"


def _told(deployment: Deployment) -> str:
    """The condition, behind what it is about."""
    match deployment.condition:
        case UnderNoise(noise=noise, strength=strength):
            return f" under {noise} of strength {strength:g}"
        case OnTarget(target=target):
            return f" on {target}"
        case _:
            return ""


def _series(rows: list[Row]) -> tuple[list[float], list[float], list[tuple[float, float]]]:
    def value(row: Row, name: str) -> float:
        return np.inf if row[name] is None else float(row[name])

    bounds = [(value(row, "linf_lower"), value(row, "linf_upper")) for row in rows]
    return [value(row, "radius") for row in rows], [value(row, "attack") for row in rows], bounds
