"""Every kind of model, and images for it, for the tests of what public functions are given."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from qaml_qiskit.models import (
    CNN,
    FNN,
    QVC,
    CNNConfig,
    ConvNet,
    ConvNetConfig,
    FNNConfig,
    QuadraticClassifier,
    QuadraticConfig,
    QVCConfig,
    ResNet18,
    ResNet18Config,
)

SHAPE = (1, 8, 8)
MODELS: dict[str, Callable[[], nn.Module]] = {
    "qvc": lambda: QVC(QVCConfig(image_shape=SHAPE, num_classes=3, num_layers=2), 1),
    "approximate": lambda: QVC(
        QVCConfig(
            image_shape=SHAPE,
            num_classes=3,
            num_layers=2,
            encoding="approximate",
            encoding_layers=1,
            pixel_order="gray",
        ),
        1,
    ),
    "convnet": lambda: ConvNet(ConvNetConfig(image_shape=SHAPE, num_classes=3, hidden=4), 1),
    "resnet18": lambda: ResNet18(ResNet18Config(image_shape=SHAPE, num_classes=3, width=2), 1),
    "fnn": lambda: FNN(FNNConfig(image_shape=SHAPE, num_classes=3, hidden=(6, 5)), 1),
    "cnn": lambda: CNN(CNNConfig(image_shape=SHAPE, num_classes=3), 1),
    "quadratic": lambda: QuadraticClassifier(QuadraticConfig(image_shape=SHAPE, num_classes=3), 1),
}


def images(count: int = 6) -> Tensor:
    return torch.rand(count, *SHAPE, generator=torch.Generator().manual_seed(2))
