"""Small QVCs with noise layers, and what they do on average, by hand."""

import math
from itertools import product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from qaml_qiskit.circuits import NoiseLayers
from qaml_qiskit.deployments import Deployment, deploy
from qaml_qiskit.models import QVC, DataCard, ModelCard, QVCConfig, StoredModel

VARIANCE, BETAS = 0.5, (0.875, -1.25)


def qvc(**layers: Any) -> QVC:
    """Two qubits and two noise layers of different strength, four angles in all."""
    noise = NoiseLayers(variance=VARIANCE, **layers)
    model = QVC(QVCConfig(image_shape=(1, 2, 2), num_classes=2, num_layers=2, noise_layers=noise), 5)
    with torch.no_grad():
        model.betas.copy_(torch.tensor(BETAS))
    return model.eval()


def stored(model: QVC) -> StoredModel:
    return StoredModel(model, ModelCard(model=model.config, data=DataCard(dataset="digits", classes=(0, 1))))


def deployed(**layers: Any) -> Deployment:
    return deploy(stored(qvc(**layers)), name="m")


def images(count: int = 4) -> torch.Tensor:
    return torch.rand(count, 1, 2, 2, generator=torch.Generator().manual_seed(1)) + 0.1


def sign_patterns() -> list[NDArray[np.float64]]:
    """Angles (L, n) whose mean is the exact average.

    What a circuit measures is linear in the cosine and the sine of each angle, the sine averages to 0, and half the sum
    of two opposite angles has the cosine that the Gaussian averages to.
    """
    sizes = [math.acos(math.exp(-VARIANCE * beta**2 / 2)) for beta in BETAS]
    angles = np.repeat(np.array(sizes)[:, None], 2, axis=1)
    return [angles * np.array(signs).reshape(2, 2) for signs in product((-1, 1), repeat=4)]
