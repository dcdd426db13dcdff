"""Tampering as a work for maps: rows from cells, blocks of states, and what travels."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import BaseModel

from qaml_qiskit.artifacts import open_run
from qaml_qiskit.attacks.quantum import Budget
from qaml_qiskit.deployments import Batch, deploy
from qaml_qiskit.models import QVC, DataCard, ModelCard, QVCConfig, StoredModel
from qaml_qiskit.progress import Advance, Silent, ignore
from qaml_qiskit.studies import PARTS, Tampered, TamperedCell, Tampering, honest_readout, tamper_parts

ACCURACIES = {0.1: 0.75, 0.2: 0.25, 0.3: 0.5}


class Nothing(BaseModel):
    """A request without options."""


class Scripted(Tampering):
    """Leaves the accuracy that was written down for a strength; on a block of images its own share of them."""

    def __call__(self, cell: TamperedCell, advance: Advance) -> Tampered:
        images = cell.images.stop - cell.images.start
        after = ACCURACIES[cell.budget.strength] if images > 1 else 1.0
        return Tampered("any", cell.part, ["labels"], cell.budget.strength, 1, 1.0, after, [0] * images)


def work(kind: type[Tampering], images: int = 5) -> Tampering:
    config = QVCConfig(image_shape=(1, 2, 2), num_classes=2, num_layers=2)
    model = StoredModel(QVC(config, 3), ModelCard(model=config, data=DataCard(dataset="digits", classes=(0, 1))))
    pictures = torch.rand(images, 1, 2, 2, generator=torch.Generator().manual_seed(1))
    deployment = deploy(model)
    batch = Batch(pictures, np.arange(images) % 2, np.arange(images), str(images))
    return kind(deployment, batch, honest_readout(deployment, 0.05))


def test_a_larger_budget_never_does_less(tmp_path: Path) -> None:
    budgets = [Budget(strength) for strength in ACCURACIES]
    with open_run("demo", Nothing(), out=tmp_path / "run") as run:
        rows = tamper_parts(run, work(Scripted, 8), ["readout"], budgets, Silent())
    assert [(row["strength"], row["spent"], row["accuracy"]) for row in rows] == [
        (0.1, 0.1, 0.75),
        (0.2, 0.2, 0.25),
        (0.3, 0.2, 0.25),
    ]
    assert sorted(file.name for file in (tmp_path / "run" / "cells").iterdir()) == [
        f"readout-{strength}.{suffix}" for strength in ACCURACIES for suffix in ("json", "npz")
    ]


def test_blocks_of_states_count_by_their_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qaml_qiskit.studies.tampered.BLOCK", 4)
    with open_run("demo", Nothing(), out=tmp_path / "run") as run:
        (row,) = tamper_parts(run, work(Scripted, 5), ["encoding"], [Budget(0.2)], Silent())
    assert (row["images"], row["accuracy"]) == (5, (4 * 0.25 + 1) / 5)
    cells = sorted(file.name for file in (tmp_path / "run" / "cells").iterdir())
    assert cells == ["encoding-000000-0.2.json", "encoding-000004-0.2.json"]


def test_a_cell_is_the_same_elsewhere() -> None:
    here, sent = work(Tampering), pickle.dumps(work(Tampering))
    for part in PARTS:
        cell = TamperedCell(part, Budget(0.3), slice(0, 5))
        found, again = here(cell, ignore), pickle.loads(sent)(cell, ignore)
        assert found == again
        np.testing.assert_array_equal(found.change, again.change)
    assert len(pickle.dumps(here)) == len(sent), "what was computed does not travel"
