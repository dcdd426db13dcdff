"""A stream of scores is watched for a lasting change, by cumulative sums (CUSUM; Page, Biometrika 41, 100, 1954).

The score of every image is standardised by clean ones, z = (score − mean)/deviation, and summed up as far as it exceeds
a drift k: S_t = max(0, S_{t−1} + z_t − k). An alarm is S_t > h. A single odd image moves S little; a shift of the mean
by more than k deviations makes it grow until the alarm.

The promise: while nothing has changed, the probability of an alarm within N images is at most α. So the mean number of
images to a false alarm is at least N(1 − α). The threshold h is found by simulation, with streams drawn from the clean
scores; each with a standardisation by a sample of its own, of as many scores, so that the promise holds with
what is not known of the mean and the deviation, too. It is for scores that are independent and of any distribution, as
far as the clean ones show it.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.errors import InputError
from qaml_qiskit.evaluation import threshold_for

Floats = NDArray[np.float64]
#: Clean scores that are needed: a deviation of fewer says too little.
LEAST_SCORES = 50
#: Simulated streams behind a threshold; α times as many end with a false alarm.
STREAMS = 2000
#: Simulated scores at a time.
_AT_ONCE = 2**21


@dataclass(frozen=True)
class Monitor:
    """A cumulative sum over the scores so far, higher = more suspicious. Made by :meth:`fit`.

    Attributes:
        mean: of clean scores.
        deviation: of clean scores.
        drift: k, in deviations: half the shift of the mean that is to be found soonest.
        threshold: h, in deviations.
        false_alarms: α.
        within: N: how many images the promise is about.
        statistic: S.
        seen: how many scores there were.
        alarm_at: the place in the stream, counted from 0, of the score that raised the first alarm; None for none.
    """

    mean: float
    deviation: float
    drift: float
    threshold: float
    false_alarms: float
    within: int
    statistic: float = 0.0
    seen: int = 0
    alarm_at: int | None = None

    @classmethod
    def fit(
        cls,
        clean_scores: NDArray[np.floating],
        *,
        false_alarms: float = 0.01,
        within: int = 1000,
        drift: float = 0.25,
        seed: int = 0,
    ) -> Self:
        """A monitor that keeps its promise on streams like these scores.

        Args:
            clean_scores: of images that nothing was learned from and nobody attacked, shape (n,).
            false_alarms: α: the probability of a false alarm within so many images, at most.
            within: so many images.
            drift: k, above 0.
            seed: of the simulation.

        Raises:
            InputError: fewer than 50 scores, one that is not finite, scores that are all equal, or an α, a number of
                images or a drift out of its range.
        """
        scores = _clean(clean_scores)
        if not 0 < false_alarms < 1 or within < 1 or not 0 < drift < np.inf:
            raise InputError(
                "there is no such monitor",
                got=f"{false_alarms:g} false alarms within {within} images, a drift of {drift:g}",
                expected="a probability between 0 and 1, at least one image, and a finite drift above 0",
                remedy="correct them",
            )
        if STREAMS * false_alarms < 1:
            raise InputError(
                "a false alarm is too rare to be simulated",
                got=f"a probability of {false_alarms:g}",
                expected=f"at least {1 / STREAMS:g}",
                remedy="allow it within more images instead",
            )
        # One more stream exceeds this sum with the promised probability at most.
        threshold = threshold_for(_highest(scores, within, drift, np.random.default_rng(seed)), false_alarms)
        return cls(float(scores.mean()), float(scores.std(ddof=1)), drift, threshold, false_alarms, within)

    @property
    def alarmed(self) -> bool:
        """Whether there was an alarm."""
        return self.alarm_at is not None

    @property
    def least_run_length(self) -> float:
        """How many images there are to a false alarm on average, at least: N(1 − α)."""
        return self.within * (1 - self.false_alarms)

    def update(self, score: float) -> Self:
        """After one further score.

        Raises:
            InputError: it is no finite number.
        """
        return self.through(np.array([score]))[0]

    def through(self, scores: NDArray[np.floating]) -> tuple[Self, Floats]:
        """After further scores, and S after each of them.

        Args:
            scores: shape (N,).

        Raises:
            InputError: a score that is no finite number.
        """
        values = np.asarray(scores, dtype=np.float64)
        if values.ndim != 1 or not np.isfinite(values).all():
            raise InputError(
                "a score cannot be watched",
                got=f"shape {values.shape}" if values.ndim != 1 else str(values[~np.isfinite(values)][0]),
                expected="finite numbers, one an image",
                remedy="correct the stream",
            )
        steps = (values - self.mean) / self.deviation - self.drift
        sums = _cumulative(steps[None], self.statistic)[0]
        alarms = np.flatnonzero(sums > self.threshold)
        found = self.alarm_at
        if found is None and len(alarms):
            found = self.seen + int(alarms[0])
        last = float(sums[-1]) if len(sums) else self.statistic
        return replace(self, statistic=last, seen=self.seen + len(values), alarm_at=found), sums


def _cumulative(steps: Floats, start: float = 0.0) -> Floats:
    """max(0, S + step) along the second axis: the walk, above the lowest point that it has had below 0."""
    walk = start + np.cumsum(steps, axis=1)
    return walk - np.minimum(np.minimum.accumulate(walk, axis=1), 0)


def _highest(scores: Floats, within: int, drift: float, generator: np.random.Generator) -> Floats:
    """The highest S of each simulated stream, but for those whose clean sample does not vary, which is refused."""
    size, found = max(1, _AT_ONCE // max(within, len(scores))), []
    for start in range(0, STREAMS, size):
        count = min(size, STREAMS - start)
        learned = scores[generator.integers(len(scores), size=(count, len(scores)))]
        mean, deviation = learned.mean(axis=1, keepdims=True), learned.std(axis=1, ddof=1, keepdims=True)
        stream = scores[generator.integers(len(scores), size=(count, within))]
        varies = np.ptp(learned, axis=1) > 0
        steps = (stream[varies] - mean[varies]) / deviation[varies] - drift
        found.append(_cumulative(steps).max(axis=1))
    return np.concatenate(found)


def _clean(clean_scores: object) -> Floats:
    scores = np.asarray(clean_scores, dtype=np.float64)
    if scores.ndim != 1 or len(scores) < LEAST_SCORES or not np.isfinite(scores).all():
        finite = "" if np.isfinite(scores).all() else " with numbers that are not finite"
        raise InputError(
            "a monitor cannot learn from these clean scores",
            got=f"{len(scores)} of them{finite}" if scores.ndim == 1 else f"shape {scores.shape}",
            expected=f"at least {LEAST_SCORES} finite numbers, one an image",
            remedy="give more validation images",
        )
    if np.ptp(scores) == 0:
        raise InputError(
            "a monitor cannot learn from these clean scores",
            got=f"{scores[0]:g} for every image",
            expected="scores that vary",
            remedy="watch a score with more values, or give more validation images",
        )
    return scores
