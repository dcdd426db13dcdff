"""One table of mistakes: each ends in exit code 2 and one line that says what to do, and leaves nothing behind."""

import shutil
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from qiskit.circuit import ParameterVector, QuantumCircuit

from qaml_qiskit.circuits import NoiseLayers, circuit_bytes
from qaml_qiskit.models import QVC, DataCard, QVCConfig, save_model
from tests.integration.conftest import Finished
from tests.unit.datasets.own_files import photographs

Setup = Callable[[Path, Path], None]


def nothing(folder: Path, model: Path) -> None:
    pass


def image_file(change: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]) -> Setup:
    def write(folder: Path, model: Path) -> None:
        images, labels = change(np.full((4, 1, 8, 8), 0.5, np.float32), np.array([0, 1, 2, 0]))
        np.savez(folder / "images.npz", images=images, labels=labels)

    return write


def pixel(value: float) -> Setup:
    def change(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        images[2, 0, 3, 4] = value
        return images, labels

    return image_file(change)


def black(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    images[1] = 0
    return images, labels


def text(name: str, content: str) -> Setup:
    return lambda folder, model: (folder / name).write_text(content) and None


def pickled(folder: Path, model: Path) -> None:
    np.savez(folder / "images.npz", images=np.array([{"a": 1}], dtype=object), labels=np.zeros(1, int))


def damaged(name: str, content: bytes) -> Setup:
    def copy(folder: Path, model: Path) -> None:
        shutil.copytree(model, folder / "model")
        (folder / "model" / name).write_bytes(content)

    return copy


def other_run(folder: Path, model: Path) -> None:
    shutil.copytree(model, folder / "out")


def a_file(folder: Path, model: Path) -> None:
    (folder / "out").write_text("")


def arrays(**content: np.ndarray) -> Setup:
    return lambda folder, model: np.savez(folder / "own.npz", **content)


def image_folder(name: str, content: bytes) -> Setup:
    def write(folder: Path, model: Path) -> None:
        photographs(folder / "own")
        (folder / "own" / name).write_bytes(content)

    return write


def program(folder: Path, model: Path) -> None:
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 3))
    torch.export.save(torch.export.export(network, (torch.rand(2, 1, 4, 4),)), folder / "net.pt2")


def module_of(content: str) -> str:
    """Every case has a module of its own, since Python imports each once."""
    return f"mine{zlib.crc32(content.encode())}"


def factory(content: str) -> Setup:
    def write(folder: Path, model: Path) -> None:
        (folder / f"{module_of(content)}.py").write_text(content)

    return write


CALIBRATED = "from torch.nn import Linear, Sequential, Flatten\nmake = lambda: Sequential(Flatten(), Linear(64, 10))"
OWN_DATA = ["train", "--dataset", "own.npz"]
TABLE = ["train", "--dataset", "own.csv"]
EIGHT = np.zeros((8, 2, 2), np.uint8)


def from_file(content: str, *more: str) -> tuple[Setup, list[str]]:
    return factory(content), ["attack", f"{module_of(content)}:make", "--dataset", "digits", *more]


def defended(folder: Path, model: Path) -> None:
    """A model with noise layers on the digits 0 and 1, in ``defended``."""
    config = QVCConfig(image_shape=(1, 8, 8), num_classes=2, num_layers=1, noise_layers=NoiseLayers())
    save_model(folder / "defended", QVC(config), DataCard(dataset="digits", classes=(0, 1)))


NETWORK = "from torch.nn import Linear, Sequential, Flatten\nmake = Sequential(Flatten(), Linear(64, 10))"
RUN = ["run", "{model}", "--images", "images.npz"]
TYPO = "targets:\n  device: {kind: fake, device: FakeTornio}\n"
SMALL = "targets:\n  small: {kind: fake, device: FakeManilaV2}\n"


def _write_qpy(file: Path) -> None:
    circuit = QuantumCircuit(6)
    circuit.ry(ParameterVector("x", 1)[0], 0)
    file.write_bytes(circuit_bytes(circuit))


QASM = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'
OWN = ["train", "--classes", "0,1", "--ansatz"]

