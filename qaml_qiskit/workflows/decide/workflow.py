"""What policies make of images that shots leave in doubt: the work behind ``qaml decide``."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.artifacts import Pool, Run, digest, open_pool, open_run
from qaml_qiskit.confidence import SequentialRule, check_lead_images
from qaml_qiskit.deployments import Batch, Deployment, load_batch, load_validation, read_deployments, refusals
from qaml_qiskit.evaluation import check_enough
from qaml_qiskit.execution import circuit_seconds
from qaml_qiskit.execution.targets import real_hardware
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.reports import Outcome
from qaml_qiskit.studies import (
    OnDevice,
    PolicyScoring,
    PolicyThresholds,
    Prediction,
    ShotScores,
    forecast_trails,
    policy_answers,
    predict_on_devices,
    sampled_trail,
)
from qaml_qiskit.workflows.calling import takes
from qaml_qiskit.workflows.decide.report import Decided, brief, write
from qaml_qiskit.workflows.decide.request import DecideRequest


@dataclass(frozen=True)
class _Asked:
    """A request with everything it needs, checked; nothing is written."""

    request: DecideRequest
    deployment: Deployment
    batch: Batch
    validation: Batch
    fallback: Deployment | None


def _prepare(request: DecideRequest, backends: Path | None, data_dir: Path | None, progress: Progress) -> _Asked:
    names = [request.model, *([] if request.fallback is None else [request.fallback])]
    model, *others = read_deployments(names, recipe=request.recipe, backends=backends, progress=progress)
    deployment = model.on(request.target, request.recipe, backends)
    deployment.check_exact()
    if deployment.draws > 1:
        raise refusals.needs_exact_rule(deployment.name, str(deployment.sampling_rule), model.without_layers.name)
    if deployment.compiled.target.is_hardware and request.engine == "sampler":
        raise real_hardware(
            request.target,
            got="--engine sampler, which submits a job a round",
            expected="a simulated target: rounds on a device would each need their consent and budget, and a session",
            remedy="use --engine forecast, or `qaml run` with a fixed number of shots",
        )
    batch = load_batch(request.images, [deployment, *others], data_dir, or_all=request.is_default("images"))
    validation = load_validation(request.validation, [deployment], data_dir, seed=request.seed, test=batch)
    if "more-shots" in request.policy:
        check_lead_images(len(validation), request.confidence)
    doubtful = request.doubtful
    check_enough(len(validation), doubtful, f"a share of {doubtful:.4g} in doubt", "allow a larger share by --doubtful")
    return _Asked(request, deployment, batch, validation, others[0] if others else None)


@takes(DecideRequest)
def decide(
    request: DecideRequest,
    *,
    backends: Path | None = None,
    out: Path | None = None,
    data_dir: Path | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Measure images in rounds of shots, and compare what policies make of them on the same shots.

    Thresholds come from validation images alone, whose shots are drawn by forecast. Every round that was sampled, and
    every block of images that was propagated or drawn, is kept; a run that was killed goes on there.

    Raises:
        QamlError: the request cannot be served; for example a sampler on a real device, or too few validation images.
    """
    opening, progress = open_pool(workers, scheduler), progress or Silent()
    asked = _prepare(request, backends, data_dir, progress)
    resolved = {
        "weights": asked.deployment.weights_digest,
        "images": digest(asked.batch.images),
        "validation": digest(asked.validation.images),
        **({} if asked.fallback is None else {"fallback": asked.fallback.fingerprint}),
        **asked.deployment.resolved(),
    }
    with opening as pool, open_run("decide", request, resolved, out, backends=backends) as run:
        if not run.complete:
            write(run, request, _decided(asked, run, pool, progress))
    return Outcome.of(run, "fixed_budgets", "selective", brief=brief)


def _decided(asked: _Asked, run: Run, pool: Pool, progress: Progress) -> Decided:
    request, deployment = asked.request, asked.deployment
    sets = {
        "images": OnDevice(deployment, asked.batch.images, bitstrings=True),
        "validation": OnDevice(deployment, asked.validation.images, "validation images", bitstrings=True),
    }
    predicted = predict_on_devices(sets, run, progress, pool)
    reading = _reading(predicted["images"], request)
    rule = SequentialRule(request.confidence, request.rounds, reading.reach, reading.test)
    drawn = {name: each.frequencies for name, each in predicted.items() if each.frequencies is not None}
    own = drawn if request.engine == "forecast" else {"validation": drawn["validation"]}
    trails = forecast_trails(run, own, reading, rule, request.drawn, request.seed, progress, pool)
    confidence = request.confidence if "more-shots" in request.policy else None
    learned = PolicyThresholds.of(trails["validation"], asked.validation.labels, request.doubtful, confidence)
    done = learned.done(request.policy) if request.engine == "sampler" else None
    trail = trails.get("images") or sampled_trail(
        run, deployment, asked.batch, reading, rule, done, request.seed, progress, pool
    )
    other = None if asked.fallback is None else _labels(asked.fallback, asked.batch, progress)
    isa, target = deployment.compiled.isa, deployment.compiled.target
    endless = predicted["images"].logits(request.mitigation).argmax(axis=1)
    scoring = PolicyScoring(
        trail, asked.batch.labels, endless, circuit_seconds(isa, target.isa), request.confidence, whole=done is None
    )
    answers = policy_answers(request.policy, trail, learned, other)
    return Decided(deployment.name, asked.batch, rule, learned, scoring, answers)


def _reading(prediction: Prediction, request: DecideRequest) -> ShotScores:
    inverted = None if request.mitigation == "none" else prediction.readout
    return ShotScores(prediction.head, prediction.products, inverted)


def _labels(fallback: Deployment, batch: Batch, progress: Progress) -> NDArray[np.int64]:
    return np.asarray(fallback.logits(batch.images, progress).argmax(dim=1))
