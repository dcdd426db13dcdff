"""The classical network of the benchmark (West et al. 2023, supplement S1)."""

from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, model_validator
from torch import Tensor, nn

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.models.inputs import check_batch


class ConvNetConfig(BaseModel):
    """What a ConvNet is, apart from its weights."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["convnet"] = "convnet"
    image_shape: tuple[int, int, int]
    num_classes: int
    hidden: int = 256

    @model_validator(mode="after")
    def _survives_pooling(self) -> "ConvNetConfig":
        if min(self.image_shape[1:]) < 8:
            raise ConfigurationError(
                "cannot build a ConvNet",
                got=f"images of shape {self.image_shape}",
                expected="at least 8×8 pixels, because three poolings halve them three times",
                remedy="use larger images or another model",
            )
        return self


class ConvNet(nn.Module):
    """Three 3×3 convolutions of 64, 128 and 256 maps with ReLU and 2×2 max-pooling, then two fully connected layers.

    About 10⁶ parameters for 28×28 images.

    Args:
        config: the architecture.
        seed: of the initial weights.
    """

    def __init__(self, config: ConvNetConfig, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        channels, height, width = config.image_shape
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            blocks: list[nn.Module] = []
            for maps in (64, 128, 256):
                blocks += [nn.Conv2d(channels, maps, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
                channels, height, width = maps, height // 2, width // 2
            self.features = nn.Sequential(*blocks)
            self.classifier = nn.Sequential(
                nn.Linear(channels * height * width, config.hidden),
                nn.ReLU(),
                nn.Linear(config.hidden, config.num_classes),
            )

    def forward(self, images: Tensor) -> Tensor:
        """Logits, shape (N, m), for images of shape (N, C, H, W) in [0, 1]."""
        images = check_batch(images, self.config.image_shape, next(self.parameters()).dtype)
        return self.classifier(self.features(images).flatten(1))
