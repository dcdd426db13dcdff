"""Train a model on a data set, resumably: the work behind ``qaml train``."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.artifacts.encoded import encoded, forget_encoded
from qaml_qiskit.artifacts.opening import open_run
from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.artifacts.training import fit, read_history, tensors
from qaml_qiskit.compute import DEFAULT_COMPUTE, Compute
from qaml_qiskit.confidence import Probabilities
from qaml_qiskit.datasets import Dataset
from qaml_qiskit.defences import DEFENCES
from qaml_qiskit.evaluation import accuracy
from qaml_qiskit.formats import npz
from qaml_qiskit.models import QVC, Clean, Model, Objective, QVCConfig, StoredModel, build_model, predict
from qaml_qiskit.progress import Progress, Silent, Stopping, never
from qaml_qiskit.reports import Report, add_confidence, brief_figures, learning_curves
from qaml_qiskit.simulation import computing
from qaml_qiskit.studies import confidence_columns, probability_arrays, told_temperature
from qaml_qiskit.workflows.calling import takes
from qaml_qiskit.workflows.outcomes import TrainOutcome
from qaml_qiskit.workflows.train.request import TrainRequest
from qaml_qiskit.workflows.training import check_encodable, load_data, model_config, objective_of, training_config

#: Whose weights a training keeps, in words.
_KEPT = {"best": "epoch with the lowest loss on validation images", "last": "last epoch"}


@takes(TrainRequest)
def train(
    request: TrainRequest,
    *,
    out: Path | None = None,
    data_dir: Path | None = None,
    progress: Progress | None = None,
    stopping: Stopping = never,
    compute: Compute = DEFAULT_COMPUTE,
) -> TrainOutcome:
    """Train, test on the whole test set, and write the run.

    A training that is asked to stop writes a checkpoint. Weights are stored in single precision, whatever they were
    trained in, and tested as they are stored.

    Raises:
        PartialResultError: stopped; the same call continues (exit code 6).
        QamlError: the request cannot be served; nothing was written.
    """
    request = request.resolved()
    data = load_data(request, data_dir)
    config = model_config(request, data.train)
    check_encodable(config, data)
    settings, objective = training_config(request), objective_of(request)
    if not isinstance(objective, Clean):
        # Told before anything is written, too.
        objective.check(build_model(config))
    own = config.circuit if isinstance(config, QVCConfig) else None
    resolved = {
        **compute.record(),
        **({} if data.card.source is None else {"data": data.card.source.fingerprint}),
        **({} if own is None else {"circuit": own.fingerprint}),
    }
    with computing(compute), open_run("train", request, resolved or None, out) as run:
        if run.complete:
            return TrainOutcome.of(run, brief=brief_figures)
        stored = fit(config, settings, objective, data, run, progress or Silent(), stopping, compute=compute)
        history = read_history(run)
        tested = _test(stored, data.test, run, progress or Silent())
        layers = _noise_layers(stored.model)
        if layers:
            tested.row["betas"] = [row["beta"] for row in layers]
            # Without its sign, which means nothing: η is symmetric.
            tested.row["mean_beta"] = float(np.mean(np.abs(tested.row["betas"])))
        changed = _changed(objective, history)
        temperature = stored.card.temperature
        told = [] if temperature is None else [told_temperature(temperature)]
        notes = (*data.notes, *_defended(request, objective, changed), *told)
        _write_report(run, request, history, tested, layers, notes, changed)
    return TrainOutcome.of(run, brief=brief_figures)


@dataclass(frozen=True)
class _Tested:
    """What a model says of the test images.

    Attributes:
        row: its accuracy.
        labels: of the images, shape (N,).
        probabilities: by the one stage that there is; empty without a temperature.
    """

    row: Row
    labels: NDArray[np.int64]
    probabilities: dict[str, Probabilities]


def _test(stored: StoredModel, test: Dataset, run: Run, progress: Progress) -> _Tested:
    """On the whole test set; writes the predictions."""
    images, _ = encoded(stored.model, tensors(test), run, "test", progress)
    logits, temperature = predict(stored.model, images).numpy(), stored.card.temperature
    result = accuracy(logits, test.labels)
    row = {"test_accuracy": result.value, "interval": list(result.interval), "images": result.trials}
    arrays, found = {"logits": logits, "labels": test.labels, "indices": np.arange(len(test))}, {}
    if temperature is not None:
        found["ideal"] = Probabilities.of_logits(logits, temperature)
        row |= confidence_columns(found["ideal"], test.labels)
        arrays |= probability_arrays({"": found["ideal"]})
    run.write("predictions.npz", npz(**arrays))
    forget_encoded(run)
    return _Tested(row, test.labels, found)


def _noise_layers(model: Model) -> list[Row]:
    """β of every noise layer, and what the layer does on average; empty where there is none."""
    if not isinstance(model, QVC) or model.config.noise_layers is None:
        return []
    found = zip(model.betas.tolist(), model.flips().values(), strict=True)
    return [{"layer": layer, "beta": beta, "y_flip": flip} for layer, (beta, flip) in enumerate(found)]


def _changed(objective: Objective, history: list[Row]) -> str:
    """What the defence did to the validation images that choose the epoch, in words; empty for nothing."""
    return objective.validated_images if "robust_loss" in history[-1] else ""


def _defended(request: TrainRequest, objective: Objective, changed: str) -> list[str]:
    """What was trained beside the cross-entropy of clean images, and what the robust columns are."""
    told = []
    if not isinstance(objective, Clean):
        described = DEFENCES.told().get(objective.name, "").rstrip(".")
        told.append(f"The defence in training is {objective.name}{': ' * bool(described)}{described}.")
    if changed:
        chosen = " The lowest robust_loss chose the epoch." if request.keep_epoch == "best" else ""
        told.append(
            f"robust_loss, robust_accuracy: of the validation images, {changed}; others may do more harm.{chosen}"
        )
    return told


def _write_report(
    run: Run,
    request: TrainRequest,
    history: list[Row],
    tested: _Tested,
    layers: list[Row],
    notes: tuple[str, ...],
    changed: str,
) -> None:
    """The page; ``changed`` as in :func:`_defended`."""
    row = tested.row
    low, high = row["interval"]
    kept = _KEPT[request.keep_epoch] + (f", {changed}" if changed and request.keep_epoch == "best" else "")
    lead = (
        f"The {request.model} names {row['test_accuracy']:.1%} of the {row['images']} test images of "
        f"{request.dataset} (95 % interval {low:.1%} to {high:.1%}). The weights are those of the {kept}; the test "
        "images were used once, at the end."
    )
    curve = learning_curves({request.model: history})
    options = [{"option": name, "value": str(value)} for name, value in request.model_dump().items()]
    report = Report(run, request.command_line(run.config), f"Training a {request.model} on {request.dataset}")
    report.table("Test", [{name: value for name, value in row.items() if name != "betas"}], *notes)
    caption = "Loss and accuracy after every epoch" + (f"; dotted: the validation images, {changed}" if changed else "")
    report.picture("learning_curve.png", curve, f"{caption}.", "Learning curve")
    if layers:
        report.table("Noise layers", layers, _told(request))
    add_confidence(report, tested.probabilities, tested.labels, np.arange(len(tested.labels)))
    report.table("Configuration", options)
    report.finish(lead, [*history, row], notes, **row)


def _told(request: TrainRequest) -> str:
    """What the table of noise layers says, in a sentence."""
    where = {"training": "in training alone", "inference": "in inference alone", "both": "in training and in inference"}
    tested = "circuit without them" if request.noise_phases == "training" else "average over them, computed exactly"
    return (
        f"Random rotations RY(η·β) in front of every layer, {where[request.noise_phases]}; on average each is a Y with "
        f"the probability y_flip on every qubit that it acts on. The accuracies are those of the {tested}."
    )
