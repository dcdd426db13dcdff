"""Sets of labels with a promised coverage, clean and under attack: the work behind ``qaml conformal``."""

from collections.abc import Iterator
from pathlib import Path

from qaml_qiskit.artifacts import Row, Run, digest, open_pool, open_run
from qaml_qiskit.deployments import Deployment, deploy, load_batch, load_validation, parse_deployment
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.reports import Outcome, Report, conformal_curves
from qaml_qiskit.studies import (
    ConformityScorer,
    check_promise,
    cover,
    coverage_rows,
    predictors,
    score_labels,
    set_rows,
)
from qaml_qiskit.studies.conformity import ROBUST_SCORES
from qaml_qiskit.workflows.calling import takes
from qaml_qiskit.workflows.conformal.request import ConformalRequest

_FIRST_ROWS = 20
_PROMISE = (
    "guaranteed: the probability, over validation images and a further image together, that its label is in its set, "
    "if they are exchangeable; in a row with a radius also after any change of at most this length in l2. It is an "
    "average over images, not a promise for each."
)
_EXPECTED = (
    "expected: where the coverage of clean images lies in 95 of 100 draws of validation and test images, at radius 0. "
    "attacked_coverage: labels that stay in their sets under attacks of this length by one who knows the predictor."
)
_WITHOUT_PROMISE = "Sets by {} are the same at every radius, and nothing is promised of them under attack."
_HALVED = "Sets by probabilities: one half of the validation images fits a temperature, the other sets the thresholds."
_LOOKED = (
    "The training kept its weights by looking at validation images, if it kept its best epoch; strictly, the promise "
    "wants images that nothing was chosen by: --validation FILE."
)
_ON_TARGET = (
    "On the target, margins and radii are those of the layers and the readout under their noise, behind an encoding "
    "that is taken as noiseless; probabilities are those of the whole circuit."
)


@takes(ConformalRequest)
def conformal(
    request: ConformalRequest,
    *,
    out: Path | None = None,
    data_dir: Path | None = None,
    backends: Path | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Form prediction sets with a promised coverage, and count how often the label is in them, clean and attacked.

    What is finished is kept every 250 images; a run that was killed goes on there.

    Raises:
        QamlError: the request cannot be served; for example sets under attack of a model whose logits are no quadratic
            forms of the image, or too few validation images for what is promised.
    """
    opening = open_pool(workers, scheduler)
    name, condition = parse_deployment(
        request.model, noise=request.noise, strength=request.strength, recipe=request.recipe
    )
    deployment = deploy(name, condition, backends=backends)
    scorer = ConformityScorer(deployment, request.scores)
    batch = load_batch(request.images, [deployment], data_dir, or_all=request.is_default("images"))
    validation = load_validation(request.validation, [deployment], data_dir, seed=request.seed, test=batch)
    for score in request.scores:
        for alpha in request.alpha:
            check_promise(
                score, validation.labels, alpha, deployment.num_classes, by_class=request.by_class, seed=request.seed
            )
    resolved = {
        "weights": deployment.weights,
        "images": digest(batch.images),
        "validation": digest(validation.images),
        **deployment.resolved(),
    }
    with opening as pool, open_run("conformal", request, resolved, out, backends=backends) as run:
        if not run.complete:
            progress = progress or Silent()
            said = score_labels(run, scorer, request.scores, validation, progress, pool)
            fitted = list(
                predictors(
                    scorer,
                    said,
                    validation.labels,
                    request.alpha,
                    request.scores,
                    by_class=request.by_class,
                    drawn=request.seed if request.randomised else None,
                    seed=request.seed,
                )
            )
            found = cover(run, fitted, batch, request.radius, progress, pool)
            rows = coverage_rows(fitted, found, batch.labels, request.radius, by_class=request.by_class)
            _write(run, request, deployment, rows, set_rows(fitted, found, batch, request.radius))
        return Outcome.of(run)


def _write(run: Run, request: ConformalRequest, deployment: Deployment, rows: list[Row], sets: list[Row]) -> None:
    lead = (
        f"{rows[0]['images']} images, {rows[0]['validation']} validation images set the first threshold. "
        + " ".join(_told(row) for row in rows[:1])
    )
    notes = [*_notes(request, deployment), *deployment.notes]
    report = Report(run, request.command_line(run.config), f"{deployment.name}, prediction sets")
    report.table("Coverage and size of the sets", rows, *notes, file="coverage.csv")
    caption = (
        "Upper: how often the label is in its set after attacks of this length, clean at 0; dashed: what is promised. "
        "Lower: classes in a set."
    )
    report.picture("coverage.png", conformal_curves(rows), caption)
    report.csv("sets.csv", sets)
    report.table("First images", sets[:_FIRST_ROWS], "All images are in sets.csv.")
    report.finish(lead, rows, notes)


def _told(row: Row) -> str:
    return (
        f"Sets by {row['score']} that promise {row['guaranteed']:.1%} hold {row['coverage']:.1%} of the labels, "
        f"with {row['mean_size']:.3g} classes on average."
    )


def _notes(request: ConformalRequest, deployment: Deployment) -> Iterator[str]:
    yield _PROMISE
    yield _EXPECTED
    probable = [score for score in request.scores if score not in ROBUST_SCORES]
    if probable:
        yield _HALVED
    if probable and max(request.radius) > 0:
        yield _WITHOUT_PROMISE.format(" and ".join(probable))
    if request.validation is None or request.validation.isdecimal():
        yield _LOOKED
    if deployment.kind == "device" and len(probable) < len(request.scores):
        yield _ON_TARGET
