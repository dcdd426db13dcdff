"""What is done about an image that its shots leave in doubt: nothing, no answer, more shots, or another model's answer.

All policies read the same trail of rounds, so they are compared on the same shots.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.confidence.sequential import SequentialRule
from qaml_qiskit.evaluation import check_enough

#: ``fixed`` is the budget for every image, which all others are compared with.
Policy = Literal["fixed", "abstain", "fall-back", "more-shots", "sequential"]
Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
#: Leads that are tried for the rule of re-measuring, in standard errors.
LEADS = np.arange(0.0, 8.0, 0.05)


@dataclass(frozen=True)
class Trail:
    """What rounds of shots say of N images, in A repetitions.

    Where an image was not measured any more, what the last round said of it stands.

    Attributes:
        rounds: shots of an image after each of R rounds, ascending.
        logits: mean scores after each round, shape (A, N, R, m).
        lead: of the leading class, in standard errors, shape (A, N, R); see :meth:`.SequentialRule.lead`.
        certain: whether the leading class is certain after just this round, shape (A, N, R).
    """

    rounds: tuple[int, ...]
    logits: Floats
    lead: Floats
    certain: NDArray[np.bool_]

    @property
    def labels(self) -> Labels:
        """The leading class after each round, shape (A, N, R)."""
        return self.logits.argmax(axis=-1)

    @property
    def num_images(self) -> int:
        """N."""
        return self.logits.shape[1]

    def stopped(self, enough: NDArray[np.bool_]) -> "PolicyAnswers":
        """The answers of whoever stops after the first round that is enough, or after the last.

        Args:
            enough: shape (A, N, R).
        """
        last = len(self.rounds) - 1
        early = np.asarray(enough.any(axis=-1))
        place = np.where(early, enough.argmax(axis=-1), last)
        labels = np.take_along_axis(self.labels, place[..., None], axis=-1)[..., 0]
        return PolicyAnswers(labels, np.ones(labels.shape, dtype=bool), place, early)


@dataclass(frozen=True)
class PolicyAnswers:
    """What a policy answers, in A repetitions about N images.

    Attributes:
        labels: shape (A, N).
        answered: whether there is a label at all, shape (A, N).
        places: the last round that was measured, counted from 0, shape (A, N).
        early: whether a rule stopped the image, rather than the budget's end, shape (A, N).
        by_other: whether another model answered, shape (A, N); None where there is none.
    """

    labels: Labels
    answered: NDArray[np.bool_]
    places: Labels
    early: NDArray[np.bool_]
    by_other: NDArray[np.bool_] | None = None

    def silent(self, doubtful: NDArray[np.bool_]) -> "PolicyAnswers":
        """The same without answers about the doubtful, shape (A, N)."""
        return replace(self, answered=self.answered & ~doubtful)

    def handed_over(self, doubtful: NDArray[np.bool_], labels: Labels) -> "PolicyAnswers":
        """The same with another model's labels, shape (N,), for the doubtful, shape (A, N)."""
        return replace(self, labels=np.where(doubtful, labels, self.labels), by_other=doubtful)


#: Scores of one shot each, shape (K, shots, m): of a round's number, which K images, and how many shots.
Measure = Callable[[int, Labels, int], Floats]
#: Which images need no further round, shape (K,), by ``certain`` and ``lead`` after each round so far, shape (K, r).
Done = Callable[[NDArray[np.bool_], Floats], NDArray[np.bool_]]


def measure_in_rounds(rule: SequentialRule, images: int, measure: Measure, done: Done | None = None) -> Trail:
    """Measure images round by round.

    Args:
        rule: with its rounds.
        images: N.
        measure: takes the shots.
        done: None where all images are measured to the end.

    Returns:
        One repetition.
    """
    size, count = len(rule.reach), len(rule.rounds)
    logits = np.zeros((images, count, size))
    lead, certain = np.zeros((images, count)), np.zeros((images, count), dtype=bool)
    rows, tally = np.arange(images), rule.begin(images)
    for number, (before, after) in enumerate(pairwise((0, *rule.rounds))):
        if not len(rows):
            break
        tally = rule.add(tally, measure(number, rows, after - before))
        # What is not measured again keeps what was said last.
        logits[rows, number:] = tally.logits[:, None]
        lead[rows, number:] = rule.lead(tally)[:, None]
        certain[rows, number] = rule.certain(tally)
        if done is not None:
            going = ~done(certain[rows, : number + 1], lead[rows, : number + 1])
            rows, tally = rows[going], tally.images(going)
    return Trail(rule.rounds, logits[None], lead[None], certain[None])


def check_lead_images(images: int, confidence: float) -> None:
    """Raise InputError for fewer validation images than :func:`least_lead` needs whatever their labels.

    Args:
        images: how many there are.
        confidence: between 0 and 1.
    """
    check_enough(images, 1 - confidence, f"a confidence of {confidence:g}", "ask for a lower --confidence")


def least_lead(trail: Trail, confidence: float) -> float:
    """The least lead at which it may be stopped so that on average few labels differ from those of the whole budget.

    By conformal risk control (Angelopoulos et al., ICLR 2024): the loss of an image is how often stopping at a lead, or
    at any higher one, gives another label than the last round; the least lead is taken at which (Σ loss + 1)/(N + 1)
    is at most 1 − confidence. Then the label of a further image that comes from where these came from differs with a
    probability of at most 1 − confidence, on average over images and over the validation images, too.

    Args:
        trail: of validation images, to the last round.
        confidence: between 0 and 1.

    Returns:
        In standard errors; ∞ where no lead keeps the promise, so that every image gets the whole budget.

    Raises:
        InputError: fewer images than the promise needs whatever their labels: ⌈1/(1 − confidence)⌉ − 1.
    """
    check_lead_images(trail.num_images, confidence)
    final = trail.labels[..., -1]
    losses = np.array([(trail.stopped(trail.lead >= each).labels != final).mean(axis=0) for each in LEADS])
    # At this lead or any higher one: what is controlled must not rise again.
    monotone = np.maximum.accumulate(losses[::-1], axis=0)[::-1].sum(axis=1)
    kept = np.flatnonzero((monotone + 1) / (trail.num_images + 1) <= 1 - confidence + 1e-12)
    return float(LEADS[kept[0]]) if len(kept) else np.inf
