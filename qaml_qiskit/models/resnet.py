"""ResNet18 (He et al., 1512.03385, table 1), the deep classical network of the benchmark."""

from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from qaml_qiskit.models.inputs import ImageShape, Size, check_batch, check_size
from qaml_qiskit.seeds import check_seed


class ResNet18Config(BaseModel):
    """What a ResNet18 is, apart from its weights.

    Attributes:
        image_shape: (C, H, W).
        num_classes: m.
        width: maps of the first stage; the published network has 64.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: Literal["resnet18"] = "resnet18"
    image_shape: ImageShape
    num_classes: Size
    width: Size = 64

    @property
    def memory(self) -> int:
        """Bytes of the weights, but for those of the normalisation."""
        # 2,724·width² weights in the blocks' convolutions, 49 and 8 a map in the stem and in the last layer.
        width = self.width
        return 4 * (2724 * width**2 + 49 * self.image_shape[0] * width + 8 * width * self.num_classes)


class ResNet18(nn.Module):
    """The published network: a 7×7 stem, four stages of two basic blocks, global average pooling, one linear layer.

    About 11 million parameters. Batch normalisation makes its output in training mode depend on the batch; attacks
    and evaluation use evaluation mode.

    Args:
        config: the architecture.
        seed: of the initial weights (Kaiming normal, fan-out).

    Raises:
        ConfigurationError: the model does not fit into the memory.
        InputError: a seed that is none.
    """

    def __init__(self, config: ResNet18Config, seed: int = 0) -> None:
        super().__init__()
        check_size(config.memory)
        self.config = config
        width = config.width
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(check_seed(seed))
            self.stem = nn.Sequential(
                nn.Conv2d(config.image_shape[0], width, 7, stride=2, padding=3, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
                nn.MaxPool2d(3, stride=2, padding=1),
            )
            maps = [width, width, 2 * width, 4 * width, 8 * width]
            self.stages = nn.Sequential(
                *(
                    nn.Sequential(BasicBlock(maps[i], maps[i + 1], stride), BasicBlock(maps[i + 1], maps[i + 1], 1))
                    for i, stride in enumerate((1, 2, 2, 2))
                )
            )
            self.classifier = nn.Linear(maps[-1], config.num_classes)
            for module in self.modules():
                if isinstance(module, nn.Conv2d):
                    nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        """Logits, shape (N, m), for images of shape (N, C, H, W) in [0, 1]."""
        images = check_batch(images, self.config.image_shape, self.classifier.weight.dtype)
        return self.classifier(self.stages(self.stem(images)).mean(dim=(2, 3)))


class BasicBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut; the shortcut is a 1×1 convolution where the shape changes."""

    def __init__(self, maps_in: int, maps_out: int, stride: int) -> None:
        """Halve the picture with ``stride`` 2."""
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(maps_in, maps_out, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(maps_out),
            nn.ReLU(),
            nn.Conv2d(maps_out, maps_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(maps_out),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or maps_in != maps_out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(maps_in, maps_out, 1, stride=stride, bias=False), nn.BatchNorm2d(maps_out)
            )

    def forward(self, features: Tensor) -> Tensor:
        """Shape (N, maps_in, H, W) to (N, maps_out, H/stride, W/stride)."""
        return torch.relu(self.body(features) + self.shortcut(features))
