"""Which images a row of a sweep counts, from the cells beside its metrics."""

from pathlib import Path

import numpy as np
import pytest

from qaml_qiskit.campaigns.reproduce.hits import hits_of
from qaml_qiskit.formats import npz

LABELS = np.array([0, 1, 1])


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """Two blocks of images under one noise, and one without noise."""
    cells = tmp_path / "cells"
    cells.mkdir()
    right, wrong = np.eye(2)[LABELS], np.eye(2)[1 - LABELS]
    for name, z, labels in (
        ("m_multiplexed_none_0_00000_1a", right, LABELS),
        ("m_multiplexed_bit-flip_0.005_layer_00000_2b", right[:2], LABELS[:2]),
        ("m_multiplexed_bit-flip_0.005_layer_00002_3c", wrong[2:], LABELS[2:]),
        ("m_multiplexed_bit-flip_0.005_gate_00000_4d", wrong, LABELS),
    ):
        (cells / f"{name}.npz").write_bytes(npz(**{"0.none.0.z": z, "labels": labels}))
    return tmp_path


def test_blocks_of_one_noise_strength_and_place_are_taken_in_order(sweep: Path) -> None:
    row = {"noise": "bit-flip", "strength": 0.005, "placement": "layer", "accuracy": 2 / 3, "images": 3}
    assert hits_of(sweep, "sweep", 1, row, "accuracy").tolist() == [1, 1, 0]  # type: ignore[union-attr]
    clean = {"noise": "none", "strength": 0.0, "placement": None, "accuracy": 1.0, "images": 3}
    assert hits_of(sweep, "sweep", 0, clean, "accuracy").tolist() == [1, 1, 1]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "other", [{"images": 4}, {"attack": "pgd"}, {"mitigation": "readout"}, {"accuracy": 0.5}, {"strength": 0.01}]
)
def test_nothing_is_made_of_cells_that_are_of_something_else(sweep: Path, other: dict[str, object]) -> None:
    row = {"noise": "bit-flip", "strength": 0.005, "placement": "layer", "accuracy": 2 / 3, "images": 3, **other}
    assert hits_of(sweep, "sweep", 1, row, "accuracy") is None
