"""The commands called from Python, with objects and keywords: the same checks and results as the command line."""

import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from qiskit.circuit import ParameterVector, QuantumCircuit
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import qaml_qiskit as front
from qaml_qiskit.artifacts.session import session_folder
from qaml_qiskit.cli.commands import COMMANDS
from qaml_qiskit.cli.options import arguments, request_class
from qaml_qiskit.deployments import load_batch
from qaml_qiskit.errors import ConfigurationError, InputError, QamlError
from qaml_qiskit.models import model_files
from tests.integration.conftest import Finished

Qaml = Callable[..., Finished]
TINY: dict[str, Any] = {"layers": 1, "epochs": 1, "seed": 2}


@pytest.fixture(scope="module")
def data() -> front.Split:
    whole = front.load_dataset("digits", classes=(0, 1, 2))
    # Not the data set of that name any more: some of its images.
    return front.Split(whole.train.take(range(60)), whole.test.take(range(30)))


@pytest.fixture(scope="module")
def model(data: front.Split) -> front.StoredModel:
    return front.train(data, **TINY).model


def rows(outcome: front.Outcome) -> list[dict[str, Any]]:
    """Without what a model is called."""
    return [{name: value for name, value in row.items() if name != "model"} for row in outcome.results]


def weights(outcome: Any) -> dict[str, bytes]:
    stored = outcome.model
    return model_files(stored.model, stored.card)


def test_from_data_to_a_device_without_a_file(data: front.Split, tmp_path: Path) -> None:
    trained = front.train(data, layers=2, epochs=2)
    attacked = front.attack(trained, eps=0.1, steps=2, images=10)
    ran = front.run(trained.model, target="fake-torino", mitigation="m3", shots=50, images=10, recipe="quick")
    certified = front.certify(front.deploy(trained.model, "depolarizing:0.01"), images=10)
    assert len(attacked.adversarial["pgd-eps0.1"].images) == 10
    assert ran.stage == ["ideal", "raw", "mitigated"]
    assert len(certified.radius) == 10
    assert attacked.model[0].startswith("qvc-")
    assert list(tmp_path.iterdir()) == []


def test_the_results_are_those_of_the_command_line(qaml: Qaml, trained: Path) -> None:
    said = qaml("attack", trained, "--images", 6, "--attack", "fgsm", "--eps", "0.1,0.2", "--json").json()["results"]
    stored, first = front.load_model(trained), front.load_dataset("digits", classes=(0, 1, 2)).test.take(range(6))
    for given in (stored, stored.model, front.deploy(stored), str(trained), trained):
        images: Any = first if given is stored.model else 6
        found = front.attack(given, images=images, attack="fgsm", eps=(0.1, 0.2))
        assert rows(found) == [{name: value for name, value in row.items() if name != "model"} for row in said]


def test_a_deployment_goes_with_its_condition_recipe_and_precision(trained: Path) -> None:
    on = front.OnTarget("fake-torino", "quick")
    deployed = front.deploy(trained, on, compute=front.Compute(precision="double"))
    ran = front.run(deployed, images=3, shots=20)
    assert ran.run is not None
    config = ran.run.config
    assert (config["model"], config["target"], config["recipe"]) == (str(trained), "fake-torino", "quick")
    noisy = front.deploy(trained, "bit-flip:0.1:layer", compute=front.Compute(precision="double"))
    attacked = front.attack(noisy, images=3, steps=1)
    assert attacked.model == [f"{trained}@bit-flip:0.1:layer"]
    assert attacked.run is not None
    assert attacked.run.config["resolved"]["compute"] == {"precision": "double"}


def images_of(kind: str, images: np.ndarray, labels: np.ndarray, model: front.StoredModel) -> Any:
    tensors = torch.from_numpy(images), torch.from_numpy(labels)
    match kind:
        case "arrays":
            return images, labels
        case "tensors":
            return tensors
        case "lists of labels":
            return images, labels.tolist()
        case "dataset":
            return front.Dataset("mine", images, labels, ("a", "b", "c"))
        case "loader":
            return DataLoader(TensorDataset(*tensors), batch_size=3, shuffle=True)
        case "torch dataset":
            return TensorDataset(*tensors)
        case _:
            return load_batch("8", [front.deploy(model)], None)


