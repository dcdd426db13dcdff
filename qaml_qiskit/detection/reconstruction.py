"""What a linear compression of clean images, or of their states, loses of an image."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from qaml_qiskit.deployments import Deployment
from qaml_qiskit.detection.detector import Detector, Evidence, FittedDetector
from qaml_qiskit.detection.learning import check_learnable
from qaml_qiskit.detection.principal import Principal, principal
from qaml_qiskit.encodings import Encoding


class Reconstruction(Detector):
    """The squared l2 distance of an image from its reconstruction by principal components; reads no model.

    Attributes:
        kept: share of the variance of clean images that the components keep.
        centred: whether the components are those of images less their mean.
        normalised: whether every image is divided by its norm before.
    """

    name = "reconstruction"
    learns = True

    kept: Annotated[float, Field(gt=0, lt=1)] = 0.9
    centred: bool = True
    normalised: bool = False

    def fit(self, models: Sequence[Deployment], evidence: Evidence, labels: Tensor) -> FittedDetector:
        """The components of the images."""
        check_learnable(self.name, len(evidence.images))
        rows = _pixels(evidence.images.detach().cpu(), self.normalised)
        return FittedReconstruction(principal(rows, self.kept, centred=self.centred), self.normalised)


@dataclass(frozen=True, eq=False)
class FittedReconstruction(FittedDetector):
    """Components of images, divided by their norms or not."""

    components: Principal
    normalised: bool

    def scores(self, evidence: Evidence) -> Tensor:
        """Shape (N,)."""
        return self.components.lost(_pixels(evidence.images, self.normalised))


class Autoencoder(Detector):
    """The population of the trash qubits of a quantum autoencoder of clean states (Romero et al. 2017, 1612.02806).

    A circuit U sends the states of the images to a latent register and leaves |0…0⟩ in the trash; how little of an
    image's state it leaves there is its score. With a latent register of dimension k no U leaves less than the sum of
    the k largest eigenvalues of the mean state ρ = (1/N)Σ|ψ_i⟩⟨ψ_i|: that of the leading k
    directions, the Schmidt modes of (1/√N)Σ|i⟩|ψ_i⟩. So the optimum of every training is computed here, by a singular
    value decomposition, and the score is 1 − ‖P_k ψ‖². Where states are images divided by their norms, it is
    ``reconstruction`` of these: nothing about it is quantum but the register that would do it.

    Attributes:
        kept: share of ρ that is kept; the least k that keeps as much.
    """

    name = "autoencoder"
    learns = True

    kept: Annotated[float, Field(gt=0, lt=1)] = 0.95

    def check(self, models: Sequence[Deployment]) -> None:
        """Refuse a classifier that makes no states."""
        super().check(models)
        _ = models[0].qvc

    def fit(self, models: Sequence[Deployment], evidence: Evidence, labels: Tensor) -> FittedDetector:
        """The leading directions of the states."""
        check_learnable(self.name, len(evidence.images))
        encoding = models[0].qvc.encoding
        with torch.no_grad():
            states = encoding.state(evidence.images.cpu().double())
        return FittedAutoencoder(encoding, principal(states, self.kept, centred=False))


@dataclass(frozen=True, eq=False)
class FittedAutoencoder(FittedDetector):
    """The directions that are kept of the states of an encoding."""

    encoding: Encoding
    kept: Principal

    def scores(self, evidence: Evidence) -> Tensor:
        """Shape (N,), from 0 to 1."""
        return self.kept.lost(self.encoding.state(evidence.images.double()))


def _pixels(images: Tensor, normalised: bool) -> Tensor:
    rows = images.double().flatten(1)
    return torch.nn.functional.normalize(rows, dim=1) if normalised else rows
