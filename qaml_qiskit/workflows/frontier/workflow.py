"""Trained models side by side, by what they cost on a device and what they reach: ``qaml frontier``."""

from copy import copy
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qaml_qiskit.artifacts.fingerprints import digest
from qaml_qiskit.artifacts.opening import open_run
from qaml_qiskit.artifacts.outcome import Outcome, Row
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.attacks import PGDConfig, run_attack
from qaml_qiskit.circuits import gate_counts
from qaml_qiskit.deployments import Batch, Deployment, OnTarget, deploy, load_batch
from qaml_qiskit.deployments.pieces import in_pieces, looks_of, readable, watched
from qaml_qiskit.deployments.prediction import predict_on_device
from qaml_qiskit.evaluation import accuracy
from qaml_qiskit.execution import survival
from qaml_qiskit.models import QVC, predict
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.reports import Report, frontier_figure
from qaml_qiskit.workflows.frontier.request import FrontierRequest

_NOTES = (
    "robust_accuracy: under PGD on the noiseless model. Where the encoding is approximate there are two attacks: "
    "through the derivative of its fit (unrolled), and with the straight-through estimate; an image counts as robust "
    "only if it withstands both.",
    "device_accuracy: expected with these shots under the target's own noise model, encoding included, the readout "
    "calibrated with as many shots and inverted qubit by qubit (mitigation readout).",
)


def frontier(
    request: FrontierRequest,
    *,
    backends: Path | None = None,
    out: Path | None = None,
    data_dir: Path | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Fidelity, gates, clean, robust and predicted accuracy of models. Each model's row is kept as it finishes.

    Raises:
        QamlError: the request cannot be served.
    """
    progress = progress or Silent()
    target = OnTarget(request.target, request.recipe)
    deployments = {name: deploy(name, target, backends=backends) for name in request.models}
    batches = {name: load_batch(request.images, [each], data_dir) for name, each in deployments.items()}
    compiled = [each.compiled for each in deployments.values()]
    resolved = {
        "models": {name: each.weights_digest for name, each in deployments.items()},
        **compiled[0].resolved(),
        "images": {name: digest(batch.images) for name, batch in batches.items()},
    }
    with open_run("frontier", request, resolved, out, backends=backends) as run:
        if not run.complete:
            rows = [
                _row(request, run, str(index), name, each, batches[name], progress)
                for index, (name, each) in enumerate(deployments.items())
            ]
            repairs = {f"{note}." for each in compiled for note in each.target.noise_notes(each.isa)}
            _write(run, request, sorted(rows, key=lambda row: row["two_qubit_gates"]), (*_NOTES, *sorted(repairs)))
    return Outcome.of(run)


def _row(
    request: FrontierRequest,
    run: Run,
    key: str,
    name: str,
    deployment: Deployment,
    batch: Batch,
    progress: Progress,
) -> Row:
    """One model."""
    model, compiled, images, labels = deployment.qvc, deployment.compiled, batch.images, batch.labels
    counts = gate_counts(compiled.isa)
    told = Path(name).name
    with torch.no_grad():
        fidelity = float(in_pieces(model.encoding.fidelity, images, f"fidelity of {told}", progress).mean())
    clean = accuracy(predict(model, readable(model, images, f"scoring {told}", progress)).numpy(), labels)
    robust = _robust(request, run, key, told, model, images, torch.from_numpy(labels), progress)
    device = predict_on_device(deployment, images, run, key, progress, told=told)
    gates, _ = survival(compiled.isa, compiled.target.isa)
    return {
        "model": name,
        "two_qubit_gates": counts.two_qubit_gates,
        "two_qubit_depth": counts.two_qubit_depth,
        "fidelity": fidelity,
        "clean_accuracy": clean.value,
        "device_accuracy": device.sampled(labels, request.shots, request.seed)[0],
        "robust_accuracy": float(np.logical_and.reduce(list(robust.values())).mean()),
        **{f"robust_{rule.replace('-', '_')}": float(kept.mean()) for rule, kept in robust.items()},
        "device_endless": device.accuracy(labels).value,
        "slope": device.slope(),
        "gate_survival": gates,
        "encoding": model.config.encoding,
        "encoding_layers": model.config.encoding_layers,
        "layers": model.config.num_layers,
        "ansatz": model.config.ansatz,
        "images": len(labels),
    }


def _robust(
    request: FrontierRequest,
    run: Run,
    key: str,
    told: str,
    model: QVC,
    images: Tensor,
    labels: Tensor,
    progress: Progress,
) -> dict[str, NDArray[np.bool_]]:
    """Which images withstand PGD, for every way to differentiate the encoding; kept in the run."""
    kept: dict[str, NDArray[np.bool_]] = {}
    for rule in model.encoding.gradient_rules:
        file = f"blocks/robust-{key}-{rule}.json"
        if (withstood := run.kept_json(file)) is None:
            how = {"unrolled": "", "straight-through": ", straight through the encoding"}.get(rule, f", {rule}")
            withstood = _withstand(request, model, rule, images, labels, f"attacking {told}{how}", progress)
            run.keep_json(file, withstood)
        kept[rule] = np.array(withstood, dtype=bool)
    return kept


def _withstand(
    request: FrontierRequest,
    model: QVC,
    rule: str,
    images: Tensor,
    labels: Tensor,
    told: str,
    progress: Progress,
) -> list[bool]:
    """Whether each image is named correctly before and after the attack."""
    victim = copy(model)
    victim.encoding = model.encoding.differentiated(rule)
    attack = PGDConfig(eps=request.eps, steps=request.steps, seed=request.seed)
    with watched(victim, told, looks_of(images, request.steps), progress) as watching:
        return [bool(each) for each in run_attack(watching, images, labels, attack, spare_wrong=False).robust]


def _write(run: Run, request: FrontierRequest, rows: list[Row], notes: tuple[str, ...]) -> None:
    models = f"{len(rows)} model{'s' * (len(rows) > 1)}"
    lead = f"{models} on {request.target}, {rows[0]['images']} images, PGD with ε = {request.eps:g}."
    report = Report(run, request.command_line(run.config), "What fits a device")
    report.table("Frontier", rows, *notes, file="frontier.csv")
    report.picture("frontier.png", frontier_figure(rows), "What models reach against their two-qubit gates.")
    report.finish(lead, rows, notes)
