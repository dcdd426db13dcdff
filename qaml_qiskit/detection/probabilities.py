"""Probabilities of models in torch, by their logarithms: a slope goes through them, and rounding takes none away."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from qaml_qiskit.deployments import Deployment
from qaml_qiskit.detection.detector import Evidence


def temperatures_of(models: Sequence[Deployment]) -> tuple[float, ...]:
    """Those of the models, in their order."""
    return tuple(each.temperature.value for each in models)


def log_probabilities(evidence: Evidence, temperatures: Sequence[float]) -> Tensor:
    """Logarithms of what each of K models holds likely, shape (K, N, m), in double precision."""
    said = torch.stack([z.double() / t for z, t in zip(evidence.logits, temperatures, strict=True)])
    return said.log_softmax(dim=2)


def mean_of_logs(logs: Tensor) -> Tensor:
    """Logarithms of the mean of probabilities, shape (N, m), from those of the models, shape (K, N, m)."""
    return logs.logsumexp(0) - math.log(len(logs))


def entropy_of_logs(logs: Tensor) -> Tensor:
    """Entropy of probabilities with these logarithms along the last axis, in nats."""
    return -(logs.exp() * logs).sum(-1)
