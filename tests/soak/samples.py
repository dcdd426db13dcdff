"""One whole file of every format, made by the package's own commands or, for data sets, in the official form."""

import gzip
import io
import json
import os
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pandas
from matplotlib.figure import Figure
from PIL import Image
from qiskit_ibm_runtime import RuntimeEncoder
from qiskit_ibm_runtime.fake_provider import FakeManilaV2

import qaml_qiskit
from qaml_qiskit import AttackRequest, RunRequest, SweepRequest, TrainRequest, attack, environment, sweep, train
from qaml_qiskit.campaigns.reproduce.document import VerdictsFile, verdicts_of
from qaml_qiskit.circuits import Brickwork
from qaml_qiskit.errors import PartialResultError
from qaml_qiskit.models import QVC, DataCard, save_model
from qaml_qiskit.noise import LAYER_END
from qaml_qiskit.reports import Page, confidence
from qaml_qiskit.workflows.run import promise
from qaml_qiskit.workflows.run import report as run_report
from qaml_qiskit.workflows.sweep import report as sweep_report
from qaml_qiskit.workflows.train import workflow as training
from tests.child import unwaited_sync
from tests.integration.hardware import workspace
from tests.unit.campaigns.paper_cases import findings
from tests.unit.datasets.own_files import flows, medmnist, photographs

RUN = RunRequest(
    model="model", target="perfect", images="images.npz", shots=50, recipe="quick", images_per_job=2, mitigation="none"
)
CALIBRATED = RUN.model_copy(update={"target": "poor", "mitigation": "readout"})
BACKENDS = """targets:
  perfect: {kind: ideal}
  poor:
    kind: aer
    noise:
      readout: {p10: 0.08, p01: 0.25}
  old:
    kind: snapshot
    folder: snapshot
  device: {kind: ibm, device: a_device}
"""
TRAINING = TrainRequest(layers=1, epochs=2, classes=(0, 1), train_images=20, batch_size=8)
SWEEP = SweepRequest(model="model", images="images.npz", strengths=(0.01,))
OWN = TrainRequest(
    dataset="own.csv", label_column="kind", binarise=("normal", "attack=*"), pca=2, layers=1, epochs=1, encoding="angle"
)
ATTACK = AttackRequest(model="model", images="images.npz", attack=("fgsm",))
DATA = DataCard(dataset="digits", classes=(0, 1))
RECIPE = "why: a sample\noptimization_level: 1\nseeds: [1, 2]\nlayout_method: sabre\napproximation_degree: 1.0\n"
OPTIONS = "target: poor\nshots: 50\nimages: images.npz\nmitigation: readout\nmax_calibration_age: 12.5\nseed: 3\n"
#: Shapes of the images of MNIST, and of CIFAR-10 and CelebA.
GREY, COLOUR = (1, 28, 28), (3, 32, 32)
BATCHES = (*(f"cifar-10-batches-bin/data_batch_{n}.bin" for n in range(1, 6)), "cifar-10-batches-bin/test_batch.bin")


def make_samples(folder: Path) -> None:
    """Fill a folder. Runs lack their last file, as a kill leaves them; ``done`` has it."""
    workspace(folder)
    os.chdir(folder)
    in_haste()
    Path("backends.yaml").write_text(BACKENDS)
    Path("recipe.yaml").write_text(RECIPE)
    Path("options.yaml").write_text(OPTIONS)
    random = np.random.default_rng(5)
    np.savez("pictures.npz", images=random.random((4, 1, 2, 2)), labels=np.array([0, 1, 1, 0]))
    for name, request in (("run", RUN), ("done", RUN), ("calibrated", CALIBRATED)):
        qaml_qiskit.run(request, backends=Path("backends.yaml"), out=Path(name))
    Path("calibration.json").write_bytes(Path("calibrated/calibration.json").read_bytes())
    with suppress(PartialResultError):
        train(TRAINING, out=Path("train"), stopping=_after(4))
    train(TRAINING, out=Path("trained"))
    save_model("own", QVC(circuit=Brickwork(3, 2).circuit(LAYER_END), seed=1), DATA)
    sweep(SWEEP, out=Path("sweep"))
    for name in ("run", "calibrated", "trained", "sweep"):
        Path(name, "metrics.json").unlink()
    attack(ATTACK, out=Path("attack"))
    Path("attacked.npz").write_bytes(next(Path("attack").rglob("*.npz")).read_bytes())
    Path("verdicts.json").write_text(VerdictsFile(papers=(verdicts_of(findings(Path()), {}, {}),)).model_dump_json())
    _own_data()
    _snapshot(Path("snapshot"))
    _mnist(Path("data/mnist"), random)
    _cifar(Path("data/cifar10"), Path("plain/cifar10"), random)
    _celeba(Path("data/celeba"), Path("plain/celeba"), random)


