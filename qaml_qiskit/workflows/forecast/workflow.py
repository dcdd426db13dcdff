"""What accuracy a device would give, before any of its time is spent: the work behind ``qaml forecast``."""

from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path

from qaml_qiskit.artifacts import Pool, Row, Run, digest, open_pool, open_run
from qaml_qiskit.attacks import PGDConfig
from qaml_qiskit.circuits import gate_counts
from qaml_qiskit.compute import DEFAULT_COMPUTE, Compute
from qaml_qiskit.deployments import Batch, Deployment, load_batch, read_deployment
from qaml_qiskit.deployments.networks import notes_of
from qaml_qiskit.execution import survival
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.reports import Outcome, Report, forecast_curves
from qaml_qiskit.simulation import computing
from qaml_qiskit.studies import (
    OnDevice,
    Prediction,
    blame_on_devices,
    check_blamable,
    noise_notes,
    perturb_everywhere,
    predict_on_devices,
    readout_notes,
)
from qaml_qiskit.workflows.calling import takes
from qaml_qiskit.workflows.forecast.archive import (
    ARCHIVE_NOTE,
    ARCHIVE_TABLE,
    ENVELOPE_TABLE,
    forecast_archive,
    read_archive,
)
from qaml_qiskit.workflows.forecast.blame import BLAME_NOTES, BLAME_TABLE, Blames, report_blame
from qaml_qiskit.workflows.forecast.request import ForecastRequest

_NOTES = (
    "accuracy: exact for endless shots; for finite ones what is expected, the errors of what is averaged taken as "
    "normal, and the readout calibrated with as many shots. m3 corrects bitstrings that are drawn.",
    "The noise is the device's own model, on every gate of the whole circuit, encoding included. What the model does "
    "not know, such as crosstalk and drift, is not in it: a device gives less.",
)


@takes(ForecastRequest)
def forecast(
    request: ForecastRequest,
    *,
    backends: Path | None = None,
    out: Path | None = None,
    data_dir: Path | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    compute: Compute = DEFAULT_COMPUTE,
    progress: Progress | None = None,
) -> Outcome:
    """Predict the accuracy of models on devices from the devices' noise models, exactly.

    Attacked images are made by PGD with the exact gradient through the noise of layers and readout (the encoding's
    noise is left out of the gradient, not of the score).

    Raises:
        QamlError: the request cannot be served.
    """
    opening, progress = open_pool(workers, scheduler), progress or Silent()
    models = {name: read_deployment(name, compute=compute) for name in request.models}
    for model in models.values():
        model.check_exact()
    batches = {
        name: load_batch(request.images, [model], data_dir, or_all=request.is_default("images"))
        for name, model in models.items()
    }
    places = dict.fromkeys(product(request.models, request.target))
    deployments = {
        str(number): models[name].on(target, request.recipe, backends) for number, (name, target) in enumerate(places)
    }
    if request.blame:
        check_blamable(deployments)
    archive = read_archive(request, deployments)
    resolved = {
        "models": {name: model.weights_digest for name, model in models.items()},
        "targets": {target: each.resolved() for (_, target), each in zip(places, deployments.values(), strict=True)},
        "images": {name: digest(batch.images) for name, batch in batches.items()},
        **({"archive": {each.path: each.date for each in archive}} if archive else {}),
        **compute.record(),
    }
    with opening as pool, computing(compute), open_run("forecast", request, resolved, out, backends=backends) as run:
        if not run.complete:
            own = {key: (each, batches[each.ruled_name]) for key, each in deployments.items()}
            found = _predictions(request, run, own, pool, progress)
            rows = [row for (key, eps), each in found.items() for row in _rows(request, *own[key], eps, each)]
            told = (*readout_notes(models.values()), *notes_of(models.values()), *noise_notes(deployments.values()))
            blamed = blame_on_devices(own, run, progress, pool) if request.blame else {}
            blames = [(own[key][0].ruled_name, own[key][0].compiled.target, each) for key, each in blamed.items()]
            stored = forecast_archive(request, archive, own, rows, run, progress, pool)
            _write(run, request, rows, blames, (*_NOTES, *told), stored)
    further = [*([BLAME_TABLE] if request.blame else []), *([ENVELOPE_TABLE, ARCHIVE_TABLE] if archive else [])]
    return Outcome.of(run, *further)


