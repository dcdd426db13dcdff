"""The axes of a sweep: models, encodings, noises, attacks, shots, mitigation; and what cannot be swept."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from qaml_qiskit import SweepRequest, sweep
from qaml_qiskit.attacks import make_attack, run_attack
from qaml_qiskit.deployments.circuits import native_circuit
from qaml_qiskit.encodings import ApproximateEncoding
from qaml_qiskit.evaluation import accuracy, slope
from qaml_qiskit.formats import arrays_of
from qaml_qiskit.models import QVC, DataCard, ModelCard, NoisyQVC, QVCConfig
from qaml_qiskit.models.store import model_files
from qaml_qiskit.noise import named_noise
from qaml_qiskit.progress import Advance
from qaml_qiskit.simulation.heisenberg import noisy_observables
from qaml_qiskit.workflows.sweep.report import without_constant_columns
from tests.integration.conftest import Finished
from tests.tolerances import BOUND, DIFFERENT, SIGMAS, VALUE

Qaml = Callable[..., Finished]
COUNT = 12


def store(folder: Path, config: QVCConfig, seed: int = 7) -> QVC:
    model = QVC(config, seed)
    card = ModelCard(model=config, data=DataCard(dataset="digits", classes=tuple(range(config.num_classes))))
    folder.mkdir(parents=True)
    for name, content in model_files(model, card).items():
        (folder / name).write_bytes(content)
    return model


def write_images(file: Path, shape: tuple[int, int, int], num_classes: int) -> tuple[torch.Tensor, np.ndarray]:
    pictures = torch.rand(COUNT, *shape, generator=torch.Generator().manual_seed(3))
    labels = np.arange(COUNT) % num_classes
    np.savez(file, images=pictures.numpy(), labels=labels)
    return pictures, labels


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Two models on three qubits, and images."""
    for name, seed in (("model", 7), ("other", 8)):
        store(tmp_path / name, QVCConfig(image_shape=(1, 2, 4), num_classes=3, num_layers=3), seed)
    write_images(tmp_path / "images.npz", (1, 2, 4), 3)
    return tmp_path


def words(place: Path, *models: str, images: str = "images.npz") -> tuple[object, ...]:
    return "sweep", *(place / model for model in models or ("model",)), "--images", place / images, "--json"


def test_every_combination_is_a_row(qaml: Qaml, place: Path) -> None:
    grid = ("--noise", "depolarizing,readout", "--strengths", "0.01", "--strengths", "0.1", "--placement", "gate,layer")
    more = ("--attack", "pgd,fgsm", "--eps", "0.1", "--attack-steps", "1", "--shots", "10,100")
    rest = ("--encoding", "own,multiplexed", "--mitigation", "none,readout")
    rows = qaml(*words(place, "model", "other"), *grid, *more, *rest).json()["results"]
    axes = ("model", "encoding", "noise", "strength", "placement", "attack", "eps", "shots", "mitigation")
    assert len({tuple(row[axis] for axis in axes) for row in rows}) == len(rows)
    assert len(rows) == 2 * (1 + 2 * 2 * 2) * (1 + 2) * 2 * 2
    assert [row["noise"] for row in rows[:12]] == ["none"] * 12
    assert {row["encoding"] for row in rows} == {"multiplexed"}  # own and multiplexed are the same
    assert all(row["engine"] == "exact" and row["encoding_noise"] is False for row in rows)
    assert all(row["interval"][0] - BOUND < row["accuracy"] < row["interval"][1] + BOUND for row in rows)


