"""Models that are unsure together: the entropy of their mean."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from qaml_qiskit.deployments import Deployment
from qaml_qiskit.detection.detector import Detector, Evidence, FittedDetector
from qaml_qiskit.detection.probabilities import entropy_of_logs, log_probabilities, mean_of_logs, temperatures_of


class Entropy(Detector):
    """The predictive entropy: that of the mean of the models' probabilities, in nats; of one model, its own.

    It is the models' mean entropy and what :class:`.Divergence` says.
    """

    name = "entropy"

    def fit(self, models: Sequence[Deployment], evidence: Evidence, labels: Tensor) -> FittedDetector:
        """Nothing is learned."""
        return FittedEntropy(temperatures_of(models))


@dataclass(frozen=True)
class FittedEntropy(FittedDetector):
    """By the models' temperatures."""

    temperatures: tuple[float, ...]

    def scores(self, evidence: Evidence) -> Tensor:
        """Shape (N,)."""
        return entropy_of_logs(mean_of_logs(log_probabilities(evidence, self.temperatures)))