@pytest.mark.parametrize(
    "kind", ["arrays", "tensors", "lists of labels", "dataset", "loader", "torch dataset", "batch"]
)
def test_images_of_any_kind_are_the_same_images(kind: str, data: front.Split, model: front.StoredModel) -> None:
    images, labels = data.test.images[:8], data.test.labels[:8]
    expected = front.attack(model, images=8, attack="fgsm", eps=0.1)
    found = front.attack(model, images=images_of(kind, images, labels, model), attack="fgsm", eps=0.1)
    assert rows(found) == rows(expected)


def test_adversarial_images_transfer(model: front.StoredModel) -> None:
    attacked = front.attack(model, images=8, attack="fgsm", eps=0.1)
    (made,) = attacked.adversarial.values()
    found = front.transfer(adversarial=made, victims=front.deploy(model, "depolarizing:0.1"), images=8)
    assert found.attack == ["none", "fgsm"]


def holder(kind: str, images: np.ndarray, labels: np.ndarray) -> Any:
    tensors = TensorDataset(torch.from_numpy(images), torch.from_numpy(labels))
    match kind:
        case "arrays":
            return images, labels
        case "loader":
            return DataLoader(tensors, batch_size=7, shuffle=True, drop_last=True)
        case "torch dataset":
            return tensors
        case _:
            return front.Dataset("given", images, labels, ("0", "1", "2"))


@pytest.mark.parametrize("kind", ["loader", "torch dataset", "dataset"])
def test_data_of_any_kind_trains_alike(kind: str, data: front.Split) -> None:
    images, labels = data.train.images, data.train.labels
    expected = front.train((images, labels), **TINY)
    found = front.train(holder(kind, images, labels), **TINY)
    assert found.results == expected.results
    assert weights(found) == weights(expected)


@pytest.mark.parametrize("kind", ["arrays", "loader", "dataset"])
def test_training_and_test_images_may_come_apart(
    kind: str, data: front.Split, model: front.StoredModel, tmp_path: Path
) -> None:
    parts = [holder(kind, part.images, part.labels) for part in (data.train, data.test)]
    # Not the run of this process that it would find again.
    found = front.train(parts, **TINY, out=tmp_path / "run")
    assert weights(found)["model.safetensors"] == model_files(model.model, model.card)["model.safetensors"]
    assert found.results[-1]["images"] == len(data.test)


def test_labels_are_numbered_in_their_order(data: front.Split) -> None:
    words = np.array(["zero", "one", "two"])[data.train.labels]
    trained = front.train((data.train.images, words), **TINY)
    assert front.load_dataset(trained.model.card.data.dataset).train.class_names == ("one", "two", "zero")
    assert front.attack(trained, images=5, attack="fgsm", eps=0.1).images == [5]


def test_rows_and_grey_images_get_their_axes(data: front.Split) -> None:
    flat, grey = data.train.images.reshape(60, 64), data.train.images[:, 0]
    assert front.train((flat, data.train.labels), **TINY).model.card.model.image_shape == (1, 1, 64)
    assert front.train((grey, data.train.labels), **TINY).model.card.model.image_shape == (1, 8, 8)


def test_a_data_set_of_the_package_keeps_its_name() -> None:
    trained = front.train(front.load_dataset("digits", classes=(3, 8)), train_images=30, **TINY)
    assert trained.model.card.data == front.DataCard(dataset="digits", classes=(3, 8))


def test_data_of_a_file_keep_their_card(data: front.Split, tmp_path: Path) -> None:
    parts = {
        "train_images": data.train.images,
        "train_labels": data.train.labels,
        "test_images": data.test.images,
        "test_labels": data.test.labels,
    }
    np.savez(tmp_path / "mine.npz", **parts)
    loaded = front.load_dataset(tmp_path / "mine.npz", classes=(0, 1), resize=(4, 4))
    trained = front.train(loaded, **TINY, out=tmp_path / "run")
    card = trained.model.card.data
    assert card.source is not None
    assert card.source.data.path == str(tmp_path / "mine.npz")
    assert card.preparation == loaded.preparation


def test_a_circuit_stands_for_an_ansatz(data: front.Split) -> None:
    circuit = QuantumCircuit(6)
    for qubit, angle in enumerate(ParameterVector("w", 6)):
        circuit.ry(angle, qubit)
        circuit.cx(qubit, (qubit + 1) % 6)
    trained = front.train(data, ansatz=circuit, epochs=1)
    assert trained.model.card.model.num_weights == 6
    assert front.train(data, ansatz=circuit.copy(), epochs=1).model.card == trained.model.card


