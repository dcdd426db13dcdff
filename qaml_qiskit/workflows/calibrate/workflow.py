"""What a model's probabilities are worth, raw and recalibrated: the work behind ``qaml calibrate``."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.artifacts import AdversarialImages, Pool, Run, digest, open_pool, open_run
from qaml_qiskit.compute import DEFAULT_COMPUTE, Compute
from qaml_qiskit.confidence import RECALIBRATIONS, Recalibration, Temperature
from qaml_qiskit.deployments import (
    Batch,
    Deployment,
    load_batch,
    load_validation,
    parse_deployment,
    read_deployments,
    written,
)
from qaml_qiskit.deployments.networks import code_of, network_data
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.reports import Brief, Outcome
from qaml_qiskit.simulation import computing
from qaml_qiskit.studies import (
    Cell,
    Inquiry,
    JudgedProbabilities,
    ProbabilityWay,
    Sampling,
    ask_models,
    check_askable,
    make_adversarial,
)
from qaml_qiskit.workflows.calibrate.report import CLEAN, ScoredImages, write_report
from qaml_qiskit.workflows.calibrate.request import VALIDATION_ON_TARGET, CalibrateRequest
from qaml_qiskit.workflows.calling import takes
from qaml_qiskit.workflows.outcomes import CalibrationOutcome

Floats = NDArray[np.floating]
_VALIDATION = "validation"
#: Of a brief: what is found, without the intervals of all but the first figure.
_SHOWN = ("stage", "method", "attack", "eps", "images", "accuracy", "ece", "ece_interval", "ece_adaptive")
_SHOWN_TOO = ("nll", "brier", "temperature")


@takes(CalibrateRequest)
def calibrate(
    request: CalibrateRequest,
    *,
    out: Path | None = None,
    data_dir: Path | None = None,
    backends: Path | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    compute: Compute = DEFAULT_COMPUTE,
) -> CalibrationOutcome:
    """Measure calibration on test images, raw and recalibrated by images that the model did not learn from.

    What is scored, sampled and attacked is kept as it finishes; a run that was killed goes on there.

    Raises:
        QamlError: the request cannot be served; for example nobody knows which images the model did not learn from.
    """
    opening, progress = open_pool(workers, scheduler), progress or Silent()
    deployment = _deployed(request, data_dir, backends, compute, progress)
    check_askable(deployment, Sampling(request.shots))
    if request.attack:
        deployment.check_attackable(request.attacks())
    batch = load_batch(request.images, [deployment], data_dir, or_all=request.is_default("images"))
    most = VALIDATION_ON_TARGET if deployment.kind == "device" else None
    validation = None
    if request.method:
        validation = load_validation(
            request.validation, [deployment], data_dir, seed=request.seed, most=most, test=batch
        )
        for name in request.method:
            RECALIBRATIONS[name].check_images(len(validation), deployment.num_classes)
    resolved = {
        "weights": deployment.weights,
        "images": digest(batch.images),
        **({} if validation is None else {_VALIDATION: digest(validation.images)}),
        **deployment.resolved(),
        **code_of([deployment]),
        **compute.record(),
    }
    with (
        opening as pool,
        computing(compute),
        open_run("calibrate", request, resolved, out, backends=backends) as run,
    ):
        if not run.complete:
            _measure(run, request, deployment, batch, validation, progress, pool)
        return CalibrationOutcome.of(run, brief=_brief)


def _deployed(
    request: CalibrateRequest, data_dir: Path | None, backends: Path | None, compute: Compute, progress: Progress
) -> Deployment:
    name = written(parse_deployment(request.model)[0], request.condition)
    return read_deployments(
        [name],
        recipe=request.recipe,
        backends=backends,
        compute=compute,
        data=network_data(request.dataset, request.loading(data_dir)),
        progress=progress,
        seed=request.seed,
    )[0]


@dataclass(frozen=True)
class _Sets:
    """Everything that is scored, by names of files.

    Attributes:
        batches: clean, attacked and validation images.
        made: the adversarial ones among them.
    """

    batches: Mapping[str, Batch]
    made: Mapping[str, AdversarialImages]

    @property
    def told(self) -> dict[str, str]:
        """What each is to a reader."""
        attacked = {name: each.provenance.told for name, each in self.made.items()}
        return {name: f"{name} images" for name in self.batches} | attacked


def _measure(
    run: Run,
    request: CalibrateRequest,
    deployment: Deployment,
    batch: Batch,
    validation: Batch | None,
    progress: Progress,
    pool: Pool,
) -> None:
    cells = {f"{each.name}-eps{each.budget}": Cell(deployment.name, each) for each in request.attacks()}
    made = make_adversarial(run, cells, [deployment], batch, progress, pool) if cells else {}
    attacked = {key: batch.with_images(each.images) for key, each in made.items()}
    fitted_to = {} if validation is None else {_VALIDATION: validation}
    sets = _Sets({**fitted_to, CLEAN: batch, **attacked}, made)
    logits = _logits(run, request, deployment, sets, progress, pool)
    ways = _raw_ways(request, deployment)
    if validation is not None:
        ways += _fitted_ways(request, deployment, logits.pop(_VALIDATION), validation)
    scored = {
        name: ScoredImages(
            sets.batches[name],
            made.get(name),
            found,
            [JudgedProbabilities.of(way, found, sets.batches[name].labels, request.bins, request.seed) for way in ways],
        )
        for name, found in logits.items()
    }
    write_report(run, request, deployment, scored, validation)


def _logits(
    run: Run, request: CalibrateRequest, deployment: Deployment, sets: _Sets, progress: Progress, pool: Pool
) -> dict[str, Floats]:
    inquiries = [Inquiry(deployment, each.images, sets.told[name]) for name, each in sets.batches.items()]
    how = Sampling(request.shots, request.mitigation, request.seed)
    said = ask_models(run, inquiries, how, progress, pool)
    return {name: logits.numpy() for name, logits in zip(sets.batches, said, strict=True)}


def _raw_ways(request: CalibrateRequest, deployment: Deployment) -> list[ProbabilityWay]:
    """Raw, and at the temperature that the training fitted where that was to other logits."""
    ways = [ProbabilityWay("raw", "none", None)]
    if deployment.has_temperature and not request.is_ideal:
        ways.append(ProbabilityWay("trained", "temperature", deployment.temperature))
    return ways


def _fitted_ways(
    request: CalibrateRequest, deployment: Deployment, logits: Floats, validation: Batch
) -> list[ProbabilityWay]:
    """Recalibrated by every method."""
    ways = []
    for name in request.method:
        found: Recalibration = RECALIBRATIONS[name].fit(logits, validation.labels)
        if isinstance(found, Temperature):
            found = found.model_copy(update={"condition": str(deployment.condition)})
        ways.append(ProbabilityWay("recalibrated", name, found))
    return ways


def _brief(outcome: Outcome) -> Brief:
    # All intervals are in calibration.csv.
    names = (*_SHOWN, *_SHOWN_TOO)
    return Brief([{name: row[name] for name in names} for row in outcome.results], {}, outcome.notes)
