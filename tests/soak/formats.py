"""Every format of file that the package reads: a whole sample, and the function through which it is read."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch

import qaml_qiskit
from qaml_qiskit import RunRequest, sweep, train
from qaml_qiskit.artifacts.adversarial import read_adversarial
from qaml_qiskit.artifacts.opening import load_run
from qaml_qiskit.campaigns.reproduce.pages import paper_page, read_verdicts
from qaml_qiskit.cli.call import build_request
from qaml_qiskit.datasets import load_dataset
from qaml_qiskit.deployments.images import load_images
from qaml_qiskit.execution import compile_for, load_catalogue, load_recipe, open_target
from qaml_qiskit.execution.snapshot import read_snapshot
from qaml_qiskit.models import load_model, predict
from tests.soak.samples import BATCHES, CALIBRATED, COLOUR, DATA, GREY, SWEEP, TRAINING


@dataclass(frozen=True)
class Format:
    """A format of file.

    Attributes:
        file: a whole sample of it, in the folder that :func:`make_samples` fills; the first that matches.
        kind: what its bytes say: a key of :data:`tests.soak.mutate.STRUCTURES`, or "bytes".
        read: reads the sample; called in that folder.
        written: the folder that reading changes, to be made anew for every mutation.
        exact: when a damaged file that is not refused must make no difference: "always", or only when it is "broken".
            A whole file that says something else is told from a true one where there is a record of what it said.
    """

    file: str
    kind: str
    read: Callable[[], object]
    written: str | None = None
    exact: Literal["never", "broken", "always"] = "never"


def _compiled() -> object:
    target = open_target("poor", load_catalogue(Path("backends.yaml")).entry("poor"), 2)
    recipe = load_recipe("./recipe.yaml")
    # Bounded work: how long a search may take is the user's own choice.
    small = recipe.model_copy(update={"seeds": recipe.seeds[:2], "trials": recipe.trials and 1})
    compile_for(load_model(Path("model")).model.circuit(), target, small, "sample")
    return recipe.model_dump()


def _stored() -> object:
    stored = load_model(Path("model"))
    with np.load("images.npz") as archive:
        images = torch.from_numpy(archive["images"])
    if stored.card.model.image_shape != images.shape[1:]:
        return stored.card.model_dump()
    logits = predict(stored.model, images)
    assert logits.shape == (len(images), stored.card.model.num_classes)
    return logits


def _own_circuit() -> object:
    return predict(load_model(Path("own")).model, torch.linspace(0.1, 1, 16).reshape(2, 1, 2, 4))


def _collected(run: str = "run") -> object:
    outcome = qaml_qiskit.collect(Path(run))
    return None if outcome.problem else [row for row in outcome.results if row["stage"] != "ideal"]


def _status() -> object:
    return [{**row, "job": ""} for row in qaml_qiskit.status(Path("run")).results]


def _data(name: str, shape: tuple[int, ...], folder: str = "data") -> Callable[[], object]:
    def read() -> object:
        split = load_dataset(name, data_dir=Path(folder), download=False)
        assert split.train.images.shape[1:] == split.test.images.shape[1:] == shape
        assert split.train.labels.min() >= 0
        assert split.train.labels.max() < split.train.num_classes
        return [split.train.images, split.test.images]

    return read


def _own(path: str, **how: object) -> Callable[[], object]:
    def read() -> object:
        split = load_dataset(f"./{path}", **how)  # type: ignore[arg-type]
        for part in (split.train, split.test):
            assert part.images.min() >= 0
            assert part.images.max() <= 1
            assert set(part.labels.tolist()) <= set(range(part.num_classes))
        return [split.train.images, split.test.images]

    return read


def _remembered() -> object:
    card = load_model(Path("remembers")).card
    if card.data.source is None:
        return card.model_dump()
    images, labels, _ = load_images("8", card.data, None)
    assert images.min() >= 0
    assert images.max() <= 1
    assert max(labels) < len(card.data.classes)
    return images


def _calibrated() -> object:
    return qaml_qiskit.plan(
        CALIBRATED.model_copy(update={"calibration": "calibration.json"}), backends=Path("backends.yaml")
    ).results


def _run(
    file: str, kind: str, read: Callable[[], object] = _collected, *, exact: Literal["broken", "always"] = "always"
) -> Format:
    return Format(f"run/{file}", kind, read, "run", exact)


def _adversarial() -> object:
    return read_adversarial(Path("attacked.npz")).images


def _images(file: str) -> object:
    images, labels, indices = load_images(file, DATA, None)
    assert images.ndim == 4
    assert images.min() >= 0
    assert images.max() <= 1
    assert labels.min() >= 0
    assert labels.max() <= 1
    assert len(images) == len(labels) == len(indices)
    return images


FORMATS: dict[str, Format] = {
    "backends": Format("backends.yaml", "yaml", lambda: load_catalogue(Path("backends.yaml")).model_dump()),
    "recipe": Format("recipe.yaml", "yaml", _compiled),
    "options": Format(
        "options.yaml",
        "yaml",
        lambda: build_request(RunRequest, {"model": "model"}, Path("options.yaml")).model_dump(),
    ),
    "card": Format("model/model.json", "json", _stored),
    "own-circuit": Format("own/circuit.qpy", "bytes", _own_circuit, exact="always"),
    "weights": Format("model/model.safetensors", "safetensors", _stored),
    "config": _run("config.yaml", "yaml", _status),
    "environment": Format(
        "run/environment.json", "json", lambda: load_run(Path("run"), "run").environment().keys(), "run"
    ),
    "circuit": _run("isa.qpy", "bytes", _status),
    "values": _run("values.npy", "npy", _status),
    "workload": _run("workload.json", "json", _status),
    "inputs": _run("inputs.npz", "npz"),
    "plan": _run("plan.json", "json"),
    "ledger": _run("jobs.jsonl", "jsonl"),
    "outcome": _run("outcomes/images-0001.npz", "npz", exact="broken"),
    "readout": Format(
        "calibrated/outcomes/calibration.npz", "npz", lambda: _collected("calibrated"), "calibrated", exact="broken"
    ),
    "metrics": Format("done/metrics.json", "json", lambda: list(qaml_qiskit.collect(Path("done")).document())),
    "calibration": Format("calibration.json", "json", _calibrated),
    "configuration": Format("snapshot/configuration.json", "json", lambda: read_snapshot(Path("snapshot")).num_qubits),
    "properties": Format("snapshot/properties.json", "json", lambda: read_snapshot(Path("snapshot")).num_qubits),
    "checkpoint": Format(
        "train/checkpoint.safetensors", "safetensors", lambda: train(TRAINING, out=Path("train")).results, "train"
    ),
    "curve": Format(
        "trained/learning_curve.csv", "bytes", lambda: train(TRAINING, out=Path("trained")).results, "trained"
    ),
    "cell": Format(
        "sweep/cells/*.npz", "npz", lambda: sweep(SWEEP, out=Path("sweep")).results, "sweep", exact="always"
    ),
    "adversarial": Format("attacked.npz", "npz", lambda: [_adversarial(), _images("attacked.npz")]),
    "verdicts": Format(
        "verdicts.json", "json", lambda: [paper_page(each) for each in read_verdicts(Path("verdicts.json"))]
    ),
    "images": Format("pictures.npz", "npz", lambda: _images("pictures.npz")),
    "own-arrays": Format("own.npz", "npz", _own("own.npz", pca=2)),
    "own-table": Format("own.csv", "bytes", _own("own.csv", label_column="kind")),
    "own-table-gzip": Format("own.csv.gz", "bytes", _own("own.csv.gz", label_column="kind")),
    "own-parquet": Format("own.parquet", "bytes", _own("own.parquet", label_column="kind")),
    "own-header": Format("names.txt", "bytes", _own("bare.csv", columns="names.txt", label_column="kind")),
    "own-image": Format("own/ships/2.png", "bytes", _own("own", grey=True, resize=(3, 3))),
    "own-preparation": Format("remembers/model.json", "json", _remembered),
    "idx-images": Format("data/mnist/train-images-idx3-ubyte", "bytes", _data("mnist", GREY)),
    "idx-labels": Format("data/mnist/t10k-labels-idx1-ubyte", "bytes", _data("mnist", GREY)),
    "idx-gzip": Format("data/mnist/t10k-images-idx3-ubyte.gz", "bytes", _data("mnist", GREY)),
    "cifar-archive": Format("data/cifar10/cifar-10-binary.tar.gz", "bytes", _data("cifar10", COLOUR)),
    "cifar-batch": Format(f"plain/cifar10/{BATCHES[0]}", "bytes", _data("cifar10", COLOUR, "plain")),
    "celeba-attributes": Format("data/celeba/list_attr_celeba.txt", "bytes", _data("celeba", COLOUR)),
    "celeba-partition": Format("data/celeba/list_eval_partition.txt", "bytes", _data("celeba", COLOUR)),
    "celeba-archive": Format("data/celeba/img_align_celeba.zip", "bytes", _data("celeba", COLOUR)),
    "celeba-face": Format("plain/celeba/img_align_celeba/000001.jpg", "bytes", _data("celeba", COLOUR, "plain")),
}
