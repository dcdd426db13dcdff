"""Trained models side by side, by what they cost on a device and what they reach: ``qaml frontier``."""

from pathlib import Path

from qaml_qiskit.artifacts import Row, Run, digest, open_pool, open_run
from qaml_qiskit.attacks import PGDConfig
from qaml_qiskit.circuits import gate_counts
from qaml_qiskit.compute import DEFAULT_COMPUTE, Compute
from qaml_qiskit.deployments import Batch, Deployment, load_batch, read_deployments
from qaml_qiskit.deployments.networks import notes_of
from qaml_qiskit.execution import survival
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.reports import Outcome, Report, frontier_figure
from qaml_qiskit.simulation import computing
from qaml_qiskit.studies import (
    OnDevice,
    Prediction,
    noise_notes,
    predict_on_devices,
    readout_notes,
    score_without_noise,
)
from qaml_qiskit.workflows.calling import takes
from qaml_qiskit.workflows.frontier.request import FrontierRequest

_NOTES = (
    "robust_accuracy: under PGD on the noiseless model. Where the encoding is approximate there are two attacks: "
    "through the derivative of its fit (unrolled), and with the straight-through estimate; an image counts as robust "
    "only if it withstands both.",
    "device_accuracy: expected with these shots under the target's own noise model, encoding included, the readout "
    "calibrated with as many shots and inverted qubit by qubit (mitigation readout).",
)


@takes(FrontierRequest)
def frontier(
    request: FrontierRequest,
    *,
    backends: Path | None = None,
    out: Path | None = None,
    data_dir: Path | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    compute: Compute = DEFAULT_COMPUTE,
    progress: Progress | None = None,
) -> Outcome:
    """Fidelity, gates, clean, robust and predicted accuracy of models.

    Raises:
        QamlError: the request cannot be served.
    """
    opening, progress = open_pool(workers, scheduler), progress or Silent()
    named = read_deployments([*dict.fromkeys(request.models)], compute=compute)
    deployments = [each.on(request.target, request.recipe, backends) for each in named]
    for each in deployments:
        each.check_exact()
    models = {
        str(key): (each, load_batch(request.images, [each], data_dir, or_all=request.is_default("images")))
        for key, each in enumerate(deployments)
    }
    compiled = [each.compiled for each in deployments]
    resolved = {
        "models": {each.ruled_name: each.weights_digest for each in deployments},
        **compiled[0].resolved(),
        "images": {each.ruled_name: digest(batch.images) for each, batch in models.values()},
        **compute.record(),
    }
    with opening as pool, computing(compute), open_run("frontier", request, resolved, out, backends=backends) as run:
        if not run.complete:
            attack = PGDConfig(eps=request.eps, steps=request.steps, seed=request.seed)
            scores = score_without_noise(run, models, attack, progress, pool)
            sets = {key: OnDevice(each, batch.images, each.short_name) for key, (each, batch) in models.items()}
            predicted = predict_on_devices(sets, run, progress, pool)
            rows = [_row(request, *models[key], scores[key], predicted[key]) for key in models]
            rows.sort(key=lambda row: row["two_qubit_gates"])
            told = (*readout_notes(deployments), *notes_of(named), *noise_notes(deployments))
            _write(run, request, rows, (*_NOTES, *told))
    return Outcome.of(run)


def _row(request: FrontierRequest, deployment: Deployment, batch: Batch, scores: Row, predicted: Prediction) -> Row:
    """One model."""
    config, compiled = deployment.qvc.config, deployment.compiled
    counts = gate_counts(compiled.isa)
    return {
        "model": deployment.ruled_name,
        "two_qubit_gates": counts.two_qubit_gates,
        "two_qubit_depth": counts.two_qubit_depth,
        "fidelity": scores["fidelity"],
        "clean_accuracy": scores["clean_accuracy"],
        "device_accuracy": predicted.sampled(batch.labels, request.shots, request.seed)[0],
        **{name: value for name, value in scores.items() if name.startswith("robust")},
        "device_endless": predicted.accuracy(batch.labels).value,
        "slope": predicted.slope(),
        "gate_survival": survival(compiled.isa, compiled.target.isa)[0],
        "encoding": config.encoding,
        "encoding_layers": config.encoding_layers,
        "layers": config.num_layers,
        "ansatz": config.ansatz,
        "images": len(batch),
    }


def _write(run: Run, request: FrontierRequest, rows: list[Row], notes: tuple[str, ...]) -> None:
    models = f"{len(rows)} model{'s' * (len(rows) > 1)}"
    lead = f"{models} on {request.target}, {rows[0]['images']} images, PGD with ε = {request.eps:g}."
    report = Report(run, request.command_line(run.config), "What fits a device")
    report.table("Frontier", rows, *notes, file="frontier.csv")
    report.picture("frontier.png", frontier_figure(rows), "What models reach against their two-qubit gates.")
    report.finish(lead, rows, notes)