def test_an_attack_is_made_under_the_noise(qaml: Qaml, place: Path) -> None:
    """The rows are those of the attack on the noisy model, made here from its parts."""
    model = store(place / "again", QVCConfig(image_shape=(1, 2, 4), num_classes=3, num_layers=3))
    images, _ = write_images(place / "images.npz", (1, 2, 4), 3)
    with torch.no_grad():
        labels = model(images).argmax(dim=1).numpy()
    np.savez(place / "images.npz", images=images.numpy(), labels=labels)
    options = ("--noise", "amplitude-damping", "--strengths", "0.1", "--attack", "pgd", "--eps", "0.2")
    rows = qaml(*words(place), *options, "--attack-steps", "5", "--out", place / "run").json()["results"]
    circuit, noise = named_noise("amplitude-damping", 0.1).attach(
        native_circuit(model, "gate", with_encoding=False).circuit
    )
    noisy = NoisyQVC(model, noisy_observables(circuit, noise, range(3)))
    attack = make_attack("pgd", eps=0.2, steps=5)
    attacked = run_attack(noisy, images, torch.from_numpy(labels), attack, spare_wrong=False).images
    assert (attacked - images).abs().max() <= 0.2 + BOUND
    with torch.no_grad():
        z, ideal = noisy.expectations(attacked).numpy(), model.expectations(attacked).numpy()
    row = rows[3]
    assert (row["noise"], row["attack"], row["eps"]) == ("amplitude-damping", "pgd", 0.2)
    assert row["accuracy"] == accuracy(z, labels).value < rows[2]["accuracy"]
    assert row["slope"] == pytest.approx(slope(z, ideal), abs=10 * VALUE[torch.float32])


def test_another_encoding_is_the_same_layers_behind_it(qaml: Qaml, place: Path) -> None:
    """Against the state that the approximate encoding prepares, put into the model's own layers."""
    model = store(place / "four", QVCConfig(image_shape=(1, 4, 4), num_classes=3, num_layers=3))
    images, _ = write_images(place / "images.npz", (1, 4, 4), 3)
    options = ("--noise", "depolarizing", "--strengths", "0.1", "--encoding", "approximate", "--encoding-layers", "1")
    qaml(*words(place, "four"), *options, "--out", place / "run")
    cell = next((place / "run" / "cells").glob("*_none_*"))
    with torch.no_grad():
        state = ApproximateEncoding(4, 1, "flat").state(images)
        expected = model.expectations(state.reshape(COUNT, 1, 4, 4)).numpy()
        own = model.expectations(images).numpy()
    found = arrays_of(cell.read_bytes(), cell.name)["0.none.0.z"]
    assert np.abs(found - expected).max() < VALUE[torch.float32]
    assert np.abs(found - own).max() > DIFFERENT


def test_noise_of_the_encoding_costs_signal(qaml: Qaml, place: Path) -> None:
    options = ("--noise", "depolarizing", "--strengths", "0.02")
    without, noisy = (qaml(*words(place), *options, *more).json() for more in ((), ("--encoding-noise",)))
    assert noisy["results"][1]["encoding_noise"] is True
    assert noisy["results"][1]["slope"] < without["results"][1]["slope"] - DIFFERENT
    assert noisy["results"][0]["slope"] == pytest.approx(1, abs=VALUE[torch.float32])
    assert any("prepare the images are noisy" in note for note in noisy["notes"])


def test_inverting_the_readout_leaves_the_noise_of_the_gates_alone(qaml: Qaml, place: Path) -> None:
    options = ("--noise", "readout,depolarizing", "--strengths", "0.1", "--mitigation", "none,readout", "--shots", "50")
    rows = qaml(*words(place), *options).json()["results"]
    readout, gates = rows[2:4], rows[4:6]
    assert readout[0]["slope"] == pytest.approx(0.8, abs=10 * VALUE[torch.float32])
    assert readout[1]["slope"] == pytest.approx(1.0, abs=10 * VALUE[torch.float32])
    assert gates[0]["slope"] == gates[1]["slope"] < 1