def _predictions(
    request: ForecastRequest, run: Run, own: Mapping[str, tuple[Deployment, Batch]], pool: Pool, progress: Progress
) -> dict[tuple[str, float], Prediction]:
    """By deployment and strength of the attack, 0 for clean images."""
    attack = PGDConfig(steps=request.steps, seed=request.seed)
    attacked = perturb_everywhere(run, own, request.eps, attack, progress, pool)
    bitstrings = "m3" in request.mitigation and bool(request.shots)
    sets = {}
    for (key, (deployment, batch)), eps in product(own.items(), (0.0, *request.eps)):
        what = f"attacked with ε = {eps:g}" if eps else "clean images"
        images = attacked[key, eps] if eps else batch.images
        sets[key, eps] = OnDevice(deployment, images, f"{deployment.short_name}, {what},", bitstrings)
    found = predict_on_devices({f"{key}-{eps:g}": each for (key, eps), each in sets.items()}, run, progress, pool)
    return dict(zip(sets, found.values(), strict=True))


def _rows(
    request: ForecastRequest, deployment: Deployment, batch: Batch, eps: float, prediction: Prediction
) -> Iterator[Row]:
    """The rows of one model on one device for one strength of the attack."""
    labels, compiled = batch.labels, deployment.compiled
    counts, (gates, _) = gate_counts(compiled.isa), survival(compiled.isa, compiled.target.isa)
    for mitigation, shots in product(request.mitigation, (None, *request.shots)):
        endless, left = prediction.accuracy(labels, mitigation), prediction.slope(mitigation)
        expected = endless.value
        if shots is not None:
            expected, left = prediction.sampled(labels, shots, request.seed, mitigation)
        yield {
            "model": deployment.ruled_name,
            "layers": deployment.qvc.config.num_layers,
            "target": compiled.target.name,
            "two_qubit_gates": counts.two_qubit_gates,
            "two_qubit_depth": counts.two_qubit_depth,
            "gate_survival": gates,
            "eps": eps,
            "mitigation": mitigation,
            "shots": shots,
            "accuracy": expected,
            "interval": list(endless.interval) if shots is None else None,
            "ideal_accuracy": prediction.ideal_accuracy(labels).value,
            "slope": left,
            "images": len(labels),
        }


def _write(
    run: Run,
    request: ForecastRequest,
    rows: list[Row],
    blames: Blames,
    notes: tuple[str, ...],
    stored: Mapping[str, list[Row]],
) -> None:
    best = max(rows, key=lambda row: (row["eps"] == 0, row["shots"] is not None, row["accuracy"]))
    lead = (
        f"With {best['shots']:,} shots and mitigation {best['mitigation']}, {best['model']} is expected to name "
        f"{best['accuracy']:.1%} of {best['images']} images on {best['target']}; "
        f"without noise {best['ideal_accuracy']:.1%}."
    )
    report = Report(run, request.command_line(run.config), "What a device would score")
    report.table("Forecast", rows, *notes, file="forecast.csv")
    report.picture("forecast.png", forecast_curves(rows), "Expected accuracy against the number of two-qubit gates.")
    more = {BLAME_TABLE: report_blame(report, blames)} if blames else {}
    if stored:
        report.table("Over the archive", stored[ENVELOPE_TABLE], ARCHIVE_NOTE, file="envelope.csv")
        report.table("Each calibration", stored[ARCHIVE_TABLE], file="archive.csv")
        same = ("model", "mitigation", "shots")
        best_of = next(row for row in stored[ENVELOPE_TABLE] if all(row[name] == best[name] for name in same))
        lead += (
            f" Over {best_of['snapshots']} stored calibrations the same circuit scores {best_of['lowest']:.1%} to "
            f"{best_of['highest']:.1%}."
        )
    told = (*notes, *(BLAME_NOTES if blames else ()), *([ARCHIVE_NOTE] if stored else []))
    report.finish(lead, rows, told, **more, **stored)
