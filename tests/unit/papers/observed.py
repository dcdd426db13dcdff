"""Observations with known answers, made by seeded generators."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from qaml_qiskit.papers import Claim, Judgement, Measure, Observation, judge


def trained(*shares: float, images: int = 250, seed: int = 0, alike: float = 0.8) -> Observation:
    """Accuracies of trainings on the same images, each right on exactly its share of them.

    Args:
        shares: one a training.
        images: N.
        seed: of which images are hard.
        alike: how much of an image's difficulty all trainings share.
    """
    generator = np.random.default_rng([seed, 7])
    common = np.random.default_rng(1).random(images)
    hits = []
    for share in shares:
        ease = alike * common + (1 - alike) * generator.random(images)
        hits.append((np.argsort(np.argsort(ease)) < round(share * images)).astype(np.float64))
    return measured(*hits)


def measured(*hits: Sequence[float] | np.ndarray[Any, Any]) -> Observation:
    """Of the hits of every training."""
    arrays = tuple(np.asarray(each, dtype=np.float64) for each in hits)
    values = np.array([each.mean() if len(each) else np.nan for each in arrays])
    return Observation(values, arrays, tuple(range(len(arrays))) if len(arrays) > 1 else ())


def numbers(*values: float, intervals: Sequence[tuple[float, float]] | None = None) -> Observation:
    """A figure that is no mean over images, a training each."""
    seeds = tuple(range(len(values))) if len(values) > 1 else ()
    return Observation(np.array(values), None, seeds, None if intervals is None else tuple(intervals))


def claim(name: str, /, **expect: Any) -> Claim:
    """A claim of an item ``fig1``."""
    return Claim(id=name, item="fig1", told=f"What {name} says", expect=expect)


def judged(found: Mapping[str, Observation], /, **expect: Any) -> Judgement:
    """What follows for a single claim; runs of its measures are names in ``found``."""
    return judge([claim("only", **expect)], lambda measure: seen(found, measure))[0]


def seen(found: Mapping[str, Observation], measure: Measure) -> Observation | None:
    """What was measured."""
    return found.get(measure.run or "")


def of(run: str, **more: Any) -> dict[str, Any]:
    """A measure."""
    return {"run": run, **more}
