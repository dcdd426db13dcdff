"""Two half circles."""

import numpy as np
from scipy.spatial import cKDTree
from sklearn.datasets import make_moons

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


def test_the_thin_moons_are_those_of_the_paper() -> None:
    split = load_dataset("thin-moons")
    points, labels = make_moons(1000, noise=0.03, random_state=0)
    assert (len(split.train), len(split.test), split.train.image_shape) == (800, 200, (1, 1, 2))
    assert np.bincount(split.test.labels).tolist() == [100, 100]
    # Every point is there once, scaled feature by feature so that the training part fills the unit square.
    train = split.train.images.reshape(-1, 2)
    assert (train.min(axis=0).tolist(), train.max(axis=0).tolist()) == ([0, 0], [1, 1])
    scale = np.ptp(points, axis=0)
    both = np.concatenate([train, split.test.images.reshape(-1, 2)])
    wanted = (points - points.min(axis=0)) / scale
    distance, nearest = cKDTree(both).query(wanted)
    assert distance.max() < 0.02  # the extreme points may be test points
    assert (np.concatenate([split.train.labels, split.test.labels])[nearest] == labels).mean() > 0.99


def test_no_thin_moon_is_near_the_point_without_a_state() -> None:
    """Amplitude encoding has none for (0, 0): attacks of less than .33 in l∞ do not reach it."""
    split = load_dataset("thin-moons")
    for part in (split.train, split.test):
        assert part.images.reshape(-1, 2).max(axis=1).min() > 0.33
