"""p-values of many tests at once."""

from collections.abc import Sequence

import numpy as np


def holm(p: Sequence[float]) -> list[float]:
    """The p-values adjusted so that α bounds the probability of any false alarm among them (Holm 1979)."""
    order = np.argsort(p)
    steps = np.asarray(p)[order] * (len(p) - np.arange(len(p)))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps)) if len(p) else steps
    return [float(each) for each in adjusted]


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """The p-values adjusted so that α bounds the expected share of false ones among what is found (1995).

    Holds for independent tests and for such as lean the same way, as tests of the same images do (Benjamini & Yekutieli
    2001). Of two-sided tests it bounds wrong directions, too (Benjamini & Yekutieli 2005).

    Args:
        p: of every test.
    """
    order = np.argsort(p)[::-1]
    steps = np.asarray(p)[order] * len(p) / np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate(steps)) if len(p) else steps
    return [float(each) for each in adjusted]
