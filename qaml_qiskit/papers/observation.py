"""What runs measured for one figure of merit: one value a seed, and the hits of single images where there are any."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.evaluation import Estimated

Each = TypeVar("Each")


@dataclass(frozen=True)
class Observation:
    """A figure of merit, a seed each.

    Attributes:
        values: one number a seed, shape (S,), S ≥ 1.
        hits: a seed each: whether single images count (an accuracy is their mean), shape (N,), or how much (a
            difference of two accuracies: −1, 0 or 1). None where the figure is no mean over images. Two observations of
            the same images have them in the same order.
        seeds: S of them; () where the figure does not depend on a seed, then S = 1.
        intervals: a seed each, for other images, as the run itself gives them to a figure that is no mean over images,
            such as an area under a curve. None where there are hits, or where the run gives none.
    """

    values: NDArray[np.float64]
    hits: tuple[NDArray[np.float64], ...] | None
    seeds: tuple[int, ...]
    intervals: tuple[tuple[float, float], ...] | None = None

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return float(self.values.mean())

    @property
    def spread(self) -> float | None:
        """Standard deviation over the seeds; None for a single one."""
        return float(self.values.std(ddof=1)) if len(self.values) > 1 else None

    def at(self, seeds: Sequence[int]) -> "Observation":
        """What some of its seeds gave; all where it does not depend on a seed."""
        if not self.seeds:
            return self
        rows = [self.seeds.index(seed) for seed in seeds]
        hits = None if self.hits is None else tuple(self.hits[row] for row in rows)
        intervals = None if self.intervals is None else tuple(self.intervals[row] for row in rows)
        return Observation(self.values[rows], hits, tuple(seeds), intervals)

    def is_of_the_same_images(self, other: "Observation") -> bool:
        """Whether it can be told image by image how the two differ, or single images are not known."""
        if self.hits is None or other.hits is None:
            return True
        return len({len(each) for each in (*self.hits, *other.hits)}) == 1

    def __sub__(self, other: "Observation") -> "Observation":
        """Seed by seed, and image by image where both have them; an observation without seeds fits any."""
        seeds = self.seeds or other.seeds
        count = max(1, len(seeds))
        ours, theirs = (np.broadcast_to(each.values, count) for each in (self, other))
        hits = None
        if self.hits is not None and other.hits is not None:
            pairs = zip(_spread(self.hits, count), _spread(other.hits, count), strict=True)
            hits = tuple(one - another for one, another in pairs)
        intervals = None
        if hits is None and self.intervals is not None and other.intervals is not None:
            ends = zip(ours, _spread(self.intervals, count), theirs, _spread(other.intervals, count), strict=True)
            intervals = tuple(_of(one, mine).minus(_of(another, its)).interval for one, mine, another, its in ends)
        return Observation(ours - theirs, hits, seeds, intervals)


def _of(value: float, interval: tuple[float, float]) -> Estimated:
    return Estimated.of_interval(float(value), interval)


def _spread(each: tuple[Each, ...], count: int) -> tuple[Each, ...]:
    return each * count if len(each) == 1 else each
