"""The whole road once, on embedded data: train, attack, compile, sample on a device model, mitigate, report."""

from pathlib import Path
from typing import Any

from qaml_qiskit.artifacts.opening import open_run
from qaml_qiskit.artifacts.pool import open_pool
from qaml_qiskit.artifacts.training import TrainingData, fit
from qaml_qiskit.attacks import PGDConfig
from qaml_qiskit.compute import DEFAULT_COMPUTE
from qaml_qiskit.deployments import Batch, Deployment, OnTarget, deploy
from qaml_qiskit.deployments.images import load_images
from qaml_qiskit.execution import DEFAULT_MITIGATION, check_simulated
from qaml_qiskit.models import ModelCard, StoredModel, build_model, predict
from qaml_qiskit.progress import Progress, Silent, Stopping, never
from qaml_qiskit.reports import Outcome, brief_figures
from qaml_qiskit.studies import perturb, perturb_steps
from qaml_qiskit.workflows.calling import takes
from qaml_qiskit.workflows.demo.report import Findings, write_report
from qaml_qiskit.workflows.demo.request import DemoRequest
from qaml_qiskit.workflows.training import load_data, model_config, objective_of, training_config


@takes(DemoRequest)
def demo(
    request: DemoRequest,
    *,
    backends: Path | None = None,
    out: Path | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    stopping: Stopping = never,
) -> Outcome:
    """Run the demo and write its run folder with the report.

    Raises:
        PartialResultError: stopped in a training; the same call continues (exit code 6).
        QamlError: the request cannot be served; nothing was written.
    """
    progress = progress or Silent()
    opening = open_pool(workers, scheduler)
    data = load_data(request.training("qvc"), None)
    batch = Batch(*load_images(str(request.images), data.card, None), str(request.images))
    resolved = _compiled_untrained(request, data, backends)
    with opening as pool, open_run("demo", request, resolved, out, backends=backends) as run:
        if run.complete:
            return Outcome.of(run, "convnet", "resources", brief=brief_figures)
        models: dict[str, StoredModel] = {}
        for name in ("qvc", "convnet"):
            how = request.training(name)
            config, training, objective = model_config(how, data.train), training_config(how), objective_of(how)
            models[name] = fit(config, training, objective, data, run, progress, stopping, f"{name}/")
        pgd, sets = PGDConfig(eps=request.eps, steps=request.steps, seed=request.seed), {"clean": batch.images}
        for name, source, called in (("transfer", "convnet", "ConvNet"), ("whitebox", "qvc", "QVC")):
            with progress.task(f"attacking the {called}", perturb_steps(batch, pgd)) as advance:
                sets[name] = perturb(models[source].model, batch, pgd, DEFAULT_COMPUTE, advance).images
        qvc = _deployed(models["qvc"], request, backends)
        scores = qvc.sample(sets, request.shots, DEFAULT_MITIGATION, request.seed, run, progress, pool)
        said = {name: predict(models["convnet"].model, images).numpy() for name, images in sets.items()}
        shown = {name: images.numpy() for name, images in sets.items()}
        write_report(run, request, Findings(qvc, shown, batch.labels, scores, said))
    return Outcome.of(run, "convnet", "resources", brief=brief_figures)


def _compiled_untrained(request: DemoRequest, data: TrainingData, backends: Path | None) -> dict[str, Any]:
    """What target and recipe stand for; those that do not fit are told now, before minutes are spent on a training."""
    model = build_model(model_config(request.training("qvc"), data.train))
    stored = StoredModel(model, ModelCard(model=model.config, data=data.card))
    compiled = _deployed(stored, request, backends).compiled
    check_simulated(compiled.target, compiled.isa)
    return compiled.resolved()


def _deployed(stored: StoredModel, request: DemoRequest, backends: Path | None) -> Deployment:
    deployment = deploy(stored, OnTarget(request.target, request.recipe), backends=backends)
    return deployment.simulated_by(request.engine)
