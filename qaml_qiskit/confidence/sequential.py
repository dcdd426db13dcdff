"""When the shots so far make a label certain, at any round, with a promise that holds over all rounds together.

In one shot, class k scores s_k: the head's linear function of the products of Z that the shot read. The label of
endless shots is the class with the highest mean score μ_k *of this noisy device*; it need not be the true one. After
every round the leading class ℓ is certain once "μ_ℓ ≤ μ_j" is rejected for each of the m − 1 others at α = δ/(m − 1).

The promise: with probability 1 − δ at least, no label that is called certain at any round differs from that of endless
shots. For a wrong leader ℓ is called certain only if the true statement μ_ℓ ≤ μ_L about the label L of endless shots
was rejected, there are m − 1 such leaders, and each test below rejects a true statement with probability α at most over
all rounds. Shots of an image are independent and alike; images may be anything. A drift of the device between rounds
breaks the promise, and so does an interval that is looked at until it suits: see docs/policies.md.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from scipy.stats import binom

from qaml_qiskit.errors import InputError

Floats = NDArray[np.float64]
#: How a difference of two classes is tested; see :class:`SequentialRule`.
SequentialTest = Literal["sign", "betting", "bernstein"]
#: Shares of the wealth that are bet, each with an equal part of it: from careful to nearly all.
BETS = np.geomspace(0.02, 0.95, 24)


def round_ends(first: int, budget: int, growth: float = 1.5) -> tuple[int, ...]:
    """How many shots an image has had after each round, ascending; the last number is the budget.

    Every round adds as many as the first at least, and then so many that the number grows by a factor: few rounds, as
    each costs a job its overhead.

    Args:
        first: shots of the first round.
        budget: shots of an image at most.
        growth: the factor, at least 1; with 1 all rounds are alike.

    Raises:
        InputError: a budget below the first round, no shot, or a factor below 1.
    """
    if not 1 <= first <= budget or not growth >= 1:
        raise InputError(
            "there are no such rounds of shots",
            got=f"rounds of {first}, a budget of {budget}, growing by {growth:g}",
            expected="at least one shot a round, a budget of at least one round, and a factor of at least 1",
            remedy="give a smaller round, or a larger budget",
        )
    ends = [first]
    while ends[-1] < budget:
        following = max(ends[-1] + first, round(ends[-1] * growth))
        # What would be left for a last round that is smaller than the first is taken along.
        ends.append(following if following + first <= budget else budget)
    return tuple(ends)


@dataclass(frozen=True)
class Tally:
    """What the shots of N images have scored so far, for m classes.

    Attributes:
        shots: of each image.
        total: Σ s_k, shape (N, m).
        products: Σ s_j·s_k, shape (N, m, m).
        wealth: logarithms of what a bet of each of :data:`BETS` on s_j − s_k has come to, shape (N, m, m, bets); None
            where nobody bets.
    """

    shots: int
    total: Floats
    products: Floats
    wealth: Floats | None = None

    @property
    def labels(self) -> NDArray[np.int64]:
        """The leading classes, shape (N,)."""
        return self.total.argmax(axis=1)

    @property
    def logits(self) -> Floats:
        """Mean scores, shape (N, m)."""
        return self.total / self.shots

    def images(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> "Tally":
        """That of some images."""
        wealth = None if self.wealth is None else self.wealth[rows]
        return Tally(self.shots, self.total[rows], self.products[rows], wealth)


@dataclass(frozen=True)
class SequentialRule:
    """Calls labels certain.

    Attributes:
        confidence: 1 − δ.
        rounds: shots of an image after each round, ascending; see :func:`round_ends`.
        reach: how far the scores of two classes can be apart in one shot, |s_j − s_k| ≤ reach, shape (m, m).
        test: of "μ_ℓ ≤ μ_j".

            ``sign``: where s_ℓ − s_j is −reach, 0 or reach in every shot, as with a qubit a class. Given how many shots
            differ from 0, the signs are tosses of one coin, and the statement says that the coin favours the minus or
            is fair: a binomial tail, exact, at α/R in each of R rounds.

            ``betting``: any bounded scores. ∏(1 + λ(s_ℓ − s_j)/reach) over the shots has mean 1 at most under the
            statement, for any 0 < λ < 1, and so has the mean over :data:`BETS`: it exceeds 1/α with probability α at
            most at any time, planned or not (Ville's inequality; Waudby-Smith & Ramdas, JRSS B 86, 1, 2024).

            ``bernstein``: any bounded scores, by the empirical Bernstein bound (Maurer & Pontil 2009) at α/R in each of
            R rounds. Never the best; to compare with.
    """

    confidence: float
    rounds: tuple[int, ...]
    reach: Floats
    test: SequentialTest

    def __post_init__(self) -> None:
        """Refuse a confidence that is none, and rounds that do not grow."""
        if not 0 < self.confidence < 1:
            raise InputError(
                "this is no confidence",
                got=f"{self.confidence:g}",
                expected="a probability above 0 and below 1",
                remedy="give one such as 0.99",
            )
        if not self.rounds or self.rounds[0] < 1 or any(np.diff(self.rounds) < 1):
            raise InputError(
                "these are no rounds of shots",
                got=f"{self.rounds}",
                expected="ascending numbers of shots, from 1",
                remedy="take what round_ends gives",
            )

    @property
    def level(self) -> float:
        """α: of each of the tests, over all rounds."""
        return (1 - self.confidence) / max(1, len(self.reach) - 1)

    @property
    def _apart(self) -> Floats:
        """The reach, without a zero to divide by."""
        return np.where(self.reach > 0, self.reach, 1.0)

    def begin(self, images: int) -> Tally:
        """Before the first shot."""
        size = len(self.reach)
        wealth = np.zeros((images, size, size, len(BETS))) if self.test == "betting" else None
        return Tally(0, np.zeros((images, size)), np.zeros((images, size, size)), wealth)

    def add(self, tally: Tally, scores: NDArray[np.floating]) -> Tally:
        """With further shots of the same images.

        Args:
            tally: of N images.
            scores: shape (N, shots, m).
        """
        values = np.asarray(scores, dtype=np.float64)
        wealth = tally.wealth
        if wealth is not None:
            apart = (values[..., :, None] - values[..., None, :]) / self._apart
            won = [np.log1p(bet * apart).sum(axis=1) for bet in BETS]
            wealth = wealth + np.stack(won, axis=-1)
        products = tally.products + np.swapaxes(values, 1, 2) @ values
        return Tally(tally.shots + values.shape[1], tally.total + values.sum(axis=1), products, wealth)

    def lead(self, tally: Tally) -> Floats:
        """How far the leading class is ahead of each other one, in standard errors: the least of them, shape (N,).

        The variance is that of scores that differ by 0 on average, with one shot more that was as far off as it can be:
        a few shots that agree are not taken for certain.
        """
        labels = tally.labels
        ahead, squares = self._ahead(tally, labels)
        found = ahead / np.sqrt(squares + self._apart[labels] ** 2)
        found[np.arange(len(labels)), labels] = np.inf
        return np.asarray(found.min(axis=1))

    def certain(self, tally: Tally) -> NDArray[np.bool_]:
        """Whether each leading class is certain after this round, shape (N,)."""
        labels = tally.labels
        ahead, squares = self._ahead(tally, labels)
        match self.test:
            case "sign":
                rejected = self._by_signs(ahead, squares, self._apart[labels])
            case "betting":
                assert tally.wealth is not None
                worth = logsumexp(tally.wealth[np.arange(len(labels)), labels], axis=-1) - np.log(len(BETS))
                rejected = worth >= -np.log(self.level)
            case "bernstein":
                rejected = self._by_variance(tally.shots, ahead, squares, self._apart[labels])
        rejected[np.arange(len(labels)), labels] = True
        return np.asarray(rejected.all(axis=1))

    def _ahead(self, tally: Tally, labels: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Σ(s_ℓ − s_j) and Σ(s_ℓ − s_j)² of the leading class ℓ, shape (N, m) both."""
        rows = np.arange(len(labels))
        ahead = tally.total[rows, labels][:, None] - tally.total
        own = np.diagonal(tally.products, axis1=1, axis2=2)
        squares = own[rows, labels][:, None] + own - 2 * tally.products[rows, labels]
        return ahead, np.maximum(squares, 0)

    def _by_signs(self, ahead: Floats, squares: Floats, apart: Floats) -> NDArray[np.bool_]:
        differing = np.rint(squares / apart**2)
        plus = (differing + np.rint(ahead / apart)) / 2
        # P(as many as that, or more, of fair tosses).
        tail = binom.sf(plus - 1, differing, 0.5)
        return np.asarray(tail <= self.level / len(self.rounds))

    def _by_variance(self, shots: int, ahead: Floats, squares: Floats, apart: Floats) -> NDArray[np.bool_]:
        if shots < 2:
            return np.zeros(ahead.shape, dtype=bool)
        mean = ahead / shots
        variance = np.maximum(squares / shots - mean**2, 0) * shots / (shots - 1)
        spent = np.log(2 * len(self.rounds) / self.level)
        margin = np.sqrt(2 * variance * spent / shots) + 7 * 2 * apart * spent / (3 * (shots - 1))
        return np.asarray(mean > margin)
