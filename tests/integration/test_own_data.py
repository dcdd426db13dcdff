"""Data of a user's own through whole commands: trained on, named by content in the card, read again, refused."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from qaml_qiskit import TrainRequest, train
from qaml_qiskit.cli.call import build_request
from qaml_qiskit.datasets import load_dataset
from qaml_qiskit.models import load_model
from tests.integration.conftest import Finished

Qaml = Callable[..., Finished]
FAST = ("--layers", "2", "--epochs", "1")
TABLE = ("--dataset", "flows.csv", "--label-column", "kind", "--binarise", "normal", "attack=*", "--pca", "4")


def medmnist(path: Path, seed: int = 0) -> Path:
    """The layout of MedMNIST, 4×4 pixels."""
    generator = np.random.default_rng(seed)
    arrays = {}
    for part, count in (("train", 40), ("val", 10), ("test", 20)):
        labels = np.arange(count) % 2
        pixels = generator.integers(0, 100, (count, 4, 4)) + 120 * labels[:, None, None]
        arrays |= {f"{part}_images": pixels.astype(np.uint8), f"{part}_labels": labels[:, None].astype(np.uint8)}
    np.savez(path, **arrays)
    return path


def flows(path: Path, rows: int = 80, seed: int = 0) -> Path:
    """A table with numbers, a category, a constant, and a class of four."""
    generator = np.random.default_rng(seed)
    kinds = ["normal", "neptune", "smurf", "teardrop"]
    lines = ["duration,bytes,protocol,zero,kind"]
    for row in range(rows):
        kind = kinds[row % 4]
        size = generator.integers(0, 1000) + 2000 * (kind != "normal")
        lines.append(f"{generator.random():.4f},{size},{['tcp', 'udp', 'icmp'][row % 3]},0,{kind}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("QAML_DATA_DIR", raising=False)
    return tmp_path


def test_images_from_file_to_model_and_back(qaml: Qaml, place: Path) -> None:
    medmnist(place / "xrays.npz")
    done = qaml("train", "--dataset", "xrays.npz", *FAST, "--out", "model", "--json")
    assert done.code == 0, done.err
    assert "--validation has nothing to do" in done.json()["notes"][0]
    card = json.loads((place / "model/model.json").read_text())["data"]
    assert card["dataset"] == "xrays.npz"
    assert card["classes"] == ["0", "1"]
    assert card["source"]["parts"] == {"train": 40, "validation": 10, "test": 20}
    assert qaml("sweep", "model", "--strengths", "0.01", "--images", "20").code == 0
    assert qaml("attack", "model", "--attack", "fgsm", "--images", "5", "--out", "attacked").code == 0
    assert qaml("sweep", "model", "--strengths", "0.01", "--images", "attacked/adversarial/fgsm-eps0.1.npz").code == 0


def test_data_that_changed_or_went_are_refused_and_found_where_they_moved(qaml: Qaml, place: Path) -> None:
    medmnist(place / "xrays.npz")
    assert qaml("train", "--dataset", "xrays.npz", *FAST, "--out", "model").code == 0
    medmnist(place / "xrays.npz", seed=1)
    changed = qaml("sweep", "model", "--strengths", "0.01", "--images", "5")
    assert (changed.code, "has changed since the model was trained" in changed.err) == (2, True)
    (place / "xrays.npz").unlink()
    gone = qaml("sweep", "model", "--strengths", "0.01", "--images", "5")
    assert (gone.code, "xrays.npz: no such file" in gone.err) == (2, True)
    (place / "elsewhere").mkdir()
    medmnist(place / "elsewhere/xrays.npz")
    assert qaml("sweep", "model", "--strengths", "0.01", "--images", "5", "--data-dir", "elsewhere").code == 0


def test_a_table_keeps_its_preparation(qaml: Qaml, place: Path) -> None:
    flows(place / "flows.csv")
    done = qaml("train", *TABLE, *FAST, "--out", "model", "--json")
    assert done.code == 0, done.err
    assert "Columns left out, the same in all training rows: zero" in " ".join(done.json()["notes"])
    stored = load_model(place / "model")
    assert stored.card.data.classes == ("normal", "attack")
    steps = stored.card.data.preparation
    assert steps is not None
    assert steps.columns is not None
    assert steps.columns.features == ("duration", "bytes", "protocol=icmp", "protocol=tcp", "protocol=udp")
    flows(place / "new.csv", rows=12, seed=5)
    again = qaml("sweep", "model", "--strengths", "0.01", "--images", "new.csv")
    assert again.code == 0, again.err


def test_the_command_that_is_printed_asks_for_the_same() -> None:
    asked = TrainRequest.model_validate(
        {"dataset": "my flows.csv", "binarise": ("attack=neptune", "smurf"), "resize": (4, 8), "grey": True, "pca": 3}
    )
    words = asked.words()
    assert words[words.index("--binarise") + 1] == "attack=neptune,smurf"
    given = {
        "dataset": "my flows.csv",
        "binarise": ["attack=neptune,smurf"],
        "resize": ["4,8"],
        "grey": True,
        "pca": "3",
    }
    assert build_request(TrainRequest, given) == asked
    assert TrainRequest(classes=("3", "dress")).classes == (3, "dress")  # type: ignore[arg-type]


def test_the_same_data_are_asked_for_in_python(place: Path) -> None:
    flows(place / "flows.csv")
    split = load_dataset("flows.csv", label_column="kind", binarise={"normal": "normal", "attack": "*"}, pca=4)
    request = TrainRequest(
        dataset="flows.csv", label_column="kind", binarise=("normal", "attack=*"), pca=4, layers=2, epochs=1
    )
    train(request, out=place / "model")
    card = load_model(place / "model").card.data
    assert (card.classes, card.source, card.preparation) == (split.classes, split.source, split.preparation)
