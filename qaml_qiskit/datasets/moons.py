"""Two interleaved half circles: two features, two classes, no download."""

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.datasets.parts import hashed_test_part
from qaml_qiskit.datasets.spec import DatasetSpec, RawPart, RawSplit

_HOMEPAGE = "https://scikit-learn.org/stable/modules/generated/sklearn.datasets.make_moons.html"
_CLASS_NAMES = ("upper", "lower")
_SIZES = {"training": 1000, "test": 400}
#: Standard deviation of the scatter, in radii.
_SCATTER = 0.1
#: The square, in radii, that becomes the unit square: (left, bottom) and its side.
_CORNER, _SIDE = np.array([-1.5, -1.75]), 4.0


def read_moons() -> RawSplit:
    """Return the points as images of shape 1×1×2: x and y in [0, 1].

    The upper moon is the upper half of the unit circle; the lower one is the same turned upside down, one radius to the
    right and half a radius up. Angles are uniform, the scatter is normal. The points belong to the data set: they do
    not depend on a run's seed.
    """
    training, test = (_drawn(index, size) for index, size in enumerate(_SIZES.values()))
    return RawSplit(_CLASS_NAMES, training, test)


def read_thin_moons() -> RawSplit:
    """Return the points of Huang & Zhang (2023), section 4.1, as images of shape 1×1×2.

    They are scikit-learn's ``make_moons``: 1,000 points at even angles, a scatter of .03, of its random state 0. Of
    each class 20 per cent, chosen by a hash, are the test part. The smallest and the largest value of each feature in
    the training part become 0 and 1; later points are clipped there. Nothing depends on a run's seed.
    """
    from sklearn.datasets import make_moons

    points, labels = make_moons(1000, noise=0.03, random_state=0)
    in_test = hashed_test_part(labels, "thin-moons", percent=20)
    low, high = points[~in_test].min(axis=0), points[~in_test].max(axis=0)
    scaled = (points - low) / (high - low)
    return RawSplit(_CLASS_NAMES, *(_part(scaled[mask], labels[mask]) for mask in (~in_test, in_test)))


def _drawn(index: int, size: int) -> RawPart:
    generator = np.random.default_rng([7, index])
    labels = np.arange(size) % 2
    angle = np.pi * generator.random(size)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points = np.where(labels[:, None] == 0, upper, np.array([1.0, 0.5]) - upper)
    points = points + _SCATTER * generator.standard_normal(points.shape)
    return _part((points - _CORNER) / _SIDE, labels)


def _part(points: NDArray[np.float64], labels: NDArray[np.integer]) -> RawPart:
    images: NDArray[np.float32] = points.clip(0, 1).astype(np.float32).reshape(-1, 1, 1, 2)
    return RawPart(labels.astype(np.int64), lambda positions: images[positions])


MOONS = DatasetSpec(
    name="moons",
    description="two interleaved half circles, two features, two classes, 1,000 + 400 points (embedded)",
    homepage=_HOMEPAGE,
    class_names=_CLASS_NAMES,
    read=read_moons,
)
THIN_MOONS = DatasetSpec(
    name="thin-moons",
    description="two interleaved half circles with little scatter, two features, two classes, 800 + 200 points "
    "(embedded)",
    homepage=_HOMEPAGE,
    class_names=_CLASS_NAMES,
    read=read_thin_moons,
)