CASES: dict[str, tuple[Setup, list[str], list[str]]] = {
    "rule that there is not": (nothing, ["attack", "{model}@layers:median:9"], ["layers:median:9", "layers:majority"]),
    "rule without draws": (nothing, ["certify", "{model}@layers:mean"], ["layers:mean:DRAWS"]),
    "rule with draws for years": (nothing, ["run", "{model}@layers:mean:1000000000"], ["100000 at most"]),
    "rule with no draw": (nothing, ["run", "{model}@layers:mean:0"], ["at least one draw"]),
    "smoothing with no noise": (nothing, ["attack", "{model}@smoothing:-0.1:10"], ["-0.1", "above 0"]),
    "a filter that there is not": (nothing, ["attack", "{model}@filter:blur:3"], ["blur:3", "median:SIZE"]),
    "the exact radius behind a filter": (
        nothing,
        ["certify", "{model}@filter:median:3"],
        ["the filter median:3 in front of it"],
    ),
    "two rules": (nothing, ["attack", "{model}@layers:off@smoothing:0.1:9"], ["layers:off and smoothing:0.1:9"]),
    "noise layers that there are not": (
        nothing,
        ["attack", "{model}@layers:majority:9", "--attack", "fgsm"],
        ["has no noise layers", "layers:majority:9 for a qvc", "--noise-layers"],
    ),
    "noise layers of a network": (
        nothing,
        ["attack", "{convnet}@layers:off", "--attack", "fgsm"],
        ["has no noise layers", "for a convnet"],
    ),
    "uncertainty of models of different data": (
        defended,
        ["uncertainty", "{model}", "defended"],
        ["differ", "the classes"],
    ),
    "curvature behind noise layers": (
        defended,
        ["uncertainty", "defended@layers:exact"],
        ["no Laplace approximation", "@layers:off"],
    ),
    "certificates of draws": (
        defended,
        ["certify", "defended@layers:majority:9"],
        ["computed exactly", "layers:majority:9", "Name defended@layers:exact"],
    ),
    "smoothing of what is smoothed": (
        defended,
        ["certify", "defended@smoothing:0.1:9", "--method", "smoothing"],
        ["computed exactly", "Name defended."],
    ),
    "sweep of draws": (defended, ["sweep", "defended@layers:mean:9"], ["computed exactly", "defended@layers:exact"]),
    "forecast of draws": (
        defended,
        ["forecast", "defended@layers:mean:9", "--target", "fake-torino"],
        ["computed exactly", "defended@layers:exact"],
    ),
    "frontier of a vote": (
        defended,
        ["frontier", "{model}", "defended@smoothing:0.1:9"],
        ["computed exactly", "smoothing:0.1:9"],
    ),
    "tampering with draws": (defended, ["tamper", "defended@layers:mean:9"], ["computed exactly"]),
    "tampering with gates between noise layers": (
        defended,
        ["tamper", "defended", "--part", "weights,readout"],
        ["weights of defended cannot", "defended@layers:off"],
    ),
    "export of draws": (defended, ["export", "defended@layers:mean:9"], ["computed exactly"]),
    "average on a target": (
        defended,
        ["plan", "defended@layers:exact", "--target", "ideal"],
        ["exact average", "no circuit does", "layers:mean:10"],
    ),
    "draws of a device's exact score": (
        defended,
        ["transfer", "--sources", "defended", "--victims", "defended@layers:mean:9@ideal", "--attacks", "fgsm"],
        ["computed exactly", "defended@layers:exact@ideal"],
    ),
    "draws that do not fit into a job": (
        defended,
        ["plan", "defended@layers:mean:9000", "--target", "ideal", "--images", "1"],
        ["does not fit into a job", "of each of 9000 draws"],
    ),
    "circuit that is not there": (nothing, [*OWN, "mine.qpy"], ["mine.qpy", "No such file"]),
    "circuit that is no QPY": (text("c.qpy", "hello"), [*OWN, "c.qpy"], ["c.qpy", "no QPY"]),
    "circuit with a mistake": (text("c.qasm", QASM + "qubit[6] q;\nry(q[0];"), [*OWN, "c.qasm"], ["c.qasm", "line 4"]),
    "circuit in OpenQASM 2": (text("c.qasm", "OPENQASM 2.0;\nqreg q[6];"), [*OWN, "c.qasm"], ["input float"]),
    "circuit without free angles": (
        text("c.qasm", QASM + "qubit[6] q;\nry(0.5) q[0];"),
        [*OWN, "c.qasm"],
        ["c.qasm", "without free parameters"],
    ),
    "circuit with a reset": (
        text("c.qasm", QASM + "input float a;\nqubit[6] q;\nry(a) q[0];\nreset q[2];"),
        [*OWN, "c.qasm"],
        ["'reset', instruction 1, on qubits [2]"],
    ),
    "circuit that goes on after a measurement": (
        text("c.qasm", QASM + "input float a;\nqubit[6] q;\nbit c;\nc = measure q[1];\nry(a) q[1];"),
        [*OWN, "c.qasm"],
        ["'measure', instruction 0", "before 'ry'"],
    ),
    "circuit with a loop": (
        text("c.qasm", QASM + "input float a;\nqubit[6] q;\nfor uint i in [0:3] { ry(a) q[0]; }"),
        [*OWN, "c.qasm"],
        ["'for_loop'", "as often as it runs"],
    ),
    "circuit wider than the image": (
        text("c.qasm", QASM + "input float a;\nqubit[9] q;\nry(a) q[8];"),
        [*OWN, "c.qasm"],
        ["9 qubits", "expected 6"],
    ),
    "circuit with the encoding's angles": (
        lambda folder, model: _write_qpy(folder / "c.qpy"),
        [*OWN, "c.qpy"],
        ["parameters of the encoding", "x[0]"],
    ),
    "noise of gates in a circuit": (
        text("c.qasm", QASM + "input float a;\nqubit[6] q;\nry(a) q[0];"),
        [*OWN, "c.qasm", "--train-noise", "0.01"],
        ["cannot sample errors", "'ry'", "--train-noise"],
    ),
    "circuit and layers": (
        text("c.qasm", QASM + "input float a;\nqubit[6] q;\nry(a) q[0];"),
        [*OWN, "c.qasm", "--layers", "12"],
        ["--layers 12", "Leave out --layers"],
    ),
    "circuit of a convnet": (
        text("c.qasm", QASM),
        ["train", "--model", "convnet", "--ansatz", "c.qasm"],
        ["no use for --ansatz"],
    ),
    "export of an image that is not there": (nothing, ["export", "{model}", "--image", "9999"], ["--image 9999"]),
    "export of layers with an image": (
        nothing,
        ["export", "{model}", "--image", "1", "--part", "layers"],
        ["hold no image"],
    ),
    "export with the ending of the other format": (
        nothing,
        ["export", "{model}", "--out", "c.qpy"],
        ["c.qpy", "--format qpy"],
    ),
    "a file of Python in the place of a module": (
        nothing,
        ["attack", "nets/mine.py:make", "--dataset", "digits"],
        ["there is no such model", "nets/mine.py:make", "package.module:factory"],
    ),
    "export to a folder": (lambda folder, model: (folder / "d").mkdir(), ["export", "{model}", "--out", "d"], ["d"]),
    "all-zero image": (image_file(black), RUN, ["image 1", "all zero"]),
    "NaN pixel": (pixel(np.nan), RUN, ["image 2", "nan"]),
    "pixel above one": (pixel(1.5), RUN, ["image 2", "1.5"]),
    "negative pixel": (pixel(-0.1), RUN, ["image 2", "-0.1"]),
    "wrong shape": (image_file(lambda x, y: (x[:, :, :4], y)), RUN, ["(4, 1, 4, 8)", "(N, 1, 8, 8)"]),
    "flat images": (image_file(lambda x, y: (x.reshape(4, 64), y)), RUN, ["N×C×H×W"]),
    "label out of range": (image_file(lambda x, y: (x, y + 1)), RUN, ["0 to 2"]),
    "labels missing": (image_file(lambda x, y: (x, y[:2])), RUN, ["labels"]),
    "pickled images": (pickled, RUN, ["plain arrays"]),
    "one run alone": (nothing, ["runs", "compare", "{model}"], ["RUNS", "at least 2"]),
    "a run twice": (nothing, ["runs", "compare", "{model}", "{model}"], ["each value once"]),
    "no run to compare": (nothing, ["runs", "compare", "{model}", "nowhere"], ["nowhere", "qaml runs list"]),
    "no folder of runs": (nothing, ["runs", "list", "nowhere"], ["nowhere", "no folder"]),
    "no such image file": (nothing, RUN, ["images.npz", "No such file"]),
    "not an npz": (text("images.npz", "hello"), RUN, ["images.npz"]),
    "more images than there are": (nothing, ["run", "{model}", "--images", "5000"], ["1 to"]),
    "no images": (nothing, ["run", "{model}", "--images", "0"], ["got a request for 0"]),
    "shots 0": (nothing, ["run", "{model}", "--shots", "0"], ["--shots", "got 0"]),
    "unknown mitigation": (
        nothing,
        ["run", "{model}", "--mitigation", "zen"],
        ["'none', 'readout', 'm3', 'trex' or 'zne'"],
    ),
    "plan without shots": (nothing, ["plan", "{model}", "--shots", "0"], ["--shots", "got 0"]),
    "more images a job than fit": (
        nothing,
        ["run", "{model}", "--shots", "1000000", "--images-per-job", "50"],
        ["50 images a job", "executions a job"],
    ),
    "calibration that is not there": (
        nothing,
        ["run", "{model}", "--calibration", "c.json"],
        ["c.json", "No such file"],
    ),
    "calibration of another kind": (
        text("c.json", "{}"),
        ["run", "{model}", "--calibration", "c.json"],
        ["c.json", "calibration.json"],
    ),
    "collect what is no run": (nothing, ["collect", "nowhere"], ["nowhere is no run", "not a run"]),
    "collect a training": (nothing, ["collect", "{model}"], ["a run of `qaml train`"]),
    "status of what is no run": (nothing, ["status", "nowhere"], ["nowhere"]),
    "cancel what is no run": (nothing, ["cancel", "nowhere"], ["nowhere"]),
    "retry what is no run": (nothing, ["submit", "--retry", "nowhere"], ["nowhere"]),
    "submit nothing": (nothing, ["submit"], ["MODEL is missing"]),
    "snapshot that is not there": (
        text("backends.yaml", "targets: {then: {kind: snapshot, folder: gone}}\n"),
        ["run", "{model}", "--target", "then"],
        ["gone", "No such file"],
    ),
    "too many classes": (
        nothing,
        ["train", "--classes", "0,1,2,3,4,5,6"],
        ["7 classes on 6 qubits", "--readout linear"],
    ),
    "observables of the wrong length": (
        nothing,
        ["train", "--readout", "linear", "--observables", "ZIIIIZ,ZZ"],
        ["'ZZ'", "got 2 letters", "expected 6"],
    ),
    "observables with an X": (
        nothing,
        ["train", "--readout", "parity", "--observables", "IIXIIZ"],
        ["the letter X", "Rotate the basis"],
    ),
    "an observable twice": (
        nothing,
        ["train", "--readout", "linear", "--observables", "ZIIIIZ,IZIIII,ZIIIIZ"],
        ["'ZIIIIZ'", "twice"],
    ),
    "the identity as an observable": (
        nothing,
        ["train", "--readout", "linear", "--observables", "IIIIII"],
        ["identity", "at least one Z"],
    ),
    "observables of a readout without": (nothing, ["train", "--observables", "ZIIIII"], ["readout qubits", "linear"]),
    "observables of a network": (
        nothing,
        ["train", "--model", "convnet", "--observables", "ZIIIII"],
        ["no use for --observables"],
    ),
    "a head for more outputs than features allow": (
        nothing,
        ["train", "--readout", "linear", "--observables", "ZIIIII,IZIIII,ZZIIII"],
        ["10 classes from 3 averages", "4 outcomes", "at most 4 classes"],
    ),
    "three classes by a sign": (
        nothing,
        ["train", "--readout", "single", "--classes", "0,1,2"],
        ["got 3 classes", "--readout linear"],
    ),
    "a readout with a typo": (nothing, ["train", "--readout", "liner"], ["Perhaps linear"]),
    "class that does not exist": (nothing, ["train", "--classes", "0,11"], ["11"]),
    "classes that are not there": (nothing, ["train", "--classes", "a,b"], ["cannot select classes", "'a'"]),
    "unknown data set": (nothing, ["train", "--dataset", "mnits"], ["mnits", "mnist"]),
    "own data that are not there": (nothing, ["train", "--dataset", "mnits.npz"], ["mnits.npz", "no such file"]),
    "own data with pickles": (arrays(images=np.array([{}] * 8), labels=np.zeros(8)), OWN_DATA, ["pickled objects"]),
    "own data of one class": (arrays(images=EIGHT, labels=np.ones(8, int)), OWN_DATA, ["one class only", "'1'"]),
    "own data without labels": (arrays(images=EIGHT), OWN_DATA, ["no array 'labels'"]),
    "own data with fractions for labels": (arrays(images=EIGHT, labels=np.arange(8) / 3), OWN_DATA, ["label 0.333"]),
    "class missing in the test part": (
        arrays(train_images=EIGHT, train_labels=np.arange(8) % 2, test_images=EIGHT, test_labels=np.zeros(8, int)),
        OWN_DATA,
        ["missing in its test part", "'1'", "--classes"],
    ),
    "own data with endless labels": (arrays(images=EIGHT, labels=np.arange(8) * 1e300), OWN_DATA, ["label 1e+300"]),
    "own data of a class that is no text": (
        arrays(images=EIGHT, labels=np.array(["\udcff", "b"] * 4)),
        OWN_DATA,
        ["'\\udcff'", "not UTF-8", "Rename the class"],
    ),
    "a black image in the test part": (
        arrays(
            train_images=EIGHT + 9,
            train_labels=np.arange(8) % 2,
            test_images=np.concatenate([EIGHT[:3] + 9, EIGHT[:1]]),
            test_labels=np.arange(4) % 2,
        ),
        [*OWN_DATA, "--out", "out"],
        ["test images of own.npz", "image 3", "norm 0"],
    ),
    "a row of features without a size": (
        arrays(
            train_images=np.eye(4).repeat(4, 0),
            train_labels=np.arange(16) % 2,
            test_images=np.where(np.arange(1200)[:, None] == 1100, 0, np.ones((1200, 4))),
            test_labels=np.arange(1200) % 2,
        ),
        [*OWN_DATA, "--out", "out"],
        ["test images of own.npz", "image 1100", "norm 0", "--encoding angle"],
    ),
    "test data that are the training data": (
        text("own.csv", "a,label\n1,x\n2,y\n" * 3),
        [*TABLE, "--test-data", "own.csv"],
        ["are the training data", "the content of own.csv", "30 %"],
    ),
    "a name too long for a file": (nothing, ["train", "--dataset", "x" * 5000], ["--dataset does not fit"]),
    "labels twice": (text("own.csv", "a,label,label\n1,x,x\n2,y,y\n" * 3), TABLE, ["the column 'label' twice"]),
    "endless labels": (text("own.csv", "a,label\n1,inf\n2,1\n3,inf\n4,1\n"), TABLE, ["label inf in row 0"]),
    "empty own data": (text("own.csv", ""), TABLE, ["own.csv", "an empty file"]),
    "cells without a value": (text("own.csv", "a,label\n1,x\n,y\n3,x\n"), TABLE, ["row 1", "'a'", "without a value"]),
    "constant columns alone": (text("own.csv", "a,label\n" + "1,x\n1,y\n" * 4), TABLE, ["same in all training rows"]),
    "no such column of labels": (text("own.csv", "a,kind\n1,x\n"), TABLE, ["'label'", "a, kind", "--label-column"]),
    "names of columns that are not there": (
        text("own.csv", "1,x\n"),
        [*TABLE, "--columns", "names.txt"],
        ["names.txt", "no such file"],
    ),
    "a broken image": (image_folder("trucks/9.png", b"x"), ["train", "--dataset", "own"], ["9.png", "damaged image"]),
    "images of two sizes": (
        image_folder("trucks/9.ppm", b"P6 1 1 255 abc"),
        ["train", "--dataset", "own"],
        ["different sizes", "--resize"],
    ),
    "own data of another kind": (text("own.csv", "a,label\n"), ["train", "--dataset", "own.mat"], ["own.mat"]),
    "options of own data for a known set": (nothing, ["train", "--test-data", "x.npz"], ["'digits'", "--test-data"]),
    "group of no class": (nothing, ["train", "--binarise", "few=1,11"], ["'11'", "cannot group"]),
    "three groups": (nothing, ["train", "--binarise", "a=1", "b=2", "c=3"], ["one group or two"]),
    "height without width": (nothing, ["train", "--resize", "8"], ["--resize", "at least 2"]),
    "more components than images have pixels": (nothing, ["train", "--pca", "65"], ["--pca 65", "1 to"]),
    "more images to begin with than queries": (
        nothing,
        ["substitute", "{model}", "--queries", "50", "--first", "60"],
        ["not enough queries", "--queries 50"],
    ),
    "more images to begin with than there are": (
        nothing,
        ["substitute", "{model}", "--images", "20", "--first", "11"],
        ["not enough images", "at most 10"],
    ),
    "no queries": (nothing, ["substitute", "{model}", "--queries", "0"], ["--queries"]),
    "substitute that is a circuit": (nothing, ["substitute", "{model}", "--model", "qvc"], ["--model", "'cnn'"]),
    "images of states made smaller": (
        nothing,
        ["train", "--dataset", "ising", "--pca", "3"],
        ["quantum states", "--pca"],
    ),
    "convolutions of images with two pixels": (
        nothing,
        ["train", "--dataset", "thin-moons", "--model", "cnn"],
        ["at least 8×8", "fnn"],
    ),
    "detection without validation": (
        defended,
        ["detect", "--models", "defended", "--detector", "confidence"],
        ["nobody knows which images defended did not learn from", "--validation FILE"],
    ),
    "detection by a network alone": (
        from_file(NETWORK)[0],
        ["detect", "--models", from_file(NETWORK)[1][1], "--dataset", "digits", "--detector", "confidence"],
        ["nobody knows which images", "got a network"],
    ),
    "unknown model kind": (
        nothing,
        ["train", "--model", "qvd"],
        ["'qvc', 'hybrid', 'convnet', 'resnet18'"],
    ),
    "a negative noise to augment with": (nothing, ["train", "--augment-sigma=-1"], ["--augment-sigma", "-1"]),
    "a share above one": (
        nothing,
        ["train", "--defence", "augmented", "--augment-share", "1.5"],
        ["--augment-share", "1.5"],
    ),
    "an augmentation of no defence": (
        nothing,
        ["train", "--augment-sigma", "0.2"],
        ["no use for --augment-sigma", "--defence augmented"],
    ),
    "a penalty on norms that no angle changes": (
        nothing,
        ["train", "--defence", "regularised", "--penalty", "spectral"],
        ["eigenvalues ±1", "--penalty gradient"],
    ),
    "movement of fitted states": (nothing, ["encode", "--movement", "0.1"], ["approximate", "Leave out --movement"]),
    "movement beyond a pixel": (nothing, ["encode", "--encoding", "multiplexed", "--movement", "2"], ["--movement"]),
    "no layers": (nothing, ["train", "--layers", "0"], ["--layers"]),
    "layers to count beyond the memory": (
        nothing,
        ["resources", "--layers", "1000000000000", "--images", "1"],
        ["GiB needed", "GiB free"],
    ),
    "encoding layers beyond the memory": (
        nothing,
        ["encode", "--encoding-layers", "1000000000000"],
        ["approximate encoding", "GiB needed"],
    ),
    "a number beyond 64 bits": (nothing, ["train", "--train-shots", str(2**63)], ["--train-shots", "less than"]),
    "layers beyond the memory": (nothing, ["train", "--layers", "1000000000"], ["GiB needed", "GiB free"]),
    "endless rate": (nothing, ["train", "--learning-rate", "inf"], ["--learning-rate", "finite"]),
    "rate that is no number": (nothing, ["train", "--learning-rate", "nan"], ["--learning-rate", "finite"]),
    "certified radii of a network": (
        nothing,
        ["train", "--model", "convnet", "--defence", "certified"],
        ["certified radii", "got a convnet", "quadratic"],
    ),
    "certified radii behind a fit": (
        nothing,
        ["train", "--encoding", "approximate", "--defence", "certified"],
        ["certified radii", "approximate", "multiplexed"],
    ),
    "certified radii of noise layers": (
        nothing,
        ["train", "--noise-layers", "0.25", "--defence", "certified"],
        ["certified radii", "noise layers", "multiplexed"],
    ),
    "a certified radius of zero": (
        nothing,
        ["train", "--defence", "certified", "--certified-radius", "0"],
        ["--certified-radius", "more than 0"],
    ),
    "a certified weight above one": (
        nothing,
        ["train", "--defence", "certified", "--certified-weight", "2"],
        ["--certified-weight", "at most 1"],
    ),
    "a certified radius without its defence": (
        nothing,
        ["train", "--certified-radius", "2"],
        ["no use for --certified-radius", "--defence certified"],
    ),
    "seed beyond 64 bits": (nothing, ["train", "--seed", str(2**64)], ["--seed", "less than"]),
    "draws without end": (
        nothing,
        ["train", "--train-noise", "0.01", "--train-draws", "1000000000"],
        ["--train-draws", "256"],
    ),
    "option in the file that does not exist": (
        text("c.yaml", "epoch: 3\n"),
        ["train", "--config", "c.yaml"],
        ["c.yaml", "'epoch'", "epochs"],
    ),
    "wrong value in the option file": (
        text("c.yaml", "epochs: many\n"),
        ["train", "--config", "c.yaml"],
        ["c.yaml: epochs", "'many'", "integer"],
    ),
    "option file missing": (nothing, ["train", "--config", "c.yaml"], ["c.yaml", "No such file"]),
    "backends.yaml with a typo": (
        text("backends.yaml", TYPO),
        ["run", "{model}"],
        ["backends.yaml", "FakeTorino", "expected one of the"],
    ),
    "target with a typo": (nothing, ["run", "{model}", "--target", "fake-torrino"], ["Perhaps fake-torino"]),
    "recipe with a typo": (nothing, ["run", "{model}", "--recipe", "levle3"], ["Perhaps level3"]),
    "choice with a typo": (nothing, ["train", "--encoding", "aproximate"], ["Perhaps approximate"]),
    "more shots than a job holds": (
        nothing,
        ["run", "{model}", "--shots", "10000000"],
        ["got 10000000 shots", "at most 5000000 shots"],
    ),
    "data directory that is not there": (
        nothing,
        ["train", "--dataset", "mnist", "--data-dir", "nowhere"],
        ["no such data directory: got nowhere"],
    ),
    "moons on one qubit": (nothing, ["train", "--dataset", "moons"], ["2 classes on 1 qubit", "angle encoding"]),
    "weights of another kind": (
        text("my.pt", "x"),
        ["run", "my.pt"],
        ["my.pt", "only safetensors", "package.module:factory"],
    ),
    "layers of a convnet": (
        nothing,
        ["train", "--model", "convnet", "--layers", "3"],
        ["no use for --layers", "--model qvc"],
    ),
    "two targets": (nothing, ["run", "{model}", "--target", "a", "--target", "b"], ["--target", "given 2 times"]),
    "backends.yaml missing": (nothing, ["run", "{model}", "--backends", "b.yaml"], ["b.yaml", "No such file"]),
    "unknown target": (nothing, ["run", "{model}", "--target", "fake-turin"], ["fake-turin", "fake-torino"]),
    "target too small": (
        text("backends.yaml", SMALL),
        ["run", "{model}", "--target", "small"],
        ["too small", "5 qubits", "at least 6"],
    ),
    "demo on a target too small": (
        text("backends.yaml", SMALL),
        ["demo", "--target", "small"],
        ["too small", "at least 6"],
    ),
    "unknown recipe": (nothing, ["run", "{model}", "--recipe", "level9"], ["level9", "level3"]),
    "model that is not there": (nothing, ["run", "nowhere"], ["'nowhere'", "qaml train"]),
    "corrupt weights": (damaged("model.safetensors", b"garbage"), ["run", "model"], ["model.safetensors", "corrupt"]),
    "corrupt model card": (damaged("model.json", b"{"), ["run", "model"], ["model.json", "corrupt"]),
    "classical model on a device": (nothing, ["run", "{convnet}"], ["convnet", "qvc"]),
    "folder in the way": (a_file, ["train", "--out", "out"], ["out", "--out"]),
    "folder of another run": (other_run, ["train", "--out", "out"], ["differs in", "--out"]),
    "unwritable folder": (nothing, ["train", "--out", "/proc/here/not"], ["cannot write", "--out"]),
    "unwritable workspace": (nothing, ["init", "/proc/here/not"], ["cannot write"]),
    "attack beyond the pixel range": (nothing, ["demo", "--eps", "1.5"], ["--eps", "1.5"]),
    "more qubits than can be counted": (nothing, ["resources", "--qubits", "40"], ["--qubits"]),
    "recipe with a misspelt field": (
        text("mine.yaml", "why: x\noptimization_level: 1\nseeds: [1]\ndynamic_decoupling: XX\n"),
        ["resources", "--recipe", "mine.yaml"],
        ["dynamic_decoupling"],
    ),
    "unknown command": (nothing, ["runn"], ["runn"]),
    "unknown option": (nothing, ["train", "--epoch", "3"], ["--epoch"]),
    "not a number": (nothing, ["train", "--epochs", "ten"], ["--epochs", "integer"]),
    "argument missing": (nothing, ["run"], ["MODEL is missing"]),
    "unknown data set to verify": (nothing, ["data", "verify", "mnits"], ["mnits"]),
}


