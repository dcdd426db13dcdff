"""The fully connected network from which Lu et al. (2020), and Huang & Zhang (2023) after them, transfer attacks."""

from itertools import pairwise
from math import prod
from typing import Annotated, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from qaml_qiskit.models.inputs import ImageShape, Size, check_batch, check_size
from qaml_qiskit.seeds import check_seed


class FNNConfig(BaseModel):
    """What an FNN is, apart from its weights.

    Attributes:
        image_shape: (C, H, W).
        num_classes: m.
        hidden: units of the two hidden layers.
        dropout: share of each hidden layer's units that a step of training leaves out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: Literal["fnn"] = "fnn"
    image_shape: ImageShape
    num_classes: Size
    hidden: tuple[Size, Size] = (512, 53)
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5

    @property
    def widths(self) -> tuple[int, ...]:
        """Numbers before, between and behind the layers."""
        return prod(self.image_shape), *self.hidden, self.num_classes

    @property
    def memory(self) -> int:
        """Bytes of the weights."""
        return 4 * sum(before * after for before, after in pairwise(self.widths))


class FNN(nn.Module):
    """Two hidden layers of 512 and 53 units, each with ReLU and dropout, and a linear layer to the logits.

    The papers end in a softmax, which the cross-entropy has here; activations and rates of dropout are left open there.

    Args:
        config: the architecture.
        seed: of the initial weights.

    Raises:
        ConfigurationError: the model does not fit into the memory.
        InputError: a seed that is none.
    """

    def __init__(self, config: FNNConfig, seed: int = 0) -> None:
        super().__init__()
        check_size(config.memory)
        self.config = config
        *hidden, last = pairwise(config.widths)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(check_seed(seed))
            layers: list[nn.Module] = []
            for before, after in hidden:
                layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(config.dropout)]
            self.layers = nn.Sequential(*layers, nn.Linear(*last))

    def forward(self, images: Tensor) -> Tensor:
        """Logits, shape (N, m), for images of shape (N, C, H, W) in [0, 1]."""
        images = check_batch(images, self.config.image_shape, next(self.parameters()).dtype)
        return self.layers(images.flatten(1))
