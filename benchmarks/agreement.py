"""Nobody is timed before its loss and gradients agree with ours in double precision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.peers.ours import classifier
from benchmarks.problem import Answer, Array, Labels, Problem

#: Largest relative error of the loss, and of a gradient in the l2 norm, of float32 against float64.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Agreement:
    """How far an answer is from the reference.

    Attributes:
        loss: |ℓ − ℓ₀| / max(1, |ℓ₀|).
        gradient: ‖g − g₀‖ / ‖g₀‖, infinite for a wrong length.
    """

    loss: float
    gradient: float

    @property
    def holds(self) -> bool:
        """Whether both errors are within the tolerance."""
        return bool(max(self.loss, self.gradient) <= TOLERANCE)


class Reference:
    """The package's answers in float64 for every batch that is asked for.

    Args:
        problem: the problem.
    """

    def __init__(self, problem: Problem) -> None:
        self._model = classifier(problem, problem.weights()).double()

    def compare(self, answer: Answer, images: Array, labels: Labels, *, attack: bool) -> Agreement:
        """Compare an answer with the reference for the same batch."""
        x = torch.from_numpy(images).double()[:, None, None].requires_grad_()
        loss = torch.nn.functional.cross_entropy(self._model(x), torch.from_numpy(labels))
        wanted = x if attack else self._model.weight
        gradient = torch.autograd.grad(loss, wanted)[0].flatten().numpy()
        found = np.asarray(answer.gradient, dtype=np.float64)
        error = np.inf
        if found.shape == gradient.shape:
            error = float(np.linalg.norm(found - gradient) / np.linalg.norm(gradient))
        return Agreement(abs(answer.loss - loss.item()) / max(1.0, abs(loss.item())), error)