#: For each command, further words and a part of what is said about them.
WRONG_USE: dict[str, list[tuple[str, str]]] = {
    "sweep {model} --images 5": [
        ("--noise depolarising", "--noise does not fit: got 'depolarising'"),
        ("--noise over-rotation --strengths 3.5", "radians"),
        ("--noise bit-flip --strengths 1.5", "probability of an X"),
        ("--noise readout --strengths 0.5 --mitigation readout", "--mitigation"),
        ("--attack pdg", "Perhaps pgd"),
        ("--attack pgd --eps 2", "eps"),
        ("--eps 0", "--eps"),
        ("--engine aer", "--engine"),
        ("--encoding angle", "--encoding"),
        ("--placement layer --encoding-noise", "--encoding-noise"),
        ("--noise device --target ideal", "no device noise"),
        ("--noise device --target nowhere", "no such target"),
        ("--noise readout,readout", "each value once"),
        ("--shots 0", "--shots"),
        ("--mitigation zne", "--mitigation"),
        ("--mitigation m3", "m3 with --engine aer-sampler only"),
    ],
    "certify {model}": [
        ("--noise gamma-rays --strength 0.1", "gamma-rays"),
        ("--noise bit-flip --strength 1.5", "1.5"),
        ("--noise bit-flip", "--strength"),
        ("--samples 10", "--method smoothing"),
        ("--shots 0", "--shots"),
        ("--shots 100 --confidence 1", "--confidence"),
        ("--confidence 0.9", "--shots"),
        ("--shots 100 --method smoothing", "--method exact"),
        ("--method smoothing --smoothing-sigma 0", "smoothing-sigma"),
        ("--method smoothing --failure 1", "failure"),
        ("--strength 0.1", "--noise"),
        ("--images 1000000", "1000000"),
        ("--images 0", "0"),
        ("--images none.npz", "none.npz"),
        ("--seed -1", "--seed"),
    ],
    "calibrate {model}": [
        ("--method plat", "Perhaps platt is meant"),
        ("--method platt,platt", "each value once"),
        ("--bins 0", "--bins"),
        ("--images 0", "0"),
        ("--images 1000000", "1000000"),
        ("--validation 1000000", "not enough validation images"),
        ("--validation 29", "at least 30, 10 a class"),
        ("--validation none.npz", "none.npz"),
        ("--shots 100", "has no use for --shots"),
        ("--mitigation none", "--target, or MODEL@TARGET"),
        ("--target nowhere", "no such target"),
        ("--target fake-torino --shots 0", "--shots"),
        ("--target fake-torino --noise bit-flip --strength 0.1", "two conditions"),
        ("--noise bit-flip", "--strength"),
        ("--eps 0.1", "--attack"),
        ("--attack pdg", "Perhaps pgd"),
        ("--attack pgd --eps 2", "eps"),
        ("--target fake-torino --attack pgd", "by its gradients"),
        ("--seed -1", "--seed"),
    ],
    "conformal {model}": [
        ("--alpha 0", "--alpha"),
        ("--alpha 1.5", "1.5"),
        ("--alpha 0.1,0.1", "each value once"),
        ("--alpha 0.0001", "⌈1/α⌉ − 1 = 9999 set the threshold"),
        ("--alpha 0.01 --by-class", "at least 99"),
        ("--validation 10 --alpha 0.05", "got 10, of which 5 set the threshold; expected at least 37"),
        ("--validation 1000000", "1000000"),
        ("--validation none.npz", "none.npz"),
        ("--score softmax", "--score"),
        ("--radius -1", "--radius"),
        ("--radius 0.1 --score probability", "Add --score radius"),
        ("--randomised", "--score adaptive"),
        ("--noise bit-flip", "--strength"),
    ],
    "tamper {model}": [
        ("--strengths -0.1", "--strengths"),
        ("--strengths 1.5", "1.5"),
        ("--strengths nan", "--strengths"),
        ("--strengths 0.1,0.1", "each value once"),
        ("--part wieghts", "Perhaps weights is meant"),
        ("--part weights --part weights", "each value once"),
        ("--images 1000000", "1000000"),
        ("--images none.npz", "none.npz"),
        ("--steps 0", "--steps"),
        ("--components 0", "--components"),
        ("--readout 0.49", "calibration"),
        ("--readout 0.1 --target fake-torino", "--target"),
        ("--target fake-torrino", "fake-torino"),
        ("--seed -1", "--seed"),
    ],
    "decide {model} --recipe quick": [
        ("--round 200 --shots 100", "the budget is smaller than a round"),
        ("--confidence 1", "--confidence"),
        ("--confidence 0", "--confidence"),
        ("--doubtful 1.5", "--doubtful"),
        ("--growth 0.5", "--growth"),
        ("--policy fall-back", "nobody says which model to fall back to"),
        ("--policy abstain --fallback {model}", "--policy without fall-back has no use for --fallback"),
        ("--fallback nowhere", "nowhere"),
        ("--policy sequentiel", "--policy"),
        ("--engine sampler --repetitions 3", "the sampler has no use for --repetitions"),
        ("--target nowhere", "nowhere"),
        ("--validation 100000", "there are not enough validation images"),
        ("--target ideal --validation 10", "too few validation images for a confidence of 0.99: got 10"),
        ("--target ideal --validation 8 --confidence 0.5", "at least 9"),
        ("--images 100000", "100000"),
    ],
    "transfer": [
        ("--victims {model}", "--sources"),
        ("--sources {model}", "--victims"),
        ("--sources {model} --victims nothing", "nothing"),
        ("--sources {model}@poor-readout --victims {model}", "by its gradients"),
        ("--sources {model} --victims {model}@nowhere", "nowhere"),
        ("--sources {model} --victims {model}@readout:much", "much"),
        ("--sources {model} --victims {model}@readout:2", "2"),
        ("--sources {model} --victims {model} {model}", "once"),
        ("--sources {model} --victims {model} --eps 2", "2"),
        ("--sources {model} --victims {model} --attacks fsgm", "fgsm"),
        ("--sources {model} --victims {model} --param power=1", "power"),
        ("--sources {model} --victims {model} --shots 0", "--shots"),
        ("--sources {model} --victims {model} --attacks cw --audit", "audit"),
        ("--victims {model} --adversarial none.npz", "none.npz"),
    ],
    "detect": [
        ("", "Add --models"),
        ("--models nothing", "nothing"),
        ("--models {model}", "the detector disagreement has too few models"),
        ("--models {model} {convnet} --detector disagrement", "Perhaps disagreement"),
        ("--models {model} {convnet} --false-alarms 0", "--false-alarms"),
        ("--models {model} {convnet} --false-alarms 1", "--false-alarms"),
        (
            "--models {model} {convnet} --false-alarms 0.04",
            "of which 19 set the threshold; expected at least 47",
        ),
        ("--models {model} {convnet} --validation 30", "expected at least 37: ⌈1/α⌉ − 1 = 19 set the threshold"),
        ("--models {model} {convnet} --validation 5000", "at most 37"),
        ("--models {model} {convnet} --validation none.npz", "none.npz"),
        ("--models {model} {convnet} --eps 0", "nothing to detect"),
        ("--models {model} {convnet} --anomalies noice", "Perhaps noise"),
        ("--models {model} {convnet} --anomalies other", "Say what behind other"),
        ("--models {model} {convnet} --anomalies other:none.npz", "none.npz"),
        ("--models {model} {convnet} --anomalies other:moons", "(N, 1, 8, 8)"),
        ("--models {model} {convnet} --anomalies drift:depolarizing:2", "2"),
        ("--models {model} {convnet} --anomalies drift:nowhere", "nowhere"),
        ("--models {convnet} {model} --anomalies drift:depolarizing:0.1", "has no quantum circuit"),
        ("--models {model}@fake-torino {convnet}", "cannot be attacked by its gradients"),
        ("--models {model}@ibm-torino {convnet}", "target ibm-torino is real hardware"),
        ("--models {model} {convnet} --anomalies drift:ibm-torino", "real hardware"),
        ("--models {model} digits10-linear", "the classes"),
        ("--models {model} {convnet} --shots 0", "--shots"),
        ("--models {model} {convnet} --mitigation zne", "--mitigation"),
        ("--models {model} {convnet} --param power=1", "power"),
        ("--models {model} {convnet} --param disagreement.power=1", "power"),
    ],
    "encode": [
        ("--threshold 0", "--threshold"),
        ("--threshold 1.5", "--threshold"),
        ("--encoding-layers 0", "--encoding-layers"),
        ("--encoding wavelet", "--encoding does not fit"),
        ("--encoding angle", "64 pixels"),
        ("--dataset letters", "letters"),
        ("--images 100000", "539"),
    ],
    "forecast nothing": [
        ("", "there is no such model"),
    ],
    "forecast {model}": [
        ("--target nowhere", "nowhere"),
        ("--eps 2", "--eps"),
        ("--mitigation magic", "--mitigation"),
        ("--shots 0", "--shots"),
    ],
    "frontier {model}": [
        ("--eps 0", "--eps"),
        ("--images none.npz", "none.npz"),
    ],
    "attack {model}": [
        ("--eps=-0.1", "-0.1"),
        ("--eps 1.5", "1.5"),
        ("--eps nan", "nan"),
        ("--eps 0.1,0.1", "--eps"),
        ("--attack pdg", "pgd"),
        ("--param step_sise=1", "step_size"),
        ("--param pgd.step_sise=1", "step_size"),
        ("--param fgsm.steps=1", "fgsm.steps"),
        ("--param pgd.eps=1", "key=value"),
        ("--param steps", "key=value"),
        ("--param eps=0.1", "key=value"),
        ("--param steps=many", "steps"),
        ("--attack fgsm --steps 5", "steps"),
        ("--noise depolarizing", "--strength"),
        ("--noise gamma-rays --strength 0.1", "gamma-rays"),
        ("--noise depolarizing --strength 2", "2"),
        ("--sources nothing", "--audit"),
        ("--sources nothing --audit", "nothing"),
        ("--attack square --audit", "square"),
        ("--images 100000", "100000"),
        ("--images none.npz", "none.npz"),
    ],
    "audit {model}": [
        ("--eps 0", "eps 0"),
        ("--eps 0,0.1", "eps 0"),
        ("--eps 1.5", "1.5"),
        ("--attack square", "square"),
        ("--attack cw", "cw"),
        ("--attack fgsm --steps 5", "steps"),
        ("--draws 0", "--draws"),
        ("--judged 0", "--judged"),
        ("--queries 0", "--queries"),
        ("--defence gamma-rays:0.1", "gamma-rays"),
        ("--defence depolarizing:2", "2"),
        ("--defence depolarizing:much", "much"),
        ("--defence fake-torino", "gradients"),
        ("--defence layers:majority:5", "no noise layers"),
        ("--defence smoothing:0:5", "smoothing:0:5"),
        ("--defence nowhere", "nowhere"),
        ("--twin nothing", "nothing"),
        ("--sources nothing", "nothing"),
        ("--images 100000", "100000"),
    ],
    "uncertainty {model}": [
        ("--members ensemble", "no ensemble"),
        ("--members draws", "has no noise layers"),
        ("--members many", "laplace-samples"),
        ("--draws 1", "--draws"),
        ("--shots 0", "--shots"),
        ("--strength 0.1", "--strength"),
        ("--members noise --strength 2", "--strength"),
        ("--members noise --curvature-images 5", "--curvature-images"),
        ("--anomalies ghosts", "other:DATASET"),
        ("--anomalies other:", "other:DATASET"),
        ("--validation 3", "at least 4"),
        ("--validation 100000", "not enough validation images"),
        ("--validation none.npz", "none.npz"),
        ("--images 100000", "100000"),
    ],
    "uncertainty {model} {convnet}": [
        ("--members laplace", "would be ignored"),
        ("--draws 5", "--draws"),
    ],
    "uncertainty {convnet}": [
        ("--members laplace", "no angles"),
        ("--members noise", "no angles"),
    ],
    "uncertainty {model}@depolarizing:0.1": [("--members laplace", "the model alone")],
    "audit {model}@depolarizing:0.1": [("--defence bit-flip:0.1", "a condition, too")],
    "resources": [
        ("--layers 0", "--layers"),
        ("--encoding angel", "Perhaps angle"),
        ("--target fake-turin", "fake-torino"),
        ("--recipe level9", "level3"),
        ("--recipe line-dd --target ideal", "without durations"),
        ("--images 100000", "test set of digits"),
        ("--images 0", "--images"),
        ("--dataset imagenet", "mnist"),
        ("--qubits 1", "--qubits"),
    ],
}
NETWORK = ["attack", "net.pt2", "--dataset", "digits", "--classes", "0,1,2"]
CASES |= {
    "program of another input size": (program, NETWORK, ["net.pt2 is not for these images", "(2, 1, 4, 4)", "8, 8"]),
    "program that is none": (text("net.pt2", "hello"), NETWORK, ["net.pt2 cannot be loaded"]),
    "program that is not there": (nothing, NETWORK, ["there is no such model", "'net.pt2'", ".pt2"]),
    "network without data": (text("net.pt2", ""), ["attack", "net.pt2"], ["nobody says which images net.pt2 is for"]),
    "data without a network": (
        nothing,
        ["attack", "{model}", "--dataset", "digits"],
        ["every model here"],
    ),
    "calibration of a network without validation images": (
        factory(CALIBRATED),
        ["calibrate", f"{module_of(CALIBRATED)}:make", "--dataset", "digits"],
        ["nobody knows which images", "--validation FILE"],
    ),
    "calibration by the images of the test": (
        image_file(lambda images, labels: (images, labels)),
        ["calibrate", "{model}", "--images", "images.npz", "--validation", "images.npz", "--method", "temperature"],
        ["the same 4 images"],
    ),
    "sets by the images of the test": (
        image_file(lambda images, labels: (images, labels)),
        ["conformal", "{model}", "--images", "images.npz", "--validation", "images.npz"],
        ["the same 4 images"],
    ),
    "classes without data": (text("net.pt2", ""), ["attack", "net.pt2", "--classes", "0,1"], ["--classes without"]),
    "network under a noise": (
        text("net.pt2", ""),
        ["attack", "net.pt2@depolarizing:0.1", "--dataset", "digits"],
        ["net.pt2 has no quantum circuit"],
    ),
    **{
        f"network in {command}": (
            text("net.pt2", ""),
            [command, "net.pt2", "--images", "3"],
            ["net.pt2 has no quantum circuit", "a network"],
        )
        for command in ("run", "plan", "sweep", "certify", "tamper", "forecast", "frontier")
    },
    "network and a model for other classes": (
        text("net.pt2", ""),
        ["transfer", "--sources", "{model}", "--victims", "net.pt2", "--dataset", "moons"],
        ["net.pt2"],
    ),
    "module that is not there": (nothing, ["attack", "mine:make", "--dataset", "digits"], ["there is no module mine"]),
    "factory that needs arguments": (*from_file("def make(size): ..."), ["a factory that needs size"]),
    "factory that fails": (*from_file("def make(): 1 / 0"), ["fails", "ZeroDivisionError"]),
    "factory of something else": (*from_file("def make(): return 3"), ["gives no network", "a int"]),
    "module that fails": (*from_file("raise RuntimeError"), ["cannot be imported", "RuntimeError"]),
    "module that leaves": (*from_file("import sys; sys.exit(0)"), ["cannot be imported", "SystemExit"]),
    "network for other images": (
        *from_file("from torch.nn import Linear, Sequential, Flatten\nmake = Sequential(Flatten(), Linear(9, 10))"),
        ["cannot read the images", "RuntimeError"],
    ),
    "network with fewer outputs": (
        *from_file("from torch.nn import Linear, Sequential, Flatten\nmake = Sequential(Flatten(), Linear(64, 4))"),
        ["gives no logits", "(3, 4)", "(3, 10)"],
    ),
    "noise layers of a network": (
        nothing,
        ["train", "--model", "convnet", "--noise-layers", "0.25"],
        ["a convnet has no use for --noise-layers", "--model qvc or hybrid"],
    ),
    "noise layers without layers": (
        text("c.qasm", f"{QASM}input float a;\nqubit[6] q;\nry(a) q[0];\n"),
        [*OWN, "c.qasm", "--noise-layers", "0.25"],
        ["noise layers need layers", "layer-end"],
    ),
    "noise layers of no number": (nothing, ["train", "--noise-layers", "inf"], ["--noise-layers", "finite"]),
    "noise layers of many turns": (nothing, ["train", "--noise-layers", "1e300"], ["--noise-layers", "at most 1000"]),
    "TRADES with another adversary": (
        nothing,
        ["train", "--defence", "trades", "--adversary", "fgsm"],
        ["TRADES has its own adversary", "--defence adversarial"],
    ),
    "a negative variance": (
        nothing,
        ["train", "--noise-layers", "0.25", "--noise-variance", "-1"],
        ["--noise-variance", "at least 0"],
    ),
    "a variance without noise layers": (
        nothing,
        ["train", "--noise-variance", "0.1"],
        ["no noise layers that --noise-variance could be for", "Give --noise-layers"],
    ),
    "a probability of nothing": (
        nothing,
        ["train", "--noise-layers", "0.25", "--noise-distribution", "gaussian-bernoulli", "--noise-probability", "0"],
        ["--noise-probability", "more than 0"],
    ),
    "a probability above one": (
        nothing,
        ["train", "--noise-layers", "0.25", "--noise-distribution", "gaussian-bernoulli", "--noise-probability", "1.5"],
        ["--noise-probability", "at most 1"],
    ),
    "a probability of gaussian noise": (
        nothing,
        ["train", "--noise-layers", "0.25", "--noise-probability", "0.3"],
        ["Gaussian noise layers have no probability", "gaussian-bernoulli"],
    ),
    "a distribution with a typo": (
        nothing,
        ["train", "--noise-layers", "0.25", "--noise-distribution", "gausian"],
        ["--noise-distribution", "Perhaps gaussian"],
    ),
    "noise layers under device noise": (
        nothing,
        ["train", "--noise-layers", "0.25", "--train-noise", "0.01"],
        ["cannot train noise layers under device noise", "Leave out --noise-layers"],
    ),
    "hybrid through a fit": (
        nothing,
        ["train", "--model", "hybrid", "--encoding", "approximate"],
        ["a hybrid cannot be trained through the approximate encoding"],
    ),
    "maps of a qvc": (nothing, ["train", "--maps", "2"], ["a qvc has no use for --maps", "--model hybrid"]),
}
CASES |= {
    f"{command} {words}": (nothing, f"{command} {words}".split(), [said])
    for command, uses in WRONG_USE.items()
    for words, said in uses
}


def listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if "home" not in path.parts)


@pytest.mark.parametrize("name", CASES)
def test_mistake(
    name: str,
    tmp_path: Path,
    qaml: Callable[..., Finished],
    trained: Path,
    trained_convnet: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Where a module is imported, it is forgotten, and leaves no file beside it.
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    prepare, arguments, parts = CASES[name]
    prepare(tmp_path, trained)
    before = listing(tmp_path)
    finished = qaml(*(argument.format(model=trained, convnet=trained_convnet) for argument in arguments))
    assert finished.code == 2, finished.err
    assert finished.out == ""
    error = finished.err.strip().splitlines()[-1]
    assert error.startswith("Error: ")
    assert "Traceback" not in finished.err
    for part in parts:
        assert part in error
    assert listing(tmp_path) == before


def test_missing_credentials_have_their_own_exit_code(
    tmp_path: Path, qaml: Callable[..., Finished], trained: Path
) -> None:
    finished = qaml("run", trained, "--target", "ibm-torino")
    assert finished.code == 3
    assert "save_account" in finished.err
    assert listing(tmp_path) == []


def test_a_token_appears_nowhere(
    tmp_path: Path, qaml: Callable[..., Finished], trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted token in the environment shows up in no message and no file, on the error path either."""
    token = "planted-token-0123456789abcdef"
    monkeypatch.setenv("QISKIT_IBM_TOKEN", token)
    monkeypatch.setenv("QISKIT_IBM_CHANNEL", "ibm_quantum_platform")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("IAM_URL", "http://127.0.0.1:9")
    good = qaml("run", trained, "--images", "2", "--shots", "10", "--target", "ideal", "--out", "run", "--json")
    bad = qaml("run", trained, "--target", "nowhere")
    for output in (good.out, good.err, bad.out, bad.err):
        assert token not in output
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert token.encode() not in path.read_bytes()