def test_a_network_is_deployed_for_its_data(data: front.Split) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    with pytest.raises(QamlError, match="data"):
        front.attack(network, images=3)
    found = front.attack(front.deploy(network, data=data), images=data.test, attack="fgsm", eps=0.1)
    assert found.images == [30]
    assert found.model[0].startswith("Sequential-")


def test_the_same_call_finds_its_run_again_and_it_can_be_kept(model: front.StoredModel, tmp_path: Path) -> None:
    first = front.certify(model, images=4)
    again = front.certify(model, images=4)
    assert first.run is not None
    assert again.run is not None
    assert first.run.path == again.run.path
    assert first.run.path.parent == session_folder("runs")
    saved = first.save(tmp_path / "kept")
    assert saved.run is not None
    assert front.list_runs(tmp_path).state == ["complete"]
    named = front.certify(model, images=4, out=tmp_path / "named")
    assert named.run is not None
    assert named.run.path == tmp_path / "named"


def test_what_is_sent_outlives_the_process(trained: Path, tmp_path: Path) -> None:
    submitted = front.submit(trained, target="fake-torino", recipe="quick", images=2, shots=20)
    assert submitted.run is not None
    assert submitted.run.path.parent == Path("runs")
    assert front.status(submitted).state
    assert front.collect(submitted).stage[0] == "ideal"


WRONG: dict[str, tuple[Callable[[Any, Any], object], str]] = {
    "a number for a model": (lambda data, model: front.attack(3), "attack cannot take this as model: got 3"),
    "a name of nothing": (lambda data, model: front.attack("x"), "there is no such model: got 'x'"),
    "nothing": (lambda data, model: front.attack(), "model is missing"),
    "data for a model": (lambda data, model: front.attack(data), "as model: got a Split"),
    "a model for data": (lambda data, model: front.train(model), "train cannot take this as dataset"),
    "an unknown field": (lambda data, model: front.attack(model, epss=1), "Perhaps eps is meant"),
    "images alone": (
        lambda data, model: front.attack(model, images=data.test.images),
        "give images with their labels|Give",
    ),
    "a pixel above 1": (
        lambda data, model: front.train((2 * data.train.images, data.train.labels)),
        r"image \d+.*\[0, 1\]",
    ),
    "labels of another number": (
        lambda data, model: front.train((data.train.images, data.train.labels[:5])),
        "one integer label an image|labels",
    ),
    "labels with halves": (
        lambda data, model: front.train((data.train.images, data.train.labels + 0.5)),
        "labels of type float64",
    ),
    "another request": (lambda data, model: front.attack(front.TrainRequest()), "got a TrainRequest"),
    "a request and fields": (
        lambda data, model: front.attack(front.AttackRequest(model="x"), eps=0.1),
        "AttackRequest beside eps",
    ),
    "two without a name": (lambda data, model: front.attack(model, "pgd"), "2 arguments without a name"),
    "a model without its data": (
        lambda data, model: front.attack(model.model, images=3),
        "a request for 3 of a model that does not know its data",
    ),
    "a condition of nothing": (lambda data, model: front.deploy(model, "fake-torrino"), "fake-torino"),
    "a strength that is none": (lambda data, model: front.deploy(model, "depolarizing:x"), "the strength 'x'"),
    "a loader of single things": (
        lambda data, model: front.train(DataLoader(TensorDataset(torch.zeros(4, 2)))),
        "a list of 1",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_argument_is_refused_in_four_beats(
    case: str, data: front.Split, model: front.StoredModel, tmp_path: Path
) -> None:
    call, words = WRONG[case]
    with pytest.raises(QamlError, match=words) as error:
        call(data, model)
    assert isinstance(error.value, ConfigurationError | InputError)
    assert "; expected " in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [name for name, command in COMMANDS.items() if command.request])
def test_help_and_completion_have_every_field(name: str) -> None:
    kind, function = request_class(COMMANDS[name]), getattr(front, COMMANDS[name].function)
    assert kind is not None
    taken = inspect.signature(function).parameters
    beside = set(arguments(COMMANDS[name].function)) - {"request"}
    assert set(taken) == set(kind.model_fields) | beside
    assert not set(kind.model_fields) & beside
    for field, info in kind.model_fields.items():
        assert info.is_required() or taken[field].default == info.default
        assert f"    {field}: {' '.join((info.description or '').split())}" in function.__doc__
    assert "Annotated" not in str(inspect.signature(function))


def test_what_was_given_goes_with_the_process() -> None:
    script = "from qaml_qiskit.artifacts.session import session_folder; print(session_folder('runs'))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).name == "runs"
    assert not Path(done.stdout.strip()).parent.exists()