def test_the_noise_of_a_device(qaml: Qaml, place: Path) -> None:
    options = ("--noise", "device", "--target", "fake-torino", "--recipe", "quick")
    layers, whole = (qaml(*words(place), *options, *more).json()["results"] for more in ((), ("--encoding-noise",)))
    assert layers[1] | {"noise": "device", "strength": None, "placement": None} == layers[1]
    # The two circuits lie on other qubits of the device, so neither slope need be the lower one.
    assert 0 < layers[1]["slope"] < 1
    assert 0 < whole[1]["slope"] < 1
    assert abs(layers[1]["slope"] - whole[1]["slope"]) > DIFFERENT


@pytest.mark.parametrize("engine", ["aer-trajectories", "aer-sampler"])
def test_sampled_engines_tell_their_error(qaml: Qaml, place: Path, engine: str) -> None:
    options = ("--noise", "bit-flip", "--strengths", "0.05", "--shots", "400", "--mitigation", "none,readout")
    rows = qaml(*words(place), *options, "--engine", engine, "--trajectories", "50").json()["results"]
    assert 0 < rows[2]["z_error"] < SIGMAS / np.sqrt(50)
    assert all(row["engine"] == engine for row in rows)
    assert qaml(*words(place), *options).json()["results"][2]["z_error"] is None


def test_files_pictures_and_csv(qaml: Qaml, place: Path) -> None:
    options = ("--noise", "depolarizing", "--strengths", "0.1", "--encoding", "own,approximate", "--out", place / "run")
    rows = qaml(*words(place), *options).json()["results"]
    names = {path.name for path in (place / "run").iterdir()}
    assert {"sweep.csv", "sweep-1.png", "sweep-2.png", "report.html", "metrics.json"} <= names
    table = (place / "run" / "sweep.csv").read_text().splitlines()
    assert len(table) == 1 + len(rows)
    assert "encoding_noise" in table[0]
    assert len({path.name for path in (place / "run" / "cells").iterdir()}) == 4


def test_old_configurations_are_still_read(qaml: Qaml, place: Path) -> None:
    old = {
        "command": "sweep",
        "model": str(place / "model"),
        "noise": ["depolarizing", "bit-flip"],
        "strengths": [0.01, 0.1],
        "images": str(place / "images.npz"),
        "engine": "exact",
        "shots": 1000,
        "seed": 0,
        "resolved": {"weights": "c1a5d4a05edb296d"},
    }
    (place / "config.yaml").write_text(yaml.safe_dump(old))
    rows = qaml("sweep", place / "model", "--config", place / "config.yaml", "--json").json()["results"]
    assert [(row["noise"], row["strength"]) for row in rows] == [
        ("none", 0.0),
        ("depolarizing", 0.01),
        ("depolarizing", 0.1),
        ("bit-flip", 0.01),
        ("bit-flip", 0.1),
    ]


def test_columns_that_say_nothing_are_left_out_of_the_terminal(qaml: Qaml, place: Path) -> None:
    arguments = [word for word in words(place) if word != "--json"]
    finished = qaml(*arguments, "--strengths", "0.1")
    assert finished.code == 0
    assert "engine exact" in finished.out
    assert "engine" not in finished.out.splitlines()[0]
    rows = [{"noise": "none", "engine": "exact", "eps": 0.1}, {"noise": "none", "engine": "exact", "eps": 0.2}]
    assert without_constant_columns(rows) == (
        [{"noise": "none", "eps": 0.1}, {"noise": "none", "eps": 0.2}],
        "In all rows: engine exact.",
    )


def test_images_that_are_not_there_are_named(qaml: Qaml, place: Path) -> None:
    finished = qaml(*words(place, images="no.npz"), "--out", place / "run")
    assert (finished.code, finished.out) == (2, "")
    assert "no.npz" in finished.err
    assert not (place / "run").exists()


def test_noise_that_touches_no_gate(qaml: Qaml, tmp_path: Path) -> None:
    """On two qubits a CZ has no neighbour for crosstalk."""
    store(tmp_path / "model", QVCConfig(image_shape=(1, 2, 2), num_classes=2, num_layers=1))
    write_images(tmp_path / "images.npz", (1, 2, 2), 2)
    finished = qaml(*words(tmp_path), "--noise", "crosstalk", "--strengths", "0.1")
    assert finished.code == 2
    assert "crosstalk" in finished.err


