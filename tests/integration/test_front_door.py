"""The commands called from Python, with objects and keywords: the same checks and results as the command line."""

import inspect
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from qiskit.circuit import ParameterVector, QuantumCircuit
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import qaml_qiskit as front
from qaml_qiskit.artifacts.session import session_folder
from qaml_qiskit.cli.commands import COMMANDS
from qaml_qiskit.cli.options import arguments, request_class
from qaml_qiskit.errors import ConfigurationError, InputError, QamlError
from qaml_qiskit.models import model_files
from qaml_qiskit.workflows.objects import with_names
from tests.integration.conftest import Finished

Qaml = Callable[..., Finished]
TINY: dict[str, Any] = {"layers": 1, "epochs": 1, "seed": 2}


@pytest.fixture(scope="module")
def data() -> front.Split:
    """Four qubits, in memory: some images of a data set are not the data set."""
    whole = front.load_dataset("digits", classes=(0, 1, 2), resize=(4, 4))
    return front.Split(whole.train.take(range(60)), whole.test.take(range(30)))


@pytest.fixture(scope="module")
def outcome(data: front.Split) -> front.Outcome:
    return front.train(data, **TINY)


@pytest.fixture(scope="module")
def model(outcome: Any) -> front.StoredModel:
    return outcome.model


