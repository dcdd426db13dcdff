"""How sure a classifier says that it is: detectors that read nothing but the logits of one model."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from qaml_qiskit.deployments import Deployment
from qaml_qiskit.detection.detector import Detector, Evidence, FittedDetector


class LogitDetector(Detector):
    """A detector of the logits of one model in units of its temperature; nothing else is learned."""

    def fit(self, models: Sequence[Deployment], evidence: Evidence, labels: Tensor) -> FittedDetector:
        """The temperature is the model's."""
        return FittedLogitDetector(self, models[0].temperature.value)

    @abstractmethod
    def of(self, logits: Tensor) -> Tensor:
        """Scores, shape (N,), of logits divided by the temperature, shape (N, m)."""


@dataclass(frozen=True)
class FittedLogitDetector(FittedDetector):
    """A detector of the logits at the temperature of the model."""

    detector: LogitDetector
    temperature: float

    def scores(self, evidence: Evidence) -> Tensor:
        """Shape (N,)."""
        return self.detector.of(evidence.logits[0].double() / self.temperature)


class Confidence(LogitDetector):
    """One less the largest probability (Hendrycks & Gimpel 2017, 1610.02136)."""

    name = "confidence"

    def of(self, logits: Tensor) -> Tensor:
        """As the sum of the other probabilities, so that sure images are told apart."""
        return logits.softmax(1).sort(dim=1, descending=True).values[:, 1:].sum(1)


class Margin(LogitDetector):
    """Minus the gap of the two largest logits: the logarithm of the odds of the second label against the first."""

    name = "margin"

    def of(self, logits: Tensor) -> Tensor:
        """In natural units, below 0."""
        first, second = logits.topk(2, dim=1).values.unbind(1)
        return second - first


class Energy(LogitDetector):
    """The free energy −T·log Σ_k exp(z_k/T) of the logits, in units of T (Liu et al. 2020, 2010.03759)."""

    name = "energy"

    def of(self, logits: Tensor) -> Tensor:
        """Shape (N,)."""
        return -logits.logsumexp(1)