@pytest.mark.parametrize("options", [("--engine", "aer-density"), (), ("--encoding-noise",)])
def test_too_many_qubits_for_the_memory(
    qaml: Qaml, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.setattr("qaml_qiskit.memory.free_memory", lambda device: 2**30)
    store(tmp_path / "model", QVCConfig(image_shape=(1, 4, 4), num_classes=2, num_layers=1, encoding="angle"))
    write_images(tmp_path / "images.npz", (1, 4, 4), 2)
    finished = qaml(*words(tmp_path), "--strengths", "0.1", *options)
    assert finished.code == 2
    assert "16 qubits are too many" in finished.err
    assert "GiB needed, 1.0 GiB free" in finished.err


def test_another_encoding_for_a_qubit_a_pixel(qaml: Qaml, tmp_path: Path) -> None:
    store(tmp_path / "model", QVCConfig(image_shape=(1, 1, 2), num_classes=2, num_layers=1, encoding="angle"))
    write_images(tmp_path / "images.npz", (1, 1, 2), 2)
    finished = qaml(*words(tmp_path), "--strengths", "0.1", "--encoding", "multiplexed")
    assert finished.code == 2
    assert "as many qubits" in finished.err
    own = qaml(*words(tmp_path), "--strengths", "0.1")
    assert json.loads(own.out)["results"][0]["encoding"] == "angle"


def test_a_classical_model_cannot_be_swept(qaml: Qaml, trained_convnet: Path) -> None:
    finished = qaml("sweep", trained_convnet, "--strengths", "0.1")
    assert finished.code == 2
    assert "no quantum circuit" in finished.err


def test_a_small_test_set_is_taken_whole(qaml: Qaml, tmp_path: Path) -> None:
    """The digits have fewer test images than the 1,000 that are taken where nothing is said."""
    store(tmp_path / "model", QVCConfig(image_shape=(1, 8, 8), num_classes=4, num_layers=1))
    words = ("sweep", tmp_path / "model", "--noise", "readout", "--strengths", "0.1", "--json")
    whole = qaml(*words, "--out", tmp_path / "run")
    count = whole.json()["results"][0]["images"]
    config = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert config["images"] == "1000"
    assert config["resolved"]["images_taken"] == {str(tmp_path / "model"): count}
    assert f"{count} images." in (tmp_path / "run" / "report.html").read_text()
    asked = qaml(*words, "--images", count, "--out", tmp_path / "asked")
    assert asked.json()["results"] == whole.json()["results"]
    assert "images_taken" not in (tmp_path / "asked" / "config.yaml").read_text()
    refused = qaml(*words, "--images", count + 1)
    assert refused.code == 2
    assert f"1 to {count}" in refused.err


class Steps:
    """A display that counts what moves it."""

    def __init__(self) -> None:
        self.total, self.moves, self.notes = 0, [], []

    @contextmanager
    def task(self, description: str, total: int, done: int = 0) -> Iterator[Advance]:
        self.total = total

        def advance(steps: int, note: str = "") -> None:
            self.moves.append(steps)
            self.notes.append(note)

        yield advance

    def say(self, message: str) -> None:
        raise AssertionError(message)


def test_the_bar_moves_inside_a_cell(place: Path) -> None:
    shown = Steps()
    grid = {"noise": ("readout",), "strengths": (0.1,), "attack": ("fgsm",), "eps": (0.1, 0.2)}
    request = SweepRequest(model=str(place / "model"), images=str(place / "images.npz"), **grid)
    sweep(request, out=place / "run", progress=shown)
    assert shown.total == sum(shown.moves) == 2 * COUNT * 3
    assert [steps for steps in shown.moves if steps] == [COUNT] * 6
    assert any("readout 0.1: fgsm 0.2" in note for note in shown.notes)
