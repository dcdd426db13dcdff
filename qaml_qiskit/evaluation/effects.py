"""Sizes of effects, and Wilcoxon's test of a few trainings."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Floats = NDArray[np.floating]

#: So many pairs are needed before Wilcoxon's two-sided exact test can reach .05: 2/2⁶ = .031, and 2/2⁵ = .0625.
EXACT_SEEDS = 6


@dataclass(frozen=True)
class SignedRanks:
    """Wilcoxon's signed ranks of paired differences.

    Attributes:
        p: two-sided, exact.
        least_p: the smallest that so many pairs can give.
        rank_biserial: matched-pairs rank-biserial correlation, the share of ranks above 0 less that below (Kerby 2014);
            1 where every difference is above 0.
        count: of differences that are not 0.
    """

    p: float
    least_p: float
    rank_biserial: float
    count: int


def signed_ranks(differences: Floats) -> SignedRanks:
    """Whether paired differences lie about 0, by Wilcoxon's signed ranks (1945).

    The p-value is exact with ties, too: all 2ⁿ signs of the ranks that were found are counted. Differences of 0 are
    left out, as Wilcoxon does.

    Args:
        differences: one a pair, shape (S,).
    """
    moved = np.asarray(differences, dtype=np.float64)
    moved = moved[moved != 0]
    count = len(moved)
    if not count:
        return SignedRanks(1.0, 1.0, 0.0, 0)
    # Ranks of ties are halves.
    ranks = np.rint(2 * rankdata(np.abs(moved))).astype(int)
    total, above = int(ranks.sum()), int(ranks[moved > 0].sum())
    ways = np.zeros(total + 1)
    ways[0] = 1
    for rank in ranks:
        ways[rank:] = ways[rank:] / 2 + ways[: total + 1 - rank] / 2
        ways[:rank] /= 2
    extreme = min(above, total - above)
    p = min(1.0, 2 * float(ways[: extreme + 1].sum()))
    return SignedRanks(p, 2.0 ** (1 - count), (2 * above - total) / total, count)


def cohens_h(share: float, other: float) -> float:
    """How far two shares are apart: 2·asin √p − 2·asin √q (Cohen 1988); .2 is small, .5 medium, .8 large."""
    first, second = (2 * math.asin(math.sqrt(min(1.0, max(0.0, each)))) for each in (share, other))
    return first - second
