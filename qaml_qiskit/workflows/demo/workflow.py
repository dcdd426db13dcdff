"""The whole road once, on embedded data: train, attack, compile, sample on a device model, mitigate, report."""

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from qaml_qiskit.artifacts.opening import open_run
from qaml_qiskit.artifacts.outcome import Outcome
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.artifacts.training import TrainingData, fit, tensors
from qaml_qiskit.attacks import PGDConfig, run_attack
from qaml_qiskit.deployments import Deployment, OnTarget, deploy
from qaml_qiskit.deployments.pieces import looks_of, watched
from qaml_qiskit.errors import InputError
from qaml_qiskit.execution import DEFAULT_MITIGATION
from qaml_qiskit.models import Model, ModelCard, StoredModel, build_model, predict
from qaml_qiskit.progress import Progress, Silent, Stopping, never
from qaml_qiskit.workflows.demo.report import IMAGE_SETS, Findings, write_report
from qaml_qiskit.workflows.demo.request import DemoRequest
from qaml_qiskit.workflows.training import load_data, model_config, objective_of, training_config


@dataclass(frozen=True)
class Trained:
    """Both models and the data they share."""

    qvc: StoredModel
    convnet: Model
    data: TrainingData


def demo(
    request: DemoRequest,
    *,
    backends: Path | None = None,
    out: Path | None = None,
    progress: Progress | None = None,
    stopping: Stopping = never,
) -> Outcome:
    """Run the demo and write its run folder with the report.

    Raises:
        PartialResultError: stopped in a training; the same call continues (exit code 6).
        QamlError: the request cannot be served; nothing was written.
    """
    progress = progress or Silent()
    data = load_data(request.training("qvc"), None)
    if request.images > len(data.test):
        raise InputError(
            "cannot take the images",
            got=f"a request for {request.images}",
            expected=f"at most {len(data.test)}, the size of the test set",
            remedy="ask for fewer images",
        )
    resolved = _dry_run(request, data, backends).resolved()
    with open_run("demo", request, resolved, out, backends=backends) as run:
        if run.complete:
            return Outcome.of(run, "convnet", "resources")
        trained = _train(request, data, run, progress, stopping)
        deployment = _deployed(trained.qvc, request, backends)
        images, labels = (part[: request.images] for part in tensors(data.test))
        sets = _attack(request, trained, images, labels, progress)
        scores = deployment.sample(sets, request.shots, DEFAULT_MITIGATION, request.seed, run, progress)
        said = {name: predict(trained.convnet, batch).numpy() for name, batch in sets.items()}
        found = Findings(deployment, {n: batch.numpy() for n, batch in sets.items()}, labels.numpy(), scores, said)
        write_report(run, request, found)
    return Outcome.of(run, "convnet", "resources")


def _dry_run(request: DemoRequest, data: TrainingData, backends: Path | None) -> Deployment:
    """Compile an untrained model, so that a target or recipe that does not fit is told before minutes are spent."""
    config = model_config(request.training("qvc"), data.train)
    untrained = StoredModel(build_model(config), ModelCard(model=config, data=data.card))
    deployment = _deployed(untrained, request, backends)
    deployment.compiled.target.simulator(deployment.compiled.isa)
    return deployment


def _deployed(qvc: StoredModel, request: DemoRequest, backends: Path | None) -> Deployment:
    return deploy(qvc, OnTarget(request.target, request.recipe), backends=backends)


def _train(request: DemoRequest, data: TrainingData, run: Run, progress: Progress, stopping: Stopping) -> Trained:
    models = {}
    for name in ("qvc", "convnet"):
        training = request.training(name)
        config = model_config(training, data.train)
        models[name] = StoredModel(
            fit(config, training_config(training), objective_of(training), data, run, progress, stopping, f"{name}/"),
            ModelCard(model=config, data=data.card),
        )
    return Trained(models["qvc"], models["convnet"].model, data)


def _attack(
    request: DemoRequest, trained: Trained, images: Tensor, labels: Tensor, progress: Progress
) -> dict[str, Tensor]:
    attack = PGDConfig(eps=request.eps, steps=request.steps, seed=request.seed)
    total = looks_of(images, request.steps)
    with watched(trained.convnet, "attacking the ConvNet", total, progress) as convnet:
        transfer = run_attack(convnet, images, labels, attack, spare_wrong=False).images
    with watched(trained.qvc.model, "attacking the QVC", total, progress) as qvc:
        whitebox = run_attack(qvc, images, labels, attack, spare_wrong=False).images
    return dict(zip(IMAGE_SETS, (images, transfer, whitebox), strict=True))