def _own_data() -> None:
    """A user's own files of every format, and a model that remembers how one of them was prepared."""
    medmnist(Path("own.npz"))
    flows(Path("own.csv"), rows=24)
    pandas.read_csv("own.csv").to_parquet("own.parquet")
    Path("own.csv.gz").write_bytes(gzip.compress(Path("own.csv").read_bytes()))
    Path("names.txt").write_text("duration\nbytes,continuous\nprotocol,symbolic\nzero\nkind\n")
    Path("bare.csv").write_text("".join(Path("own.csv").read_text().splitlines(keepends=True)[1:]))
    photographs(Path("own"))
    train(OWN, out=Path("remembers"))


def in_haste() -> None:
    """Write no pages, ask no git and do not wait for the disk: that is more than all else that a small run costs."""
    unwanted = (
        *((Page, "render"), (run_report, "accuracy_bars")),
        *((training, "learning_curves"), (sweep_report, "curves"), (promise, "promise_figure")),
        (confidence, "confidence_histograms"),
    )
    for module, name in unwanted:
        assert hasattr(module, name)
        setattr(module, name, lambda *arguments, **options: b"a picture")
    environment._git_commit = lambda: None
    os.fsync = unwaited_sync


def without_pictures() -> None:
    """Let no picture be drawn: one costs a hundred times what reading a file does."""
    Figure.savefig = _drawn  # type: ignore[method-assign]


def _drawn(*arguments: object, **options: object) -> None:
    raise AssertionError("a picture is drawn: in haste, what makes it is left out")


def _snapshot(folder: Path) -> None:
    """A device's files as its service gives them."""
    folder.mkdir()
    device = FakeManilaV2()
    properties, configuration = device.properties(), device.configuration()
    for name, content in (("properties", properties), ("configuration", configuration)):
        (folder / f"{name}.json").write_text(json.dumps(content.to_dict(), cls=RuntimeEncoder))


def _after(steps: int) -> Callable[[], object]:
    """Asks a training to stop after so many steps."""

    @contextmanager
    def stopping() -> Iterator[Callable[[], bool]]:
        left = iter(range(steps))
        yield lambda: next(left, None) is None

    return stopping


def _mnist(folder: Path, random: np.random.Generator) -> None:
    folder.mkdir(parents=True)
    for part, count in (("train", 4), ("t10k", 2)):
        images = struct.pack(">4I", 0x803, count, 28, 28) + random.bytes(count * 28 * 28)
        labels = struct.pack(">2I", 0x801, count) + bytes(range(count))
        if part == "train":
            (folder / f"{part}-images-idx3-ubyte").write_bytes(images)
        else:
            (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(images))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(labels)


def _cifar(zipped: Path, plain: Path, random: np.random.Generator) -> None:
    zipped.mkdir(parents=True)
    (plain / BATCHES[0]).parent.mkdir(parents=True)
    with tarfile.open(zipped / "cifar-10-binary.tar.gz", "w:gz") as archive:
        for number, name in enumerate(BATCHES):
            content = bytes([number]) + random.bytes(3072)
            (plain / name).write_bytes(content)
            archive.add(plain / name, name)


def _celeba(zipped: Path, plain: Path, random: np.random.Generator) -> None:
    names = [f"{number:06d}.jpg" for number in range(1, 5)]
    rows = [f"{name} {1 - 2 * (number % 2):2d} -1" for number, name in enumerate(names)]
    for folder in (zipped, plain):
        (folder / "img_align_celeba").mkdir(parents=True)
        (folder / "list_attr_celeba.txt").write_text("\n".join(["4", "Black_Hair Smiling", *rows]) + "\n")
        (folder / "list_eval_partition.txt").write_text(
            "".join(f"{name} {part}\n" for name, part in zip(names, (0, 0, 2, 2), strict=True))
        )
    with zipfile.ZipFile(zipped / "img_align_celeba.zip", "w") as archive:
        for name in names:
            stream = io.BytesIO()
            shade = random.integers(0, 256, (4, 4, 3), dtype=np.uint8)
            Image.fromarray(shade).resize((178, 218)).save(stream, "JPEG")
            (plain / "img_align_celeba" / name).write_bytes(stream.getvalue())
            archive.writestr(f"img_align_celeba/{name}", stream.getvalue())
