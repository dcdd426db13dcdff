"""Models that do not say the same of an image: the detector of West et al., and its smooth relative."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from qaml_qiskit.deployments import Deployment
from qaml_qiskit.detection.detector import Detector, FittedDetector, Seen


class Disagreement(Detector):
    """The share of pairs of models that give an image different labels (West et al. 2023, figure 5: of one pair)."""

    name = "disagreement"
    least_models = 2

    def fit(self, models: Sequence[Deployment], seen: Seen, labels: Tensor) -> FittedDetector:
        """Nothing is learned."""
        return FittedDisagreement(_temperatures(models))


class Divergence(Detector):
    """How far apart the models' probabilities are: the Jensen–Shannon divergence, in nats.

    Entropy of the mean of the probabilities less the mean of their entropies: 0 where all say the same, at most the
    logarithm of the number of models.
    """

    name = "divergence"
    least_models = 2

    def fit(self, models: Sequence[Deployment], seen: Seen, labels: Tensor) -> FittedDetector:
        """Nothing is learned."""
        return FittedDivergence(_temperatures(models))


@dataclass(frozen=True)
class FittedDivergence(FittedDetector):
    """By the models' temperatures."""

    temperatures: tuple[float, ...]

    def scores(self, seen: Seen) -> Tensor:
        """Shape (N,)."""
        said = torch.stack([z.double() / t for z, t in zip(seen.logits, self.temperatures, strict=True)])
        logs = said.log_softmax(dim=2)
        return _entropy(logs.logsumexp(0) - math.log(len(logs))) - _entropy(logs).mean(0)


@dataclass(frozen=True)
class FittedDisagreement(FittedDivergence):
    """By the labels alone."""

    def scores(self, seen: Seen) -> Tensor:
        """Shape (N,); without a slope."""
        pairs = list(combinations([z.argmax(1) for z in seen.logits], 2))
        return torch.stack([first != second for first, second in pairs]).double().mean(0)

    def surrogate(self, seen: Seen) -> Tensor:
        """The divergence of the models."""
        return super().scores(seen)


def _temperatures(models: Sequence[Deployment]) -> tuple[float, ...]:
    return tuple(each.temperature.value for each in models)


def _entropy(logs: Tensor) -> Tensor:
    """Of probabilities with these logarithms along the last axis."""
    return -(logs.exp() * logs).sum(-1)
