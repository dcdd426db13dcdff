"""Two half circles."""

import numpy as np

from qaml_qiskit.datasets import data_status, load_dataset


def test_two_balanced_classes_in_the_unit_square() -> None:
    split = load_dataset("moons")
    assert (len(split.train), len(split.test)) == (1000, 400)
    assert split.train.image_shape == (1, 1, 2)
    assert np.bincount(split.test.labels).tolist() == [200, 200]
    assert 0 < split.train.images.min() < split.train.images.max() < 1
    assert [row.state for row in data_status("moons")] == ["embedded"]


def test_the_moons_interleave() -> None:
    split = load_dataset("moons")
    points = split.train.images.reshape(-1, 2) * 4 + np.array([-1.5, -1.75])  # in radii again
    upper, lower = points[split.train.labels == 0], points[split.train.labels == 1]
    assert abs(np.linalg.norm(upper, axis=1).mean() - 1) < 0.05
    assert abs(np.linalg.norm(lower - [1, 0.5], axis=1).mean() - 1) < 0.05
    assert upper[:, 1].mean() > lower[:, 1].mean()
    # Each moon's middle lies beyond the other's ends: no line separates them.
    assert lower[:, 1].max() > upper[:, 1].min()
