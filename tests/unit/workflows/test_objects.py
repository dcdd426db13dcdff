"""Objects in place of names: what is kept, under which name, and what is said of data."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from qiskit.circuit import Parameter, QuantumCircuit
from torch.utils.data import DataLoader, TensorDataset

from qaml_qiskit import AttackRequest, Dataset, ResourcesRequest, Split, TrainRequest, deploy, load_dataset
from qaml_qiskit.circuits import named_circuit
from qaml_qiskit.datasets import DATASETS
from qaml_qiskit.deployments import load_batch, read_deployment
from qaml_qiskit.deployments.images import load_images
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.models import QVC, DataCard, ModelCard, QVCConfig, StoredModel, save_model
from qaml_qiskit.workflows.objects import with_names
from qaml_qiskit.workflows.training import load_data

TABLE = "kind,a,b\n" + "".join(f"{'xyz'[row % 3]},{row},{'pq'[row % 2]}\n" for row in range(40))
GENERATOR = np.random.default_rng(0)
IMAGES, LABELS = GENERATOR.random((40, 1, 4, 4)).astype(np.float32), np.arange(40) % 2
OPTIONS: dict[str, Any] = {"label_column": "kind", "binarise": {"normal": "x", "attack": "*"}}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    (tmp_path / "rows.csv").write_text(TABLE)
    (tmp_path / "bare.csv").write_text(TABLE.partition("\n")[2])
    (tmp_path / "names.txt").write_text("kind\na,continuous\nb,symbolic\n")
    return tmp_path / "rows.csv"


def train_fields(dataset: object, **fields: Any) -> dict[str, Any]:
    return with_names(TrainRequest, {"dataset": dataset, **fields})


def card_of(fields: Mapping[str, Any]) -> DataCard:
    """What the card of a model says that is trained so."""
    return load_data(TrainRequest.model_validate(fields).resolved(), None).card


def model_for(split: Split) -> StoredModel:
    """An untrained model for these data, as qaml.train would keep it."""
    config = QVCConfig(image_shape=split.train.image_shape, num_classes=split.train.num_classes, num_layers=1)
    return StoredModel(QVC(config), ModelCard(model=config, data=card_of(train_fields(split))))


@pytest.mark.parametrize(
    ("how", "asked"),
    [
        (OPTIONS, {"label_column": "kind", "binarise": "normal=x attack=*"}),
        ({"label_column": "kind", "binarise": "late=y,z"}, {"label_column": "kind", "binarise": "late=y,z"}),
        ({"label_column": "kind", "classes": ("z", "x"), "seed": 3}, {"classes": "z,x", "split_seed": 3}),
        ({"label_column": "kind", "ignore_columns": ["b"], "pca": 1}, {"ignore_columns": "b", "pca": 1}),
    ],
)
def test_loaded_data_are_asked_for_as_on_the_command_line(
    how: dict[str, Any], asked: dict[str, Any], table: Path
) -> None:
    fields = train_fields(load_dataset(table, **how))
    said = TrainRequest(dataset=str(table), **{"label_column": "kind", **asked})
    assert TrainRequest(**fields) == said
    assert card_of(fields) == card_of(said.model_dump())
    assert card_of(fields).source is not None


def test_a_table_without_a_header_keeps_its_names(table: Path) -> None:
    bare, names = table.with_name("bare.csv"), table.with_name("names.txt")
    fields = train_fields(load_dataset(bare, columns=names, label_column="kind"))
    assert fields["columns"] == (str(names),)
    said = TrainRequest(dataset=str(bare), columns=(str(names),), label_column="kind")
    assert card_of(fields) == card_of(said.model_dump())
    fields = train_fields(load_dataset(bare, columns=["kind", "a", "b"], label_column="kind"))
    assert fields["columns"] == ("kind", "a", "b")


def test_a_test_part_of_another_file_is_named_too(table: Path) -> None:
    other = table.with_name("later.csv")
    other.write_text(TABLE + TABLE.splitlines(keepends=True)[-1])
    loaded = load_dataset(table, test_data=other, **OPTIONS)
    assert train_fields(loaded)["test_data"] == str(other)
    assert card_of(train_fields(loaded)) == DataCard.of(loaded)


def test_a_named_data_set_is_asked_for_by_its_name() -> None:
    assert train_fields(load_dataset("digits", classes=(3, 8))) == {"dataset": "digits", "classes": (3, 8)}
    assert train_fields(load_dataset("digits", classes=np.array([3, 8])))["classes"] == (3, 8)
    assert train_fields(load_dataset("digits"), classes=(1, 2)) == {"dataset": "digits", "classes": (1, 2)}
    # The command's own choice of six digits is not what was given.
    assert train_fields(load_dataset("digits"))["classes"] == tuple(range(10))


def test_a_choice_of_rows_keeps_the_source(table: Path) -> None:
    loaded = load_dataset(table, **OPTIONS)
    first, fewer = load_dataset(table, limit=9, **OPTIONS), replace(loaded, train=loaded.train.take(range(9)))
    for split in (first, fewer):
        fields = train_fields(split)
        assert set(fields) == {"dataset"}
        assert card_of(fields) == DataCard.of(split)
        assert card_of(fields).source.data.path == str(table)  # type: ignore[union-attr]
        assert len(load_dataset(fields["dataset"]).train) == 9


def test_what_is_not_in_the_file_is_not_said_to_be(table: Path) -> None:
    loaded = load_dataset(table, **OPTIONS)
    darker = Dataset(loaded.test.name, loaded.test.images / 2, loaded.test.labels, loaded.test.class_names)
    card = card_of(train_fields(replace(loaded, test=darker)))
    assert card.source is not None
    assert (card.source.data.path, card.source.label_column) == ("", "kind")
    assert card.preparation == loaded.preparation
    table.write_text(TABLE.replace("39", "38"))
    changed = card_of(train_fields(loaded))
    assert changed.source is not None
    assert changed.source.data.path == ""


def test_later_rows_go_through_the_preparation(table: Path) -> None:
    later = pd.DataFrame({"b": ["q", "p", "p"], "kind": ["y", "x", "z"], "a": [400, 0, 9]})
    later.to_csv(table.with_name("later.csv"), index=False)
    loaded = load_dataset(table, **OPTIONS)
    for split in (loaded, replace(loaded, train=loaded.train.take(range(9)))):
        card = card_of(train_fields(split))
        for given in (table.with_name("later.csv"), later):
            name = with_names(AttackRequest, {"images": given})["images"]
            images, labels, _ = load_images(name, card, None)
            assert labels.tolist() == [1, 0, 1]
            scale = loaded.preparation.columns.columns[0]  # type: ignore[union-attr]
            nine = (9 - scale.low) / (scale.high - scale.low)  # type: ignore[union-attr]
            np.testing.assert_allclose(images[:, 0, 0], [[1, 0, 1], [0, 1, 0], [nine, 1, 0]], rtol=1e-6)


def test_a_table_in_memory_is_prepared_as_one_of_a_file(table: Path) -> None:
    frame = pd.read_csv(table)
    rows, labels = frame.drop(columns="kind"), frame["kind"]
    card = card_of(train_fields((rows, labels), binarise="normal=x attack=*"))
    assert card.preparation == load_dataset(table, **OPTIONS).preparation
    name = with_names(AttackRequest, {"images": (rows[:5], labels[:5])})["images"]
    _, numbers, _ = load_images(name, card, None)
    assert numbers.tolist() == [0, 1, 1, 0, 1]


def holder(kind: str, images: np.ndarray, labels: np.ndarray) -> Any:
    tensors = torch.from_numpy(images), torch.from_numpy(labels)
    match kind:
        case "tensors":
            return tensors
        case "lists of labels":
            return images, labels.tolist()
        case "words":
            return images, labels.astype(str)
        case "loader":
            return DataLoader(TensorDataset(*tensors), batch_size=7, shuffle=True, drop_last=True)
        case "torch dataset":
            return TensorDataset(*tensors)
        case "dataset":
            return Dataset("arrays", images, labels, ("0", "1"))
        case _:
            return Split.from_arrays(images, labels)


KINDS = ("tensors", "lists of labels", "words", "loader", "torch dataset", "dataset", "split")


@pytest.mark.parametrize("kind", KINDS)
def test_data_of_any_kind_are_the_same_data(kind: str) -> None:
    fields = train_fields((IMAGES, LABELS))
    assert set(fields) == {"dataset"}
    assert fields["dataset"] not in DATASETS
    assert train_fields(holder(kind, IMAGES, LABELS)) == fields


@pytest.mark.parametrize("kind", [*KINDS, "batch"])
def test_images_of_any_kind_are_the_same_images(kind: str) -> None:
    split = Split.from_arrays(IMAGES, LABELS, IMAGES[:8], LABELS[:8])
    model = model_for(split)
    given = {"split": split, "batch": load_batch("8", [deploy(model)], None)}.get(kind)
    name = with_names(AttackRequest, {"images": given or holder(kind, IMAGES[:8], LABELS[:8])})["images"]
    images, labels, _ = load_images(name, model.card.data, None)
    np.testing.assert_array_equal(images, IMAGES[:8])
    np.testing.assert_array_equal(labels, LABELS[:8])


@pytest.mark.parametrize("kind", ["tensors", "loader", "dataset"])
def test_training_and_test_images_may_come_apart(kind: str) -> None:
    parts = [holder(kind, IMAGES[:30], LABELS[:30]), holder(kind, IMAGES[30:], LABELS[30:])]
    split = load_dataset(train_fields(parts)["dataset"])
    assert (len(split.train), len(split.test), split.train.class_names) == (30, 10, ("0", "1"))
    np.testing.assert_array_equal(split.test.images, IMAGES[30:])


def test_classes_keep_the_order_of_a_dataset_and_else_are_sorted() -> None:
    words = np.array(["zero", "one"])[LABELS]
    assert card_of(train_fields((IMAGES, words))).classes == ("one", "zero")
    assert card_of(train_fields(Dataset("mine", IMAGES, LABELS, ("zero", "one")))).classes == ("zero", "one")


def test_rows_and_grey_images_get_their_axes_and_steps_are_done() -> None:
    for images, shape in ((IMAGES.reshape(40, 16), (1, 1, 16)), (IMAGES[:, 0], (1, 4, 4))):
        assert load_dataset(train_fields((images, LABELS))["dataset"]).train.image_shape == shape
    fields = train_fields((IMAGES, np.arange(40) % 3), classes="2,0", resize=(2, 2), layers=3)
    assert set(fields) == {"dataset", "layers"}
    split = load_dataset(fields["dataset"])
    assert (split.train.image_shape, split.train.class_names) == ((1, 2, 2), ("2", "0"))


def test_data_of_this_process_are_taken_here_and_refused_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = Split.from_arrays(IMAGES, LABELS)
    card = model_for(split).card.data
    assert card == DataCard.of(split)
    images, labels, _ = load_images("5", card, None)
    np.testing.assert_array_equal(images, split.test.images[:5])
    np.testing.assert_array_equal(labels, split.test.labels[:5])
    save_model(tmp_path, QVC(QVCConfig(image_shape=(1, 4, 4), num_classes=2, num_layers=1)), card)
    monkeypatch.setattr("qaml_qiskit.datasets.given.GIVEN", {})
    words = "trained on data of a Python process: got a request .* expected images in a file. Give --images FILE"
    with pytest.raises(InputError, match=words):
        load_batch("5", [read_deployment(str(tmp_path))], None)


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_network_and_a_model_for_the_same_data_are_alike(by_hand: bool) -> None:
    """As a transfer asks for it."""
    split = Split.from_arrays(IMAGES, LABELS)
    if by_hand:
        split = Split(split.train.take(range(9)), split.test)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 2))
    found = load_batch("3", [deploy(model_for(split)), deploy(network, data=split)], None)
    np.testing.assert_array_equal(found.images, split.test.images[:3])


def test_a_network_takes_the_images_that_it_was_deployed_for() -> None:
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 2))
    found = load_batch("3", [deploy(network, data=Dataset("mine", IMAGES, LABELS, ("a", "b")))], None)
    np.testing.assert_array_equal(found.images, IMAGES[:3])


def test_a_circuit_has_a_name_that_says_what_is_in_it(tmp_path: Path) -> None:
    circuit = QuantumCircuit(2)
    circuit.ry(Parameter("a"), 0)
    name = with_names(ResourcesRequest, {"ansatz": circuit})["ansatz"]
    assert name.startswith("circuit-")
    assert os.sep not in name
    assert with_names(TrainRequest, {"ansatz": circuit.copy()})["ansatz"] == name
    request = ResourcesRequest(ansatz=(name, "ladder", "mine.qpy"))
    assert request.ansatz == (name, "ladder", "mine.qpy")
    assert named_circuit(name).parameters == ("a",)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "steps twice": (
        {"dataset": load_dataset("digits", classes=(3, 8), limit=5), "classes": (0, 1)},
        r"classes=\(0, 1\) beside a Split; .* Give classes to load_dataset, or to Split.from_arrays",
    ),
    "a column of arrays": (
        {"dataset": (IMAGES, LABELS), "label_column": "a"},
        "label_column='a' beside data in memory",
    ),
    "a model for a kind": (
        {"dataset": "digits", "model": QVC(QVCConfig(image_shape=(1, 4, 4), num_classes=2, num_layers=1))},
        "cannot take this as model: got a QVC; expected the kind of a new model, .*ansatz=circuit",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str) -> None:
    fields, words = REFUSED[case]
    with pytest.raises(ConfigurationError, match=words):
        with_names(TrainRequest, fields)


def test_given_data_are_prepared_already() -> None:
    name = train_fields((IMAGES, LABELS))["dataset"]
    with pytest.raises(ConfigurationError, match="are prepared already"):
        load_dataset(name, resize=(2, 2))