@pytest.fixture(scope="module")
def flows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of two kinds of rows, and of another one."""
    folder = tmp_path_factory.mktemp("flows")
    lines = [f"{'xyz'[row % 3]},{row},{'pq'[row % 2]},{row * row}" for row in range(60)]
    (folder / "flows.csv").write_text("\n".join(["kind,a,b,c", *lines]) + "\n")
    (folder / "tomorrow.csv").write_text("kind,c,b,a\nz,9,p,3\nx,90,q,-3\n")
    return folder / "flows.csv"


def rows(outcome: front.Outcome) -> list[dict[str, Any]]:
    """Without what a model is called."""
    return [{name: value for name, value in row.items() if name != "model"} for row in outcome.results]


def weights(outcome: Any) -> dict[str, bytes]:
    stored = outcome.model
    return model_files(stored.model, stored.card)


def test_from_data_to_a_device_without_a_file(data: front.Split, model: front.StoredModel, tmp_path: Path) -> None:
    attacked = front.attack(model, eps=0.1, steps=2, images=10)
    ran = front.run(model, target="fake-torino", mitigation="readout", shots=20, images=4, recipe="quick")
    certified = front.certify(front.deploy(model, "depolarizing:0.01"), images=10)
    assert len(attacked.adversarial["pgd-eps0.1"].images) == 10
    assert ran.stage == ["ideal", "raw", "mitigated"]
    assert len(certified.radius) == 10
    assert attacked.model[0].startswith("qvc-")
    assert list(tmp_path.iterdir()) == []


def test_the_results_are_those_of_the_command_line(qaml: Qaml, trained: Path) -> None:
    said = qaml("attack", trained, "--images", 6, "--attack", "fgsm", "--eps", "0.1", "--json").json()["results"]
    stored, first = front.load_model(trained), front.load_dataset("digits", classes=(0, 1, 2)).test.take(range(6))
    found = front.attack(stored, images=first, attack="fgsm", eps=0.1)
    assert rows(found) == [{name: value for name, value in row.items() if name != "model"} for row in said]
    for given in (stored, stored.model, front.deploy(stored), str(trained), trained):
        name = with_names(front.AttackRequest, {"model": given})["model"]
        assert front.deploy(name).weights == stored.weights


def test_a_deployment_goes_with_its_condition_recipe_and_precision(trained: Path) -> None:
    on = front.OnTarget("poor-readout", "quick")
    deployed = front.deploy(trained, on, compute=front.Compute(precision="double"))
    ran = front.run(deployed, images=3, shots=20)
    assert ran.run is not None
    config = ran.run.config
    assert (config["model"], config["target"], config["recipe"]) == (str(trained), "poor-readout", "quick")
    noisy = front.deploy(trained, "bit-flip:0.1:layer", compute=front.Compute(precision="double"))
    attacked = front.attack(noisy, images=3, steps=1)
    assert attacked.model == [f"{trained}@bit-flip:0.1:layer"]
    assert attacked.run is not None
    assert attacked.run.config["resolved"]["compute"] == {"precision": "double"}


def test_adversarial_images_transfer(model: front.StoredModel) -> None:
    attacked = front.attack(model, images=8, attack="fgsm", eps=0.1)
    (made,) = attacked.adversarial.values()
    found = front.transfer(adversarial=made, victims=front.deploy(model, "depolarizing:0.1"), images=8)
    assert found.attack == ["none", "fgsm"]


def test_a_loader_trains_as_arrays_do(data: front.Split) -> None:
    images, labels = data.train.images, np.array(["zero", "one", "two"])[data.train.labels]
    expected = front.train((images, labels), **TINY)
    numbers = np.unique(labels, return_inverse=True)[1]
    tensors = TensorDataset(torch.from_numpy(images), torch.from_numpy(numbers))
    found = front.train(DataLoader(tensors, batch_size=7, shuffle=True, drop_last=True), **TINY)
    assert found.results == expected.results
    assert weights(found)["model.safetensors"] == weights(expected)["model.safetensors"]
    assert expected.model.card.data.classes == ("one", "two", "zero")


def test_a_table_is_trained_on_as_on_the_command_line(qaml: Qaml, flows: Path, tmp_path: Path) -> None:
    how = ["--label-column", "kind", "--binarise", "normal=x", "attack=*", "--layers", 1, "--epochs", 1]
    assert qaml("train", "--dataset", flows, *how, "--out", tmp_path / "said").code == 0
    loaded = front.load_dataset(flows, label_column="kind", binarise={"normal": "x", "attack": "*"})
    trained = front.train(loaded, layers=1, epochs=1)
    said = front.load_model(tmp_path / "said")
    assert trained.model.card == said.card
    assert trained.model.weights == said.weights
    assert trained.run is not None
    assert trained.run.config["dataset"] == str(flows)
    later = front.attack(trained, images=flows.with_name("tomorrow.csv"), attack="fgsm", eps=0.1)
    table = pd.read_csv(flows.with_name("tomorrow.csv"))
    labelled = front.attack(trained, images=(table.drop(columns="kind"), table["kind"]), attack="fgsm", eps=0.1)
    assert rows(labelled)[0]["clean_accuracy"] == rows(later)[0]["clean_accuracy"]
    with pytest.raises(ConfigurationError, match=r"got a DataFrame.*\(table\.drop\(columns=name\), table\[name\]\)"):
        front.train(table, **TINY)
    trained.save(tmp_path / "kept")
    for images in (flows.with_name("tomorrow.csv"), 2):
        found = qaml("attack", tmp_path / "kept", "--images", images, "--attack", "fgsm", "--eps", "0.1", "--json")
        assert found.code == 0, found.err
        if images != 2:
            assert rows(later)[0]["clean_accuracy"] == found.json()["results"][0]["clean_accuracy"]


def test_data_are_found_where_they_were_loaded_from(flows: Path) -> None:
    loaded = front.load_dataset("flows.csv", data_dir=flows.parent, label_column="kind", binarise="z")
    source = front.train(loaded, **TINY).model.card.data.source
    assert source.data.path == "flows.csv"


def test_a_model_of_this_process_says_so_elsewhere(
    qaml: Qaml, outcome: front.Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome.save(tmp_path / "kept")
    # As in another process, which has none of these data.
    monkeypatch.setattr("qaml_qiskit.datasets.given.GIVEN", {})
    found = qaml("attack", tmp_path / "kept", "--images", 3)
    assert found.code == 2
    assert "trained on data of a Python process: got a request for images of its test set" in found.err
    assert "Give --images FILE" in found.err


def test_a_training_of_this_process_has_a_name(outcome: Any, model: front.StoredModel) -> None:
    deployed = front.deploy(outcome, "depolarizing:0.003")
    assert re.fullmatch(r"qvc-[0-9a-f]{12}@depolarizing:0\.003", deployed.name)
    assert with_names(front.AttackRequest, {"model": deployed}) == {"model": deployed.name}
    assert with_names(front.AttackRequest, {"model": front.deploy(model)})["model"] == deployed.model_name


def test_a_circuit_stands_for_an_ansatz(data: front.Split) -> None:
    circuit = QuantumCircuit(4)
    for qubit, angle in enumerate(ParameterVector("w", 4)):
        circuit.ry(angle, qubit)
        circuit.cx(qubit, (qubit + 1) % 4)
    trained = front.train(data, ansatz=circuit, epochs=1)
    assert trained.model.card.model.num_weights == 4
    assert front.train(data, ansatz=circuit.copy(), epochs=1).model.card == trained.model.card
    counted = front.resources(ansatz=circuit, qubits=4, encoding="none", target="ideal", recipe="quick")
    assert re.fullmatch("circuit-[0-9a-f]{12}", counted.ansatz[0])


def test_a_network_is_deployed_for_its_data(data: front.Split) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
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


def test_what_is_sent_outlives_the_process(model: front.StoredModel) -> None:
    submitted = front.submit(model, target="poor-readout", recipe="quick", images=2, shots=20)
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
        "the label 0.5 in row 0",
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


@pytest.mark.parametrize("name", ["out", "data_dir"])
@pytest.mark.parametrize("value", [3, b"runs", object()], ids=["number", "bytes", "object"])
def test_what_is_no_path_is_refused(name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} does not fit: got a "):
        front.train("digits", **{name: value})
