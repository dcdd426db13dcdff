"""A circuit of a user's own through whole commands."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from qaml_qiskit import (
    AttackRequest,
    CertifyRequest,
    ForecastRequest,
    FrontierRequest,
    ResourcesRequest,
    RunRequest,
    SweepRequest,
    TamperRequest,
    TrainRequest,
    attack,
    certify,
    collect,
    export,
    forecast,
    frontier,
    resources,
    run,
    sweep,
    tamper,
    train,
)
from qaml_qiskit.circuits import Ladder, circuit_bytes
from qaml_qiskit.errors import ConfigurationError, PartialResultError, QamlError
from qaml_qiskit.models import QVC, load_model
from qaml_qiskit.noise import LAYER_END
from tests.integration.conftest import Finished

Qaml = Callable[..., Finished]
SHORT = {"classes": (0, 1), "epochs": 2, "train_images": 40}


@pytest.fixture
def file() -> str:
    """The layers of a ladder, marked, as a circuit of one's own."""
    Path("mine.qpy").write_bytes(circuit_bytes(Ladder(6, 2).circuit(LAYER_END)))
    return "mine.qpy"


def test_it_is_trained_as_the_same_ansatz_is(file: str) -> None:
    mine = train(TrainRequest(ansatz=file, **SHORT), out=Path("mine"))
    theirs = train(TrainRequest(layers=2, **SHORT), out=Path("theirs"))
    assert mine.results == theirs.results
    first, second = (load_model(name).model for name in ("mine", "theirs"))
    assert isinstance(first, QVC)
    assert isinstance(second, QVC)
    assert torch.equal(first.weight, second.weight)


@contextmanager
def after_three_steps() -> Iterator[Callable[[], bool]]:
    """Asks a training to stop."""
    left = iter(range(3))
    yield lambda: next(left, None) is None


def test_a_stopped_training_goes_on_with_the_same_circuit(file: str) -> None:
    request = TrainRequest(ansatz=file, batch_size=8, **SHORT)
    whole = train(request, out=Path("whole")).results
    with pytest.raises(PartialResultError):
        train(request, out=Path("again"), stopping=after_three_steps)
    other = circuit_bytes(Ladder(6, 3).circuit())
    content = Path(file).read_bytes()
    Path(file).write_bytes(other)
    with pytest.raises(ConfigurationError, match="differs in"):
        train(request, out=Path("again"))
    Path(file).write_bytes(content)
    assert train(request, out=Path("again")).results == whole


def test_every_command_takes_it(file: str) -> None:
    train(TrainRequest(ansatz=file, **SHORT), out=Path("mine"))
    few = {"images": "2"}
    (ideal, *_) = run(RunRequest(model="mine", recipe="quick", shots=50, **few)).results
    assert ideal["images"] == 2
    noise = {"noise": "depolarizing", "strengths": (0.01, 0.02)}
    assert len(sweep(SweepRequest(model="mine", **noise, **few)).results) >= 2
    by_layer = sweep(SweepRequest(model="mine", noise="amplitude-damping", strengths=(0.05,), placement="layer", **few))
    assert by_layer.results[-1]["strength"] == pytest.approx(0.05)
    assert attack(AttackRequest(model="mine", attack=("fgsm",), eps=(0.1,), **few)).results
    assert len(certify(CertifyRequest(model="mine", **few)).results) == 2
    assert forecast(ForecastRequest(models=("mine",), target=("fake-torino",), recipe="quick", **few)).results
    (row,) = frontier(FrontierRequest(models=("mine",), recipe="quick", steps=2, **few)).results
    assert (row["ansatz"], row["layers"]) == ("circuit", 2)
    assert {row["part"] for row in tamper(TamperRequest(model="mine", part=("gates", "crosstalk"), **few)).results} == {
        "gates",
        "crosstalk",
    }


def test_its_trained_head_is_run_and_collected_again(file: str) -> None:
    train(TrainRequest(ansatz=file, readout="linear", **SHORT), out=Path("mine"))
    request = RunRequest(model="mine", recipe="quick", shots=50, images="4")
    results = run(request, out=Path("run")).results
    assert [row["images"] for row in results] == [4] * len(results)
    Path("run/metrics.json").unlink()
    assert collect(Path("run")).results == results
    for name in ("metrics.json", "plan.json"):
        Path("run", name).unlink()
    assert collect(Path("run")).results == results
    for name in ("metrics.json", "plan.json", "../mine/model.safetensors"):
        Path("run", name).unlink(missing_ok=True)
    with pytest.raises(QamlError, match="mine"):
        collect(Path("run"))


def test_its_resources_are_those_of_the_same_ansatz(file: str) -> None:
    request = ResourcesRequest.model_validate(
        {"ansatz": ["ladder", file], "layers": 2, "encoding": "none", "recipe": "quick", "images": 1, "qubits": [4, 6]}
    )
    rows = [row for row in resources(request).results if row["qubits"] == 6]
    assert [row["ansatz"] for row in rows] == ["ladder", "ladder", file, file]
    assert rows[0]["two_qubit_gates"] == rows[2]["two_qubit_gates"] == 10
    assert rows[1]["two_qubit_depth"] == rows[3]["two_qubit_depth"]
    with pytest.raises(ConfigurationError, match=r"a circuit on 6 qubits; expected one on 4"):
        resources(ResourcesRequest(ansatz=(file,), qubits=(4,), images=1))
    with pytest.raises(ConfigurationError, match="has its own layers"):
        ResourcesRequest(ansatz=(file,), layers=(3,))


def test_noise_by_layer_needs_marked_layers() -> None:
    Path("plain.qpy").write_bytes(circuit_bytes(Ladder(6, 1).circuit()))
    train(TrainRequest(ansatz="plain.qpy", **SHORT), out=Path("plain"))
    with pytest.raises(ConfigurationError, match="noise by layer needs layers"):
        sweep(SweepRequest(model="plain", noise="amplitude-damping", strengths=(0.1,), placement="layer", images="2"))


def test_the_command_of_its_report_parses_back(qaml: Qaml, file: str) -> None:
    words = ["train", "--ansatz", file, "--classes", "0,1", "--epochs", "1", "--train-images", "40"]
    assert qaml(*words, "--out", "run").code == 0
    assert qaml("train", "--config", "run/config.yaml", "--out", "run").code == 0
    refused = qaml(*words, "--layers", "12", "--out", "other")
    assert refused.code == 2
    assert "a circuit of your own has its own layers" in refused.err
    assert not Path("other").exists()


def test_a_circuit_stands_in_place_of_its_file(file: str) -> None:
    """From Python, for every command that takes an ansatz; what is trained can be exported."""
    circuit = Ladder(6, 2).circuit(LAYER_END)
    trained = train(dataset="digits", ansatz=circuit, **SHORT)
    assert trained.results == train(TrainRequest(ansatz=file, **SHORT), out=Path("mine")).results
    (row,) = export(trained, part="layers", out="layers.qasm").results
    assert (row["path"], row["qubits"], row["two_qubit_gates"]) == ("layers.qasm", 6, 10)
    counted = resources(ansatz=(circuit,), encoding="none", recipe="quick", images=1).results
    assert counted[0]["two_qubit_gates"] == 10
    with pytest.raises(ConfigurationError, match="got a float"):
        train(dataset="digits", ansatz=0.5, **SHORT)
