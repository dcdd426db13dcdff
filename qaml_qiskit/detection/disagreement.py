"""Models that do not say the same of an image: the detector of West et al., and its smooth relative."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from qaml_qiskit.deployments import Deployment
from qaml_qiskit.detection.detector import Detector, Evidence, FittedDetector
from qaml_qiskit.detection.probabilities import entropy_of_logs, log_probabilities, mean_of_logs, temperatures_of


class Disagreement(Detector):
    """The share of pairs of models that give an image different labels (West et al. 2023, figure 5: of one pair)."""

    name = "disagreement"
    least_models = 2
    #: An alarm where any two models differ, as in figure 5.
    own_threshold = 0.0

    def fit(self, models: Sequence[Deployment], evidence: Evidence, labels: Tensor) -> FittedDetector:
        """Nothing is learned."""
        return FittedDisagreement(temperatures_of(models))


class Divergence(Detector):
    """How far apart the models' probabilities are: the Jensen–Shannon divergence, in nats.

    Entropy of the mean of the probabilities less the mean of their entropies: 0 where all say the same, at most the
    logarithm of the number of models. It is the mutual information of label and model, the model's part of the
    predictive entropy.
    """

    name = "divergence"
    least_models = 2

    def fit(self, models: Sequence[Deployment], evidence: Evidence, labels: Tensor) -> FittedDetector:
        """Nothing is learned."""
        return FittedDivergence(temperatures_of(models))


@dataclass(frozen=True)
class FittedDivergence(FittedDetector):
    """By the models' temperatures."""

    temperatures: tuple[float, ...]

    def scores(self, evidence: Evidence) -> Tensor:
        """Shape (N,)."""
        logs = log_probabilities(evidence, self.temperatures)
        return entropy_of_logs(mean_of_logs(logs)) - entropy_of_logs(logs).mean(0)


@dataclass(frozen=True)
class FittedDisagreement(FittedDivergence):
    """By the labels alone."""

    def scores(self, evidence: Evidence) -> Tensor:
        """Shape (N,); without a slope."""
        pairs = list(combinations([z.argmax(1) for z in evidence.logits], 2))
        return torch.stack([first != second for first, second in pairs]).double().mean(0)

    def surrogate(self, evidence: Evidence) -> Tensor:
        """The divergence of the models."""
        return super().scores(evidence)
