"""What is measured for the cost laws, and what a size counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks import operations

#: The state and the adjoint of the images that one thread moves together stay in its cache up to this.
_CACHE = 2**20
_TOGETHER = 16


@dataclass(frozen=True)
class Size:
    """A size.

    Attributes:
        qubits: n.
        layers: L.
        images: of a batch, or certified.
        labels: how many different ones certified images have; only pairs with one of them are decomposed (0: all).
    """

    qubits: int
    layers: int = 1
    images: int = 1
    labels: int = 0

    @property
    def classes(self) -> int:
        """As :class:`~benchmarks.problem.Problem` has them."""
        return min(self.qubits, 10)

    def __str__(self) -> str:
        return f"{self.qubits}x{self.layers}x{self.images}"


def counts(kind: str, size: Size) -> Mapping[str, float]:
    """The terms of a kind's law."""
    n, classes = size.qubits, size.classes
    if kind in ("train", "attack"):
        moved = (operations.training if kind == "train" else operations.attack)(n, size.layers) * size.images
        inside = 16 * 2**n * min(size.images, _TOGETHER) <= _CACHE
        return {"a step": 1, "a layer": size.layers, "in the cache": moved * inside, "beyond it": moved * (not inside)}
    if kind == "collapse":
        return {"a collapse": 1, "4ⁿ": 4.0**n, "a multiply-add": operations.forward(n, size.layers) << n}
    if kind == "collapsed":
        # Three of four amplitudes have a pixel.
        return {"a step": 1, "4ⁿ": 4.0**n, "4ⁿ an image": 4.0**n * size.images}
    if kind == "noise":
        moved, inside = 4.0**n * size.layers * n * classes, 4 * 4**n <= _CACHE
        terms = {"4ⁿ a qubit, layer and class in the cache": moved * inside, "beyond it": moved * (not inside)}
        return {"a noise": 1, "a qubit and layer": size.layers * n, "4ⁿ a class": 4.0**n * classes, **terms}
    if kind == "certify":
        unseen = classes - (size.labels or classes)
        pairs = classes * (classes - 1) / 2 - unseen * (unseen - 1) / 2
        return {"a model": 1, "8ⁿ a pair": 8.0**n * pairs, "4ⁿ an image and class": 4.0**n * size.images * classes}
    raise KeyError(kind)


_TRAIN = (
    *(Size(8, 100, images) for images in (16, 64)),
    *(Size(10, layers, 64) for layers in (50, 200)),
    *(Size(10, 200, images) for images in (1, 4, 16, 256)),
    *(Size(12, 50, images) for images in (1, 16, 32)),
    *(Size(14, 10, images) for images in (1, 16)),
    *(Size(16, 10, images) for images in (1, 8)),
    Size(18, 5, 2),
)
_ATTACK = (
    Size(8, 100, 64),
    *(Size(10, 200, images) for images in (1, 16, 64)),
    *(Size(12, 50, images) for images in (1, 32)),
    Size(14, 10, 16),
    *(Size(16, 10, images) for images in (1, 8)),
    Size(18, 5, 2),
)
#: The points of every law, and behind them the largest size, which the law is checked on and does not know.
POINTS: dict[str, tuple[tuple[Size, ...], Size]] = {
    "train": (_TRAIN, Size(20, 50, 64)),
    "attack": (_ATTACK, Size(20, 20, 8)),
    "collapse": (tuple(Size(n, layers) for n in (7, 8, 9, 10, 11) for layers in (10, 40)), Size(12, 20)),
    "collapsed": (tuple(Size(n, 200, images) for n in (8, 9, 10) for images in (1, 16, 64, 256)), Size(10, 200, 1024)),
    "noise": (tuple(Size(n, layers) for n in (6, 7, 8, 9, 10) for layers in (5, 20)), Size(12, 5)),
    "certify": (
        (*(Size(n, 5, images) for n in (6, 8, 9) for images in (5, 20, 80)), Size(10, 5, 5), Size(10, 5, 20)),
        Size(10, 5, 80),
    ),
}


def points_of(kind: str, *, quick: bool) -> tuple[list[Size], Size]:
    """The sizes that a law is fitted to, and the one that checks it."""
    fitted, check = POINTS[kind]
    if not quick:
        return list(fitted), check
    small = [Size(5 + i % 3, 2 + i % 2, 1 + i % 4) for i in range(len(fitted))]
    return list(dict.fromkeys(small)), Size(8, 4, 4)
