"""A small classifier that is watched, and images for it."""

import torch
from torch import Tensor, nn

from qaml_qiskit.confidence import Temperature
from qaml_qiskit.deployments import Deployment, deploy
from qaml_qiskit.detection import Detector, Evidence, FittedDetector, evidence_of, make_detector
from qaml_qiskit.models import FNN, QVC, DataCard, FNNConfig, ModelCard, QVCConfig, StoredModel

CLASSES = 3


def deployed(seed: int = 5, temperature: float = 0.5) -> Deployment:
    model = QVC(QVCConfig(image_shape=(1, 3, 4), num_classes=CLASSES, num_layers=3), seed).eval()
    card = ModelCard(model=model.config, data=DataCard(dataset="digits", classes=(0, 1, 2)))
    return deploy(StoredModel(model, card), name="m").calibrated(Temperature(value=temperature, images=10))


def network() -> Deployment:
    model = FNN(FNNConfig(image_shape=(1, 3, 4), num_classes=CLASSES), 0).eval()
    card = ModelCard(model=model.config, data=DataCard(dataset="digits", classes=(0, 1, 2)))
    return deploy(StoredModel(model, card), name="n").calibrated(Temperature(value=0.5, images=10))


def module(deployment: Deployment) -> nn.Module:
    """In double precision."""
    return deployment.forms().double


def images(count: int, seed: int = 1) -> Tensor:
    return 0.1 + 0.8 * torch.rand(count, 1, 3, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def labels(count: int) -> Tensor:
    return torch.arange(count) % CLASSES


def fitted(name: str, count: int = 24, **settings: object) -> tuple[Detector, FittedDetector, list[nn.Module]]:
    """A detector that learned from images, and the modules that it asks: two where it must have two."""
    deployments = [deployed(seed) for seed in (5, 6)]
    modules = [module(each) for each in deployments]
    detector = make_detector(name, **settings).prepared(images(count))
    detector.check(deployments)
    with torch.no_grad():
        found = detector.fit(deployments, evidence_of(modules, detector, images(count)), labels(count))
    return detector, found, modules


def saying(logits: Tensor) -> Evidence:
    """Images of which nothing but the logits matters."""
    return Evidence(torch.zeros(len(logits), 1, 3, 4), (logits,))
