"""How far the logits of an image are from those of every class."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from sklearn.covariance import ledoit_wolf
from torch import Tensor

from qaml_qiskit.deployments import Deployment
from qaml_qiskit.detection.detector import Detector, Evidence, FittedDetector
from qaml_qiskit.detection.learning import check_learnable, of_each_class


class Mahalanobis(Detector):
    """The squared Mahalanobis distance of the logits from the nearest class (Lee et al. 2018, 1807.03888, equation 2).

    Every class has its mean, all share one covariance, shrunk by Ledoit and Wolf's rule, so that it can be inverted
    whatever the logits and however few the images.
    """

    name = "mahalanobis"
    learns = True

    def fit(self, models: Sequence[Deployment], evidence: Evidence, labels: Tensor) -> FittedDetector:
        """Means of the classes, and the covariance within them."""
        logits = evidence.logits[0].detach().double().cpu()
        check_learnable(self.name, len(logits))
        places = of_each_class(self.name, labels.cpu(), logits.shape[1])
        means = torch.stack([logits[mine].mean(0) for mine in places])
        covariance, _ = ledoit_wolf((logits - means[labels.cpu()]).numpy(), assume_centered=True)
        return FittedMahalanobis(means, torch.linalg.pinv(torch.from_numpy(covariance), hermitian=True))


@dataclass(frozen=True, eq=False)
class FittedMahalanobis(FittedDetector):
    """Means of the classes, shape (m, m), and the inverse of their common covariance, shape (m, m)."""

    means: Tensor
    precision: Tensor

    def scores(self, evidence: Evidence) -> Tensor:
        """Shape (N,)."""
        logits = evidence.logits[0].double()
        away = logits[:, None] - self.means.to(logits)
        return torch.einsum("nci,ij,ncj->nc", away, self.precision.to(logits), away).amin(1)
