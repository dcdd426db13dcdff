"""Parts from outside the package, a detector among them, work wherever those of the package do."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal, Self

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from qiskit.circuit import ParameterVector, QuantumCircuit
from torch import Tensor

import qaml_qiskit as qaml
from qaml_qiskit.attacks import ATTACKS, Adversary, BoundedAttack, Traits
from qaml_qiskit.circuits import ANSAETZE, READOUTS, Ansatz, QubitReadout, ZString
from qaml_qiskit.circuits.ansatz import Angle
from qaml_qiskit.datasets import DATASETS, DatasetSpec, load_dataset
from qaml_qiskit.datasets.spec import RawPart, RawSplit
from qaml_qiskit.defences import DEFENCES
from qaml_qiskit.deployments import Deployment
from qaml_qiskit.detection import DETECTORS, Detector, Evidence, FittedDetector, make_detector, make_detectors
from qaml_qiskit.encodings import ENCODINGS, AngleEncoding, Encoding, PixelOrder
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.models import QVC, Objective, QVCConfig, load_model
from qaml_qiskit.noise import NOISES, NoiseInfo, NoiseSpec, named_noise
from tests.tolerances import EXACT_FIDELITY, VALUE


class Echo(Ansatz):
    """A rotation about Y on every qubit, then CZ on the first two; the last wall has no CZ behind it."""

    name = "echo"

    @property
    def num_parameters(self) -> int:
        return self.num_qubits * (self.num_layers + 1)

    def add_layer(self, circuit: QuantumCircuit, layer: int, angles: Iterator[Angle]) -> None:
        self.add_end(circuit, angles)
        circuit.cz(0, 1)

    def add_end(self, circuit: QuantumCircuit, angles: Iterator[Angle]) -> None:
        for qubit in range(self.num_qubits):
            circuit.ry(next(angles), qubit)


class Chained(Encoding):
    """Angles, then walls of CZ."""

    name = "chained"
    default_layers = 3
    qubit_a_pixel = True

    def __init__(self, num_qubits: int, layers: int) -> None:
        self.num_qubits, self.layers = num_qubits, layers
        self._angle = AngleEncoding(num_qubits)

    @classmethod
    def on_qubits(cls, num_qubits: int, *, layers: int | None = None, order: PixelOrder | None = None) -> Self:
        return cls(num_qubits, layers or cls.default_layers)

    @property
    def parameters(self) -> ParameterVector:
        return self._angle.parameters

    @cached_property
    def template(self) -> QuantumCircuit:
        circuit = self._angle.circuit
        for _ in range(self.layers):
            for qubit in range(self.num_qubits - 1):
                circuit.cz(qubit, qubit + 1)
        return circuit

    def angles(self, images: Tensor) -> Tensor:
        return self._angle.angles(images)

    def state(self, images: Tensor) -> Tensor:
        signs = [(-1.0) ** (self.layers * (index & index >> 1).bit_count()) for index in range(2**self.num_qubits)]
        return self._angle.state(images) * torch.tensor(signs)


class Darken(BoundedAttack):
    """Every pixel goes down as far as it may."""

    traits: ClassVar[Traits] = Traits("linf", False, "one-step", False, "nowhere")
    name: Literal["darken"] = "darken"

    def build(self, model: torch.nn.Module, num_classes: int, run: int = 0) -> Adversary:
        return lambda images, labels: images - self.eps


def read_halves() -> RawSplit:
    """Bright on the left, or on the right."""

    def part(size: int) -> RawPart:
        labels = np.arange(size) % 2
        images = np.stack([0.2 + 0.6 * labels, 0.8 - 0.6 * labels], axis=1).reshape(-1, 1, 1, 2).astype(np.float32)

        def read(positions: NDArray[np.intp]) -> NDArray[np.float32]:
            chosen: NDArray[np.float32] = images[positions]
            return chosen

        return RawPart(labels, read)

    return RawSplit(("left", "right"), part(40), part(20))


def tilt(probability: float) -> list[NDArray[np.complex128]]:
    """A random Hadamard."""
    hadamard = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
    return [np.sqrt(1 - probability) * np.eye(2) + 0j, np.sqrt(probability) * hadamard + 0j]


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    spec = DatasetSpec("halves", "two pixels", "nowhere", ("left", "right"), read_halves)
    noise = NoiseInfo("p, probability of a Hadamard", 1.0, "ρ → (1 − p)ρ + p·HρH", "each qubit", kraus=tilt)
    ANSAETZE.register("echo", Echo)
    ENCODINGS.register("chained", Chained)
    NOISES.register("tilt", noise, "a random Hadamard")
    DATASETS.register("halves", spec, "two pixels")
    ATTACKS.register("darken", Darken)
    yield
    ANSAETZE.remove("echo")
    for registry, name in ((ENCODINGS, "chained"), (NOISES, "tilt"), (DATASETS, "halves"), (ATTACKS, "darken")):
        registry.remove(name)


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    request = qaml.TrainRequest(dataset="halves", ansatz="echo", encoding="chained", layers=2, epochs=2, batch_size=16)
    qaml.train(request, out=tmp_path / "trained")
    return tmp_path / "trained"


def test_a_model_is_trained_stored_attacked_and_swept(trained: Path, tmp_path: Path) -> None:
    stored = load_model(trained)
    assert stored.card.model.model_dump()["encoding_layers"] == Chained.default_layers
    images = torch.from_numpy(load_dataset("halves").test.images[:4])
    attacked = qaml.attack(
        qaml.AttackRequest(model=str(trained), noise="tilt", strength=0.05, attack=("fgsm", "darken"), images="4"),
        out=tmp_path / "attacked",
    )
    assert {row["attack"] for row in attacked.results} == {"fgsm", "darken"}
    rows = {}
    for engine in ("exact", "aer-density"):
        request = qaml.SweepRequest(
            model=str(trained), noise=("tilt",), strengths=(0.05,), placement=("gate", "layer"), images="4",
            encoding=("own", "chained"), encoding_layers=(3,), engine=engine, attack=("darken",),
        )  # fmt: skip
        qaml.sweep(request, out=tmp_path / engine)
        cells = sorted((tmp_path / engine / "cells").glob("*tilt*.npz"))
        rows[engine] = [np.load(cell) for cell in cells]
    assert len(rows["exact"]) == 2
    for exact, aer in zip(rows["exact"], rows["aer-density"], strict=True):
        names = [name for name in exact.files if name.endswith("z")]
        assert names
        for name in names:
            assert np.abs(exact[name] - aer[name]).max() < VALUE[torch.float32]
    with torch.no_grad():
        assert stored.model(images).shape == (4, 2)


def test_layers_are_not_run_behind_an_encoding_on_other_qubits(trained: Path, tmp_path: Path) -> None:
    request = qaml.SweepRequest(model=str(trained), encoding=("multiplexed",), images="4")
    with pytest.raises(ConfigurationError, match="multiplexed encoding on 1 qubits, for layers on 2"):
        qaml.sweep(request, out=tmp_path / "swept")


def test_its_circuit_is_counted_and_written(tmp_path: Path) -> None:
    grid = qaml.ResourcesRequest(
        qubits=(3,), layers=(1,), encoding=("chained",), encoding_layers=(1, 2), recipe=("quick",)
    )
    built = [row for row in qaml.resources(grid).results if row["target"] is None]
    assert [(row["encoding_layers"], row["encoding_two_qubit_gates"]) for row in built] == [(1, 2), (2, 4)]
    assert all(row["fidelity"] == pytest.approx(1, abs=EXACT_FIDELITY) for row in built)
    encoded = qaml.encode(
        qaml.EncodeRequest(dataset="halves", encoding="chained", encoding_layers=(1, 2), images="3"),
        out=tmp_path / "run",
    )
    assert [row["encoding_layers"] for row in encoded.results] == [1, 1, 1]


def test_a_model_says_which_encoding_is_not_there_any_more(trained: Path) -> None:
    ENCODINGS.remove("chained")
    try:
        with pytest.raises(InputError, match=r"cannot load the model from .*there is no such encoding: 'chained'"):
            load_model(trained)
    finally:
        ENCODINGS.register("chained", Chained)


def test_what_is_registered_is_checked() -> None:
    with pytest.raises(ConfigurationError, match="got a str from this process; expected Encoding of"):
        ENCODINGS.register("text", "no encoding")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="Give --encoding-layers"):
        QVCConfig(image_shape=(1, 1, 2), num_classes=2, num_layers=1, encoding="chained")
    with pytest.raises(ValueError, match="either fields or Kraus"):
        NoiseInfo("p", 1.0, "", "")


@pytest.mark.parametrize("operators", [[], [np.eye(4)], [np.diag([1.0, 0.5])], [np.diag([1.0, np.nan])]])
def test_operators_that_are_no_channel_are_refused(operators: list[NDArray[np.complex128]]) -> None:
    NOISES.register("leak", NoiseInfo("p", 1.0, "", "", kraus=lambda strength: operators))
    try:
        with pytest.raises(ConfigurationError, match="the noise 'leak' is no channel on one qubit"):
            named_noise("leak", 0.1).build()
    finally:
        NOISES.remove("leak")


@pytest.mark.parametrize("strength", [0, 1.5, float("nan")])
def test_a_noise_of_a_device_file_is_checked(strength: float) -> None:
    with pytest.raises(ValueError, match=r"greater than 0|at most 1|finite"):
        NoiseSpec.model_validate({"others": [{"name": "tilt", "strength": strength}]})
    spec = NoiseSpec.model_validate({"others": [{"name": "tilt", "strength": 0.1}], "bit_flip": 0.1})
    assert NoiseSpec.model_validate(spec.model_dump(mode="json")) == spec
    assert "others" not in NoiseSpec(bit_flip=0.1).model_dump()
    with pytest.raises(ValueError, match="bit-flip has a field of its own"):
        NoiseSpec.model_validate({"others": [{"name": "bit-flip", "strength": 0.1}]})


def test_a_plugin_with_a_taken_name_is_named_on_the_command_line(tmp_path: Path) -> None:
    folder = tmp_path / "plugged-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: plugged\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[qaml_qiskit.encoding]\nangle = plugged:Angle\n")
    script = "import sys; sys.argv[0] = 'qaml'; from qaml_qiskit.cli.main import main; main()"
    words = [sys.executable, "-c", script, "encode", "--encoding", "wavelet"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), *sys.path))}
    done = subprocess.run(words, env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    warning, error = done.stderr.splitlines()
    assert warning == "Warning: the encoding 'angle' of plugged is left out: the name is taken by qaml-qiskit"
    assert error.startswith("Error: --encoding does not fit: got 'wavelet'")


class Firm(Objective):
    """The cross-entropy, and a price on large angles."""

    name = "firm"

    def loss(
        self, model: torch.nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        logits = model(images)
        price = sum(weight.square().mean() for weight in model.parameters())
        return torch.nn.functional.cross_entropy(logits, labels) + price, logits


class Bright(Detector):
    """The brightest pixel."""

    name = "bright"
    floor: float = 0.0

    def fit(self, models: Sequence[Deployment], evidence: Evidence, labels: Tensor) -> FittedDetector:
        return FittedBright(self.floor)


@dataclass(frozen=True)
class FittedBright(FittedDetector):
    floor: float

    def scores(self, evidence: Evidence) -> Tensor:
        return evidence.images.double().flatten(1).amax(1).clamp(min=self.floor)


def test_a_detector_is_asked_for_by_name_and_stands_in_a_stack() -> None:
    images = torch.rand(8, 1, 1, 2, generator=torch.Generator().manual_seed(0))
    asked = Evidence(images, (torch.zeros(8, 2),))
    DETECTORS.register("bright", Bright)
    try:
        found = make_detectors(["bright"], ["bright.floor=0.5"])["bright"].fit([], asked, torch.zeros(8))
        assert torch.equal(found.scores(asked), images.double().flatten(1).amax(1).clamp(min=0.5))
        stack = make_detector("stack", members=["bright"])
        assert stack.fit([], asked, torch.zeros(8)).scores(asked).shape == (8,)
    finally:
        DETECTORS.remove("bright")
    with pytest.raises(ConfigurationError, match="there is no such detector: got 'bright'"):
        make_detector("bright")
    with pytest.raises(ConfigurationError, match=r"expected Detector of qaml_qiskit\.detection"):
        DETECTORS.register("text", "no detector")  # type: ignore[arg-type]


class Reversed(QubitReadout):
    """Class k is read from the k-th qubit from behind."""

    @property
    def strings(self) -> tuple[ZString, ...]:
        return tuple((self.num_qubits - 1 - qubit,) for (qubit,) in super().strings)


def test_a_readout_and_an_objective_are_asked_for_by_name(tmp_path: Path) -> None:
    DEFENCES.register("firm", Firm)
    READOUTS.register("reversed", Reversed)
    try:
        small = {"dataset": "halves", "encoding": "chained", "layers": 1, "epochs": 1, "batch_size": 20}
        request = qaml.TrainRequest.model_validate({**small, "defence": "firm", "readout": "reversed"})
        qaml.train(request, out=tmp_path / "firm")
        stored = load_model(tmp_path / "firm")
        assert stored.card.objective is not None
        assert stored.card.objective.name == "firm"
        plain = qaml.train(qaml.TrainRequest.model_validate(small), out=tmp_path / "plain").run
        assert plain is not None
        assert not {"defence", "readout"} & plain.config.keys()
        images = torch.from_numpy(load_dataset("halves").test.images[:4])
        assert isinstance(stored.model, QVC)
        circuit = stored.model.circuit()
        measured = [circuit.find_bit(each.qubits[0]).index for each in circuit.data if each.name == "measure"]
        assert measured == [0, 1]
        assert (stored.model.readout.strings, stored.model.readout.bits) == (((1,), (0,)), ((1,), (0,)))
        assert qaml.attack(
            qaml.AttackRequest(model=str(tmp_path / "firm"), images=str(len(images))), out=tmp_path / "attacked"
        ).results
    finally:
        DEFENCES.remove("firm")
        READOUTS.remove("reversed")
    with pytest.raises(ConfigurationError, match="no use for --train-shots"):
        qaml.TrainRequest(defence="clean", train_shots=100)
