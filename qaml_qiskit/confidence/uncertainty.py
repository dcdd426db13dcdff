"""What a prediction is unsure about, in nats: the label itself, the model that gives it, and the shots it was read by.

With members k of a family of models and shots s, the predictive entropy of an image falls apart by the chain rule
(Depeweg et al. 2018, 1710.07283, section 3, taken twice):

    H[E_k E_s p] = E_k E_s H[p] + E_k{H[E_s p] − E_s H[p]} + {H[E_k E_s p] − E_k H[E_s p]}
       total         expected          of the shots                 of the model
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr

from qaml_qiskit.confidence.probabilities import Floats, softmax
from qaml_qiskit.errors import InputError
from qaml_qiskit.evaluation import factors

Double = NDArray[np.float64]

#: Draws of the shots of an image, half of them the mirror images of the others. What they give of I(label; shots) is
#: low by about one part in as many.
SHOT_DRAWS = 64


def entropy(probabilities: Floats) -> Double:
    """H of distributions along the last axis, in nats, shape (...,)."""
    found: Double = entr(np.asarray(probabilities, dtype=np.float64)).sum(axis=-1)
    return found


@dataclass(frozen=True)
class ShotMoments:
    """What shots make of one model's probabilities for N images, on average over the shots.

    Attributes:
        probabilities: E_s p, shape (N, m).
        entropies: E_s H[p], shape (N,).
    """

    probabilities: Double
    entropies: Double

    @classmethod
    def exact(cls, probabilities: Floats) -> "ShotMoments":
        """With endless shots, or of a model that takes none: p itself, shape (N, m)."""
        values = np.asarray(probabilities, dtype=np.float64)
        return cls(values, entropy(values))

    @classmethod
    def drawn(
        cls,
        logits: Floats,
        covariance: Floats,
        temperature: float,
        generator: np.random.Generator,
        draws: int = SHOT_DRAWS,
    ) -> "ShotMoments":
        """Of logits that shots scatter around the exact ones, taken as normal.

        Args:
            logits: exact ones, shape (N, m).
            covariance: by the shots, shape (N, m, m); of one shot, divided by their number.
            temperature: T of softmax(z/T).
            generator: of the draws.
            draws: how many; an odd number is rounded up.
        """
        centre = np.asarray(logits, dtype=np.float64)
        spread = factors(covariance)
        mean, entropies = np.zeros_like(centre), np.zeros(len(centre))
        pairs = -(-draws // 2)
        for _ in range(pairs):
            error = np.einsum("njk,nk->nj", spread, generator.standard_normal(centre.shape))
            for sign in (1, -1):
                values = softmax(centre + sign * error, temperature)
                mean += values
                entropies += entropy(values)
        return cls(mean / (2 * pairs), entropies / (2 * pairs))


@dataclass(frozen=True)
class Uncertainty:
    """What the predictions of N images are unsure about.

    Attributes:
        probabilities: mean over members and shots, shape (N, m).
        expected: mean entropy that is left where member and shots are known, in nats, shape (N,): doubt about the
            label itself (*aleatoric*).
        model: I(label; member), shape (N,): doubt about the model.
        shots: I(label; shots | member), shape (N,): doubt that more shots would end.
    """

    probabilities: Double
    expected: Double
    model: Double
    shots: Double

    @classmethod
    def of_members(cls, probabilities: Floats) -> "Uncertainty":
        """Without shots.

        Args:
            probabilities: of K members, shape (K, N, m).
        """
        values = np.asarray(probabilities, dtype=np.float64)
        if values.ndim != 3 or not len(values):
            raise _no_members(f"shape {values.shape}")
        return cls.of_moments([ShotMoments.exact(each) for each in values])

    @classmethod
    def of_moments(cls, members: "list[ShotMoments]") -> "Uncertainty":
        """Of what shots make of each of K members' probabilities.

        Raises:
            InputError: no member.
        """
        if not members:
            raise _no_members("none")
        each = np.stack([member.probabilities for member in members])
        mean, within = each.mean(axis=0), entropy(each).mean(axis=0)
        expected = np.mean([member.entropies for member in members], axis=0)
        # Neither is negative but by rounding.
        return cls(mean, expected, np.maximum(entropy(mean) - within, 0), np.maximum(within - expected, 0))

    @cached_property
    def total(self) -> Double:
        """Predictive entropy, in nats, shape (N,)."""
        return entropy(self.probabilities)

    @property
    def mutual_information(self) -> Double:
        """I(label; member and shots), in nats, shape (N,): what knowing both would tell (*epistemic*)."""
        return self.model + self.shots

    def arrays(self) -> dict[str, Double]:
        """By name, for ``predictions.npz``."""
        return {
            "probabilities": self.probabilities,
            "predictive_entropy": self.total,
            "expected_entropy": self.expected,
            "model_part": self.model,
            "shot_part": self.shots,
        }


def _no_members(got: str) -> InputError:
    return InputError(
        "there is nothing to compare",
        got=got,
        expected="probabilities of at least one member, shape (K, N, m)",
        remedy="give the members' probabilities one above the other",
    )
