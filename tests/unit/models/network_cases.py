"""Small networks with every habit that a user's may have."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from qaml_qiskit.models import QVC, DataCard, NetworkCard, NetworkConfig, QVCConfig

SHAPE, CLASSES = (1, 4, 4), 3


def card(shape: tuple[int, int, int] = SHAPE, classes: int = CLASSES) -> NetworkCard:
    config = NetworkConfig(image_shape=shape, num_classes=classes)
    return NetworkCard(model=config, data=DataCard(dataset="mine", classes=tuple(range(classes))))


def images(count: int = 6) -> Tensor:
    return torch.rand(count, *SHAPE, generator=torch.Generator().manual_seed(5))


class Normalise(nn.Module):
    """What a user puts in front, so that images come in as they are everywhere else."""

    def forward(self, pixels: Tensor) -> Tensor:
        return (pixels - 0.5) / 0.25


def seeded(build: Callable[[], nn.Module]) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return build()


def plain() -> nn.Module:
    """Normalisation, batch normalisation and dropout, in training mode as it was left."""

    def build() -> nn.Module:
        layers = [Normalise(), nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Dropout(0.5)]
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(8, CLASSES))

    return seeded(build).train()


def mixed() -> nn.Module:
    """Some parts in training mode and some not, some weights that are trained and some not."""
    network = plain()
    assert isinstance(network, nn.Sequential)
    network[2].eval()
    network[1].requires_grad_(False)
    return network


def hybrid() -> nn.Module:
    """Layers in front of a QVC, and behind it."""
    qvc = QVC(QVCConfig(image_shape=(1, 4, 4), num_classes=3, num_layers=8), seed=1)
    return seeded(lambda: nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.Sigmoid(), qvc, nn.Linear(3, CLASSES)))


class Forward(nn.Module):
    """A network that does with its images what a function says."""

    def __init__(self, function: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.linear = seeded(lambda: nn.Linear(16, CLASSES))
        self.function = function

    def forward(self, pixels: Tensor) -> object:
        return self.function(self.linear(pixels.flatten(1)))


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "plain": plain,
    "mixed modes": mixed,
    "double": lambda: plain().double(),
    "half": lambda: plain().bfloat16(),
    "quarter": lambda: seeded(lambda: nn.Sequential(nn.Flatten(), nn.Linear(16, CLASSES))).to(torch.float8_e4m3fn),
    "hybrid": hybrid,
    "without weights": lambda: nn.Sequential(nn.Flatten(), nn.AdaptiveAvgPool1d(CLASSES)),
    "detached": lambda: Forward(lambda logits: logits.detach()),
    "random": lambda: Forward(lambda logits: nn.functional.dropout(logits, 0.5)),
}
