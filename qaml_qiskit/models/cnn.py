"""The convolutional network from which Lu et al. (2020), and Huang & Zhang (2023) after them, transfer attacks."""

from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, model_validator
from torch import Tensor, nn

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.models.inputs import ImageShape, Size, check_batch, check_size
from qaml_qiskit.seeds import check_seed

#: Of each convolution: filters, their side, stride and padding.
_CONVOLUTIONS = ((64, 8, 2, 3), (128, 4, 2, 1), (64, 2, 1, 0))
#: The smallest side of an image that leaves a pixel behind the convolutions.
_SMALLEST = 8


class CNNConfig(BaseModel):
    """What a CNN is, apart from its weights."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: Literal["cnn"] = "cnn"
    image_shape: ImageShape
    num_classes: Size

    @model_validator(mode="after")
    def _survives_strides(self) -> "CNNConfig":
        if min(self.image_shape[1:]) < _SMALLEST:
            raise ConfigurationError(
                "cannot build a CNN",
                got=f"images of shape {self.image_shape}",
                expected=f"at least {_SMALLEST}×{_SMALLEST} pixels, because two strides halve them twice",
                remedy="use larger images or another model, such as fnn",
            )
        return self

    @property
    def features(self) -> int:
        """How many numbers the convolutions make of an image."""
        height, width = self.image_shape[1:]
        for _, side, stride, padding in _CONVOLUTIONS:
            height, width = ((size + 2 * padding - side) // stride + 1 for size in (height, width))
        return _CONVOLUTIONS[-1][0] * height * width

    @property
    def memory(self) -> int:
        """Bytes of the weights."""
        channels, weights = self.image_shape[0], self.features * self.num_classes
        for filters, side, _, _ in _CONVOLUTIONS:
            weights += channels * filters * side**2
            channels = filters
        return 4 * weights


class CNN(nn.Module):
    """Convolutions of 64, 128 and 64 filters of 8×8, 4×4 and 2×2 pixels, each with ReLU, and a linear layer.

    The papers end in a softmax, which the cross-entropy has here. Activations, strides and padding are left open there:
    strides of 2, 2 and 1, and as much padding as makes the first two convolutions halve the image.

    Args:
        config: the architecture.
        seed: of the initial weights.

    Raises:
        ConfigurationError: the model does not fit into the memory.
        InputError: a seed that is none.
    """

    def __init__(self, config: CNNConfig, seed: int = 0) -> None:
        super().__init__()
        check_size(config.memory)
        self.config = config
        channels = config.image_shape[0]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(check_seed(seed))
            layers: list[nn.Module] = []
            for filters, side, stride, padding in _CONVOLUTIONS:
                layers += [nn.Conv2d(channels, filters, side, stride, padding), nn.ReLU()]
                channels = filters
            self.features = nn.Sequential(*layers)
            self.classifier = nn.Linear(config.features, config.num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits, shape (N, m), for images of shape (N, C, H, W) in [0, 1]."""
        images = check_batch(images, self.config.image_shape, self.classifier.weight.dtype)
        return self.classifier(self.features(images).flatten(1))
