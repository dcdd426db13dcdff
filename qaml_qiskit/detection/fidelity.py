"""How near the state of an image is to those of a class."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from qaml_qiskit.deployments import Deployment
from qaml_qiskit.detection.detector import Detector, Evidence, FittedDetector
from qaml_qiskit.detection.learning import check_learnable, of_each_class
from qaml_qiskit.encodings import Encoding


class Fidelity(Detector):
    """How far the state of an image is from those of the class that it is given.

    ρ_c is the mean of |ψ⟩⟨ψ| over the clean images of class c, and the affinity of ψ with it ⟨ψ|ρ_c|ψ⟩/tr ρ_c²: 1 on
    average over its own images, however much these differ. A circuit measures it by swap tests between the image and
    images of the class; it is the mean of squared cosines, and costs a computer one product of matrices.

    Attributes:
        against: what the affinity with the predicted class is compared with: the ``best`` of the other classes, or
            nothing but 1, its ``own`` mean.
    """

    name = "fidelity"
    learns = True

    against: Literal["best", "own"] = "best"

    def check(self, models: Sequence[Deployment]) -> None:
        """Refuse a classifier that makes no states."""
        super().check(models)
        _ = models[0].qvc

    def fit(self, models: Sequence[Deployment], evidence: Evidence, labels: Tensor) -> FittedDetector:
        """The states of every class."""
        check_learnable(self.name, len(evidence.images))
        encoding = models[0].qvc.encoding
        places = of_each_class(self.name, labels.cpu(), evidence.logits[0].shape[1])
        with torch.no_grad():
            states = encoding.state(evidence.images.cpu().double())
        return FittedFidelity(encoding, [states[mine] for mine in places], self.against == "best")


@dataclass(frozen=True, eq=False)
class FittedFidelity(FittedDetector):
    """The clean states of every class, each of shape (N_c, 2ⁿ)."""

    encoding: Encoding
    states: list[Tensor]
    against_best: bool

    def scores(self, evidence: Evidence) -> Tensor:
        """Shape (N,)."""
        affinities = self.affinities(self.encoding.state(evidence.images.double()))
        predicted = evidence.logits[0].argmax(1, keepdim=True)
        own = affinities.gather(1, predicted).squeeze(1)
        if not self.against_best:
            return 1 - own
        return affinities.scatter(1, predicted, -torch.inf).amax(1) - own

    def affinities(self, states: Tensor) -> Tensor:
        """⟨ψ|ρ_c|ψ⟩/tr ρ_c² of states of shape (N, 2ⁿ), shape (N, m)."""
        found = []
        for of_class in self.states:
            known = of_class.to(states)
            purity = (known @ known.T).square().mean()
            found.append((states @ known.T).square().mean(1) / purity)
        return torch.stack(found, dim=1)
