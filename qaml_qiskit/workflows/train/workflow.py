"""Train a model on a data set, resumably: the work behind ``qaml train``."""

from pathlib import Path

import numpy as np

from qaml_qiskit.artifacts.encoded import encoded, forget_encoded
from qaml_qiskit.artifacts.opening import open_run
from qaml_qiskit.artifacts.outcome import Outcome, Row
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.artifacts.training import fit, read_history, tensors
from qaml_qiskit.datasets import Dataset
from qaml_qiskit.evaluation import accuracy
from qaml_qiskit.formats import npz
from qaml_qiskit.models import Model, predict
from qaml_qiskit.progress import Progress, Silent, Stopping, never
from qaml_qiskit.reports import Section, learning_curves
from qaml_qiskit.reports.pages import write_page
from qaml_qiskit.workflows.train.request import TrainRequest
from qaml_qiskit.workflows.training import load_data, model_config, objective_of, training_config


def train(
    request: TrainRequest,
    *,
    out: Path | None = None,
    data_dir: Path | None = None,
    progress: Progress | None = None,
    stopping: Stopping = never,
) -> Outcome:
    """Train, test on the whole test set, and write the run.

    Args:
        request: what to train.
        out: the run folder; an unfinished run of the same request is continued.
        data_dir: where the data sets are.
        progress: told about every step.
        stopping: listens for requests to stop while training; a checkpoint is written then.

    Raises:
        PartialResultError: stopped; the same call continues (exit code 6).
        QamlError: the request cannot be served; nothing was written.
    """
    request = request.resolved()
    data = load_data(request, data_dir)
    config = model_config(request, data.train)
    with open_run("train", request, out=out) as run:
        if run.complete:
            return Outcome.of(run)
        model = fit(config, training_config(request), objective_of(request), data, run, progress or Silent(), stopping)
        history = read_history(run)
        curve = learning_curves({request.model: history})
        run.write("learning_curve.png", curve)
        tested = _test(model, data.test, run, progress or Silent())
        rows = [*history, tested]
        _write_page(run, request, tested, curve)
        run.finish({"command": "train", **tested, "results": rows})
    return Outcome.of(run)


def _test(model: Model, test: Dataset, run: Run, progress: Progress) -> Row:
    """The accuracy on the whole test set; writes the predictions."""
    images, _ = encoded(model, tensors(test), run, "test", progress)
    logits = predict(model, images).numpy()
    run.write("predictions.npz", npz(logits=logits, labels=test.labels, indices=np.arange(len(test))))
    forget_encoded(run)
    result = accuracy(logits, test.labels)
    return {"test_accuracy": result.value, "interval": list(result.interval), "images": result.trials}


def _write_page(run: Run, request: TrainRequest, tested: Row, curve: bytes) -> None:
    low, high = tested["interval"]
    lead = (
        f"The {request.model} names {tested['test_accuracy']:.1%} of the {tested['images']} test images of "
        f"{request.dataset} (95 % interval {low:.1%} to {high:.1%}). The weights are those of the epoch with the "
        "lowest loss on validation images; the test images were used once, at the end."
    )
    sections = [
        Section("Test", rows=[tested]),
        Section("Learning curve", picture=curve, caption="Loss and accuracy after every epoch."),
        Section("Configuration", rows=[{"option": name, "value": str(value)} for name, value in request]),
    ]
    write_page(run, request, f"Training a {request.model} on {request.dataset}", lead, sections)
