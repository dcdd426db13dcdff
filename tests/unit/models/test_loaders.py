"""DataLoaders and torch data sets in the place of tensors."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset, SubsetRandomSampler, TensorDataset

from qaml_qiskit.batches import read_examples
from qaml_qiskit.errors import InputError
from qaml_qiskit.models import QVC, QVCConfig, Trainer, TrainingConfig

IMAGES = torch.rand(20, 1, 2, 2, generator=torch.Generator().manual_seed(1)) + 0.01
LABELS = torch.arange(20) % 2
WHOLE = TensorDataset(IMAGES, LABELS)


class Stream(IterableDataset[Any]):
    def __iter__(self) -> Iterator[Any]:
        return iter(WHOLE)


@pytest.mark.parametrize(
    "source",
    [
        WHOLE,
        DataLoader(WHOLE, batch_size=7),
        DataLoader(WHOLE, batch_size=7, shuffle=True, drop_last=True),
        DataLoader(Stream(), batch_size=3),
        DataLoader(TensorDataset(IMAGES, LABELS[:, None]), batch_size=4),
    ],
    ids=["data set", "in order", "shuffled", "stream", "labels as a column"],
)
def test_every_example_is_read_once_in_order(source: Any) -> None:
    images, labels = read_examples(source)
    assert torch.equal(images, IMAGES)
    assert torch.equal(labels, LABELS)


def test_a_loader_that_chooses_is_believed() -> None:
    sampler = SubsetRandomSampler([3, 5, 8], generator=torch.Generator().manual_seed(0))
    images, _ = read_examples(DataLoader(WHOLE, sampler=sampler))
    assert sorted(images[:, 0, 0, 0].tolist()) == sorted(IMAGES[[3, 5, 8], 0, 0, 0].tolist())


def test_a_loader_trains_as_tensors_do() -> None:
    config = TrainingConfig(epochs=2, batch_size=6, learning_rate=0.1)
    weights = []
    for train in ((IMAGES, LABELS), DataLoader(WHOLE, batch_size=3, shuffle=True)):
        model = QVC(QVCConfig(image_shape=(1, 2, 2), num_classes=2, num_layers=2), 0)
        Trainer(model, train, (IMAGES, LABELS), config).run()
        weights.append(model.weight.detach().clone())
    assert torch.equal(*weights)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (DataLoader(TensorDataset(IMAGES)), "a list of 1"),
        (DataLoader([]), "no example"),
        (DataLoader([(torch.zeros(1, 2, 2), 0), (torch.zeros(1, 3, 3), 1)]), "examples of shapes"),
        (DataLoader([(["a"], 0)]), "the examples cannot be used"),
    ],
    ids=["no labels", "nothing", "two shapes", "texts"],
)
def test_what_gives_no_pairs_is_refused(source: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_examples(source)
