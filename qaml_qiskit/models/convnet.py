"""The classical network of the benchmark (West et al. 2023, supplement S1)."""

from itertools import pairwise
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, model_validator
from torch import Tensor, nn

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.models.inputs import ImageShape, Size, check_batch, check_size
from qaml_qiskit.seeds import check_seed

#: Of the three convolutions.
_MAPS = (64, 128, 256)


class ConvNetConfig(BaseModel):
    """What a ConvNet is, apart from its weights."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: Literal["convnet"] = "convnet"
    image_shape: ImageShape
    num_classes: Size
    hidden: Size = 256

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

    @property
    def features(self) -> int:
        """How many numbers the convolutions make of an image."""
        return _MAPS[-1] * (self.image_shape[1] // 8) * (self.image_shape[2] // 8)

    @property
    def memory(self) -> int:
        """Bytes of the weights."""
        maps = (self.image_shape[0], *_MAPS)
        convolutions = sum(9 * before * after for before, after in pairwise(maps))
        return 4 * (convolutions + self.hidden * (self.features + self.num_classes))


class ConvNet(nn.Module):
    """Three 3×3 convolutions of 64, 128 and 256 maps with ReLU and 2×2 max-pooling, then two fully connected layers.

    About 10⁶ parameters for 28×28 images.

    Args:
        config: the architecture.
        seed: of the initial weights.

    Raises:
        ConfigurationError: the model does not fit into the memory.
        InputError: a seed that is none.
    """

    def __init__(self, config: ConvNetConfig, seed: int = 0) -> None:
        super().__init__()
        check_size(config.memory)
        self.config = config
        channels = config.image_shape[0]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(check_seed(seed))
            blocks: list[nn.Module] = []
            for maps in _MAPS:
                blocks += [nn.Conv2d(channels, maps, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
                channels = maps
            self.features = nn.Sequential(*blocks)
            self.classifier = nn.Sequential(
                nn.Linear(config.features, config.hidden),
                nn.ReLU(),
                nn.Linear(config.hidden, config.num_classes),
            )

    def forward(self, images: Tensor) -> Tensor:
        """Logits, shape (N, m), for images of shape (N, C, H, W) in [0, 1]."""
        images = check_batch(images, self.config.image_shape, next(self.parameters()).dtype)
        return self.classifier(self.features(images).flatten(1))
