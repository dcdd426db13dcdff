"""Data of a user's own through whole commands: trained on, named by content in the card, read again, refused."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from qaml_qiskit import TrainRequest, train
from qaml_qiskit.cli.call import build_request
from qaml_qiskit.datasets import load_dataset
from qaml_qiskit.deployments import deploy, load_batch
from qaml_qiskit.errors import DataWarning
from qaml_qiskit.models import load_model
from tests.integration.conftest import Finished
from tests.unit.datasets.own_files import flows, kdd, medmnist, photographs

Qaml = Callable[..., Finished]
FAST = ("--layers", "2", "--epochs", "1")
TABLE = ("--dataset", "flows.csv", "--label-column", "kind", "--binarise", "normal", "attack=*", "--pca", "4")


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
    other = qaml("train", "--dataset", "xrays.npz", *FAST, "--out", "model")
    assert (other.code, "a run that differs in resolved (data);" in other.err) == (2, True)
    (place / "xrays.npz").unlink()
    gone = qaml("sweep", "model", "--strengths", "0.01", "--images", "5")
    assert (gone.code, "xrays.npz: no such file" in gone.err) == (2, True)
    (place / "elsewhere").mkdir()
    medmnist(place / "elsewhere/xrays.npz")
    assert qaml("sweep", "model", "--strengths", "0.01", "--images", "5", "--data-dir", "elsewhere").code == 0


def test_first_images_of_data_in_order_of_class_are_told_of(qaml: Qaml, place: Path) -> None:
    labels = np.sort(np.arange(60) % 2)
    pixels = np.arange(1, 241).reshape(60, 2, 2).astype(np.uint8)
    np.savez("rows.npz", images=pixels, labels=np.array(["cat", "dog"])[labels])
    assert qaml("train", "--dataset", "rows.npz", *FAST, "--out", "model").code == 0
    with pytest.warns(DataWarning, match="first 9 images of the test part are of the classes cat alone.*--images 18 "):
        qaml("sweep", "model", "--strengths", "0.01", "--images", "9")
    # Three of one class are nothing unlikely, and all images have both classes.
    for count in (3, 18):
        assert qaml("sweep", "model", "--strengths", "0.01", "--images", count).code == 0


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
    assert qaml("attack", "model", "--attack", "fgsm", "--json").json()["results"][-1]["images"] < 100


def test_the_command_that_is_printed_asks_for_the_same() -> None:
    asked = TrainRequest.model_validate(
        {"dataset": "my flows.csv", "binarise": ("attack=neptune", "smurf"), "resize": (4, 8), "grey": True, "pca": 3}
    )
    words = asked.words()
    assert words[words.index("--binarise") + 1] == "attack=neptune,smurf"
    given: dict[str, object] = {
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


def test_published_text_files_from_the_command_line(qaml: Qaml, place: Path) -> None:
    kdd(place)
    asked = ["--dataset", "Train.txt.gz", "--test-data", "Test+.txt.gz", "--columns", "field-names.csv"]
    asked += ["--label-column", "column_5", "--ignore-columns", "column_6", "--binarise", "normal", "attack=*"]
    done = qaml("train", *asked, *FAST, "--out", "model")
    assert done.code == 0, done.err
    names = ["duration", "protocol_type", "land", "rate"]
    inline = [*asked[:4], "--columns", *names, *asked[6:]]
    assert qaml("train", *inline, *FAST, "--out", "other").code == 0
    kept = [load_model(place / name).card.data.preparation for name in ("model", "other")]
    assert kept[0] == kept[1]
    # What is kept in the card stands for the options and for the file of names.
    (place / "field-names.csv").unlink()
    again = qaml("attack", "model", "--attack", "fgsm", "--images", "30")
    assert again.code == 0, again.err
    rows = qaml("attack", "model", "--attack", "fgsm", "--images", "Train.txt.gz", "--json")
    assert rows.code == 0, rows.err


def test_photographs_of_any_size_as_new_images(qaml: Qaml, place: Path) -> None:
    photographs(place / "photos")
    done = qaml("train", "--dataset", "photos", "--grey", "--resize", "4", "4", *FAST, "--out", "model")
    assert done.code == 0, done.err
    photographs(place / "others", size=(9, 7))
    assert qaml("sweep", "model", "--strengths", "0.01", "--images", "others").code == 0
    medmnist(place / "bytes.npz")
    named = qaml("sweep", "model", "--strengths", "0.01", "--images", "bytes.npz")
    assert (named.code, "'0'" in named.err) == (2, True)


def test_models_of_different_data_are_not_compared(qaml: Qaml, place: Path) -> None:
    for name, seed in (("one", 0), ("two", 1)):
        medmnist(place / "xrays.npz", seed)
        assert qaml("train", "--dataset", "xrays.npz", *FAST, "--out", name).code == 0
    done = qaml(
        "transfer", "--sources", "one", "--victims", "two", "--attacks", "fgsm", "--eps", "0.1", "--images", "2"
    )
    assert (done.code, "the data set" in done.err) == (2, True)


def test_unknown_categories_of_new_rows_are_said(qaml: Qaml, place: Path) -> None:
    flows(place / "flows.csv")
    assert qaml("train", *TABLE, *FAST, "--out", "model").code == 0
    (place / "new.csv").write_text("duration,bytes,protocol,kind\n0.5,100,sctp,smurf\n0.1,5000,tcp,normal\n")
    with pytest.warns(DataWarning, match="'sctp'"):
        assert qaml("sweep", "model", "--strengths", "0.01", "--images", "new.csv").code == 0


def test_other_commands_take_a_path(qaml: Qaml, place: Path) -> None:
    medmnist(place / "xrays.npz")
    assert qaml("encode", "--dataset", "xrays.npz", "--images", "3", "--encoding-layers", "1").code == 0
    counted = qaml("resources", "--dataset", "xrays.npz", "--qubits", "4", "--layers", "1", "--images", "2", "--json")
    assert counted.code == 0, counted.err


def test_a_network_of_a_users_own_on_own_data(place: Path) -> None:
    split = load_dataset(medmnist(place / "xrays.npz"), resize=(2, 3))
    network = deploy(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(6, 2)), data=split)
    batch = load_batch("4", [network], None)
    np.testing.assert_array_equal(batch.images.numpy(), split.test.images[:4])
    assert network.logits(batch.images).shape == (4, 2)
