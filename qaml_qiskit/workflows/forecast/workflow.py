"""What accuracy a device would give, before any of its time is spent: the work behind ``qaml forecast``."""

from itertools import product
from pathlib import Path

import torch
from torch import Tensor

from qaml_qiskit.artifacts.fingerprints import digest
from qaml_qiskit.artifacts.opening import open_run
from qaml_qiskit.artifacts.outcome import Outcome, Row
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.attacks import PGDConfig, run_attack
from qaml_qiskit.circuits import gate_counts
from qaml_qiskit.deployments import Batch, Deployment, deploy, load_batch
from qaml_qiskit.deployments.pieces import looks_of, watched
from qaml_qiskit.deployments.prediction import predict_on_device
from qaml_qiskit.execution import survival
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.reports import Report, forecast_curves
from qaml_qiskit.workflows.forecast.request import ForecastRequest

_NOTES = (
    "accuracy: exact for endless shots; for finite ones what is expected, the errors of the ⟨Z_k⟩ taken as normal and "
    "independent, and the readout calibrated with as many shots. m3 corrects bitstrings that are drawn.",
    "The noise is the device's own model, on every gate of the whole circuit, encoding included. What the model does "
    "not know, such as crosstalk and drift, is not in it: a device gives less.",
)


def forecast(
    request: ForecastRequest,
    *,
    backends: Path | None = None,
    out: Path | None = None,
    data_dir: Path | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Predict the accuracy of models on devices from the devices' noise models, exactly.

    Attacked images are made by PGD with the exact gradient through the noise of layers and readout (the encoding's
    noise is left out of the gradient, not of the score).

    Raises:
        QamlError: the request cannot be served.
    """
    progress = progress or Silent()
    models = {name: deploy(name) for name in request.models}
    deployments = {
        (name, target): models[name].on(target, request.recipe, backends)
        for name, target in product(request.models, request.target)
    }
    batches = {name: load_batch(request.images, [model], data_dir) for name, model in models.items()}
    resolved = {
        "models": {name: model.weights_digest for name, model in models.items()},
        "targets": {target: each.resolved() for (_, target), each in deployments.items()},
        "images": {name: digest(batch.images) for name, batch in batches.items()},
    }
    with open_run("forecast", request, resolved, out, backends=backends) as run:
        if not run.complete:
            targets = [(each.compiled.target, each.compiled.isa) for each in deployments.values()]
            repairs = {f"{target.name}: {note}." for target, isa in targets for note in target.noise_notes(isa)}
            rows: list[Row] = []
            for index, ((name, target), each) in enumerate(deployments.items()):
                rows += _rows(request, run, f"{index}", name, target, each, batches[name], progress)
            _write(run, request, rows, (*_NOTES, *sorted(repairs)))
    return Outcome.of(run)


def _rows(
    request: ForecastRequest,
    run: Run,
    key: str,
    name: str,
    target: str,
    deployment: Deployment,
    batch: Batch,
    progress: Progress,
) -> list[Row]:
    """All rows of one model on one device."""
    images, labels, compiled = batch.images, batch.labels, deployment.compiled
    counts, (gates, _) = gate_counts(compiled.isa), survival(compiled.isa, compiled.target.isa)
    head: Row = {
        "model": name,
        "layers": deployment.qvc.config.num_layers,
        "target": target,
        "two_qubit_gates": counts.two_qubit_gates,
        "two_qubit_depth": counts.two_qubit_depth,
        "gate_survival": gates,
    }
    rows = []
    for eps in (0.0, *request.eps):
        attacked = images if not eps else _attacked(request, run, key, eps, deployment, batch, progress)
        strings = "m3" in request.mitigation and bool(request.shots)
        told = f"{Path(name).name}, {f'attacked with ε = {eps:g}' if eps else 'clean images'},"
        name_in_run = f"{key}-{eps:g}"
        prediction = predict_on_device(deployment, attacked, run, name_in_run, progress, told=told, strings=strings)
        ideal = prediction.ideal.argmax(1) == labels
        for mitigation, shots in product(request.mitigation, (None, *request.shots)):
            endless, left = prediction.accuracy(labels, mitigation), prediction.slope(mitigation)
            expected = endless.value
            if shots is not None:
                expected, left = prediction.sampled(labels, shots, request.seed, mitigation)
            rows.append(
                {
                    **head,
                    "eps": eps,
                    "mitigation": mitigation,
                    "shots": shots,
                    "accuracy": expected,
                    "interval": list(endless.interval) if shots is None else None,
                    "ideal_accuracy": float(ideal.mean()),
                    "slope": left,
                    "images": len(labels),
                }
            )
    return rows


def _attacked(
    request: ForecastRequest,
    run: Run,
    key: str,
    eps: float,
    deployment: Deployment,
    batch: Batch,
    progress: Progress,
) -> Tensor:
    """Images attacked by PGD through the noise of layers and readout; made once a run."""
    images, labels = batch.images, torch.from_numpy(batch.labels)
    file = f"blocks/attacked-{key}-{eps:g}.npz"
    if (kept := run.kept_arrays(file)) is None:
        attack = PGDConfig(eps=eps, steps=request.steps, seed=request.seed)
        looks = looks_of(images, request.steps)
        # One set of matrices serves all strengths, and none is needed where no attack is made.
        progress.say("computing what the noisy layers measure")
        with watched(deployment.module, f"attacking images, ε = {eps:g}", looks, progress) as watching:
            attacked = run_attack(watching, images, labels, attack, spare_wrong=False)
        kept = {"images": attacked.images.numpy()}
        run.keep_arrays(file, kept)
    return torch.from_numpy(kept["images"])


def _write(run: Run, request: ForecastRequest, rows: list[Row], notes: tuple[str, ...]) -> None:
    best = max(rows, key=lambda row: (row["eps"] == 0, row["shots"] is not None, row["accuracy"]))
    lead = (
        f"With {best['shots']:,} shots and mitigation {best['mitigation']}, {best['model']} is expected to name "
        f"{best['accuracy']:.1%} of {best['images']} images on {best['target']}; "
        f"without noise {best['ideal_accuracy']:.1%}."
    )
    report = Report(run, request.command_line(run.config), "What a device would score")
    report.table("Forecast", rows, *notes, file="forecast.csv")
    report.picture("forecast.png", forecast_curves(rows), "Expected accuracy against the number of two-qubit gates.")
    report.finish(lead, rows, notes)
