"""What runs measured for one figure of merit: one value a seed, and the hits of single images where there are any."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Observation:
    """A figure of merit, a seed each.

    Attributes:
        values: one number a seed, shape (S,), S ≥ 1.
        hits: a seed each: whether single images count (an accuracy is their mean), shape (N,), or how much (a
            difference of two accuracies: −1, 0 or 1). None where the figure is no mean over images. Two observations of
            the same images have them in the same order.
        seeds: S of them; () where the figure does not depend on a seed, then S = 1.
    """

    values: NDArray[np.float64]
    hits: tuple[NDArray[np.float64], ...] | None
    seeds: tuple[int, ...]

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return float(self.values.mean())

    def __sub__(self, other: "Observation") -> "Observation":
        """Seed by seed, and image by image where both have them; an observation without seeds fits any."""
        seeds = self.seeds or other.seeds
        count = max(1, len(seeds))
        ours, theirs = (np.broadcast_to(each.values, count) for each in (self, other))
        hits = None
        if self.hits is not None and other.hits is not None:
            pairs = zip(_spread(self.hits, count), _spread(other.hits, count), strict=True)
            hits = tuple(one - another for one, another in pairs)
        return Observation(ours - theirs, hits, seeds)


def _spread(hits: tuple[NDArray[np.float64], ...], count: int) -> tuple[NDArray[np.float64], ...]:
    return hits * count if len(hits) == 1 else hits
