"""Probabilities with their standard errors: of exact logits, of logits that were measured, and of votes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.confidence.probabilities import Floats, probability_errors
from qaml_qiskit.confidence.temperature import Temperature
from qaml_qiskit.evaluation import Z_95, Estimates, LinearHead


@dataclass(frozen=True)
class Probabilities:
    """What a classifier holds likely of N images, and how sure that is.

    Attributes:
        values: of the m classes, shape (N, m); each row adds up to 1.
        errors: their standard errors by what was random in the measurement: shots, the calibration's shots, draws.
            0 where nothing was. Shape (N, m).
    """

    values: NDArray[np.float64]
    errors: NDArray[np.float64]

    @classmethod
    def of_logits(cls, logits: Floats, temperature: Temperature) -> "Probabilities":
        """Of exact logits, shape (N, m)."""
        values = temperature.probabilities(logits)
        return cls(values, np.zeros_like(values))

    @classmethod
    def of_estimates(cls, found: Estimates, head: LinearHead, temperature: Temperature) -> "Probabilities":
        """Of logits that were measured.

        Args:
            found: ⟨P_s⟩ of N images, as measured and maybe mitigated; the calibration's shots are in their errors.
            head: makes logits of them.
            temperature: of the logits.
        """
        logits = found.logits(head)
        errors = probability_errors(logits, head.covariance(found.whole_covariance()), temperature.value)
        return cls(temperature.probabilities(logits), errors)

    @classmethod
    def of_votes(cls, shares: Floats, draws: int) -> "Probabilities":
        """Of shares of votes, shape (N, m), which are probabilities of the next draw's label by themselves.

        Their errors are the width of Wilson's interval: those of a binomial share where the vote is split, and not 0
        where it is unanimous.

        Args:
            shares: of the draws.
            draws: J, of an image.
        """
        values = np.asarray(shares, dtype=np.float64)
        width = np.sqrt(values * (1 - values) / draws + (Z_95 / (2 * draws)) ** 2)
        return cls(values, width / (1 + Z_95**2 / draws))

    @property
    def labels(self) -> NDArray[np.int64]:
        """The likeliest class of each image, shape (N,)."""
        return self.values.argmax(axis=1)

    @property
    def confidence(self) -> NDArray[np.float64]:
        """The largest probability of each image, shape (N,)."""
        found: NDArray[np.float64] = self.values.max(axis=1)
        return found

    @property
    def confidence_errors(self) -> NDArray[np.float64]:
        """Standard errors of :attr:`confidence`, shape (N,)."""
        return np.take_along_axis(self.errors, self.labels[:, None], axis=1)[:, 0]
