"""What predictions are unsure about: the work behind ``qaml uncertainty``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from qaml_qiskit.artifacts import Pool, Run, digest, open_pool, open_run
from qaml_qiskit.defences.pauli_errors import PauliErrors
from qaml_qiskit.deployments import (
    Batch,
    Deployment,
    LayersRule,
    halves,
    load_batch,
    load_learned,
    load_validation,
    read_deployments,
)
from qaml_qiskit.deployments.networks import code_of, network_data
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.models import check_laplace
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.reports import Brief, Outcome
from qaml_qiskit.studies import (
    ALONE,
    FITTED,
    LEARNED,
    AskingMembers,
    FamilyAnswers,
    FamilyInquiry,
    FamilyUncertainty,
    TrainingSample,
    anomalous_images,
)
from qaml_qiskit.workflows.calling import takes
from qaml_qiskit.workflows.uncertainty.report import write_report
from qaml_qiskit.workflows.uncertainty.request import UncertaintyRequest

#: The name of the test images among the sets.
_TEST = "images"
#: Validation images at least: each half fits something.
_LEAST_VALIDATION = 4


@takes(UncertaintyRequest)
def uncertainty(
    request: UncertaintyRequest,
    *,
    out: Path | None = None,
    data_dir: Path | None = None,
    backends: Path | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Ask families of models, and take what their mean is unsure about apart. What each member says is kept.

    Raises:
        QamlError: the request cannot be served; nothing was computed.
    """
    opening, progress = open_pool(workers, scheduler), progress or Silent()
    data = network_data(request.dataset, request.loading(data_dir))
    models = _drawing(
        request,
        read_deployments(
            request.models,
            recipe=request.recipe,
            backends=backends,
            data=data,
            progress=progress,
            seed=request.seed,
        ),
    )
    _check(request, models)
    batch = load_batch(request.images, models, data_dir, or_all=request.is_default("images"))
    parts = _validation(request, models, batch, data_dir)
    others = {kind: anomalous_images(kind, batch, models[0], data_dir, request.seed) for kind in request.anomalies}
    learned = None
    if request.has_laplace:
        learned = TrainingSample(*load_learned(models[0], request.curvature_images, data_dir, seed=request.seed))
    resolved = _resolved(models, batch, parts, others, learned)
    with opening as pool, open_run("uncertainty", request, resolved, out, backends=backends) as run:
        if not run.complete:
            judged = _judged(run, request, models, batch, parts, others, learned, progress, pool)
            write_report(run, request, judged, batch, models)
    return Outcome.of(run, "gains", "anomalies", brief=_brief)


def _drawing(request: UncertaintyRequest, models: Sequence[Deployment]) -> list[Deployment]:
    """The models; the first of them by draws of its noise layers where draws are asked for and no rule is named."""
    first, *others = models
    if "draws" in request.families and first.drawing_rule is None:
        first = first.by(LayersRule("mean", 1))
    return [first, *others]


def _check(request: UncertaintyRequest, models: Sequence[Deployment]) -> None:
    """Refuse families that the first model cannot have, before anything is loaded."""
    first = models[0]
    for each in models:
        each.check_scorable()
    if not {"laplace", "laplace-samples", "noise"} & {*request.families}:
        return
    check_laplace(first.stored.model if first.drawing_rule is None else first.expected.stored.model, first.name)
    if first.kind != "exact" or first.drawing_rule is not None:
        raise ConfigurationError(
            f"{first.name} cannot be compared with other angles",
            got=f"--members {', '.join(request.families)} of a model under a condition",
            expected="the model alone, whose angles are changed",
            remedy=f"name {first.model_name}",
        )
    check_laplace(first.qvc, first.name)
    if "noise" in request.families:
        PauliErrors.of(first.qvc.config.build_ansatz())


def _validation(
    request: UncertaintyRequest, models: Sequence[Deployment], test: Batch, data_dir: Path | None
) -> tuple[Batch, Batch]:
    """What chooses priors, and what fits temperatures."""
    found = load_validation(request.validation, models, data_dir, seed=request.seed, test=test)
    if len(found) < _LEAST_VALIDATION:
        raise InputError(
            "there are not enough validation images",
            got=f"{len(found)}",
            expected=f"at least {_LEAST_VALIDATION}: one half chooses a prior, the other half temperatures",
            remedy="give more with --validation",
        )
    return halves(found, request.seed)


def _resolved(
    models: Sequence[Deployment],
    batch: Batch,
    parts: tuple[Batch, Batch],
    others: Mapping[str, Tensor],
    learned: TrainingSample | None,
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "weights": {each.name: each.weights for each in models},
        "images": digest(batch.images),
        "validation": [digest(part.images) for part in parts],
        **code_of(models),
    }
    if others:
        found["anomalies"] = {name: digest(images) for name, images in others.items()}
    if learned is not None:
        found["learned"] = {"images": digest(learned.images), "trained_on": learned.trained_on}
    for each in models:
        found |= each.resolved()
    return found


def _judged(
    run: Run,
    request: UncertaintyRequest,
    models: Sequence[Deployment],
    batch: Batch,
    parts: tuple[Batch, Batch],
    others: Mapping[str, Tensor],
    learned: TrainingSample | None,
    progress: Progress,
    pool: Pool,
) -> list[FamilyUncertainty]:
    """The first model alone, then every family."""
    sets = {LEARNED: parts[0].images, FITTED: parts[1].images, _TEST: batch.images}
    # Files are named by these; the others' names may be paths.
    anomalies = {f"anomaly-{number}": name for number, name in enumerate(others)}
    sets |= {key: others[name] for key, name in anomalies.items()}
    work = AskingMembers(
        models,
        sets,
        seed=request.seed,
        strength=request.strength,
        learned=learned,
        with_shots=request.shots is not None,
    )
    names = (_TEST, *anomalies)
    asking = FamilyInquiry(
        run, work, *parts, names, request.draws, len(models), request.seed, request.shots, progress, pool
    )
    answers: dict[str, FamilyAnswers] = {ALONE: asking.alone()}
    answers |= {family: asking.answers(family) for family in request.families}

    def judged(name: str, said: FamilyAnswers) -> FamilyUncertainty:
        found = {each: said.uncertainty(each, request.shots, request.seed) for each in names}
        about = {other: found[key] for key, other in anomalies.items()}
        return FamilyUncertainty(name, len(said.temperatures), said.temperatures, said.prior, found[_TEST], about)

    return [judged(name, said) for name, said in answers.items()]


def _brief(outcome: Outcome) -> Brief:
    # Every interval is in uncertainty.csv; a terminal gets the figures.
    short = [{name: cell for name, cell in row.items() if not name.endswith("_interval")} for row in outcome.results]
    names = {"gains": "Gains", "anomalies": "Images that are none of the data"}
    return Brief(short, {names[name]: rows for name, rows in outcome.tables.items()}, outcome.notes)
