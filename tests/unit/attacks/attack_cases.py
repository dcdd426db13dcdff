"""Models whose robustness is known exactly, for the tests of attacks."""

import torch
from torch import Tensor, nn


class Linear(nn.Module):
    """Logits W·x + b: the distance to the nearest other class is known in l∞ and l2."""

    def __init__(self, num_classes: int = 3, pixels: int = 16, bias: float = 0.0, parameters: bool = True) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(num_classes)
        weight = torch.randn(num_classes, pixels, generator=generator)
        if parameters:
            self.weight: Tensor = nn.Parameter(weight)
        else:
            self.weight = weight
        self.bias = bias

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1) @ self.weight.to(images).T + self.bias

    def radii(self, images: Tensor, norm: str) -> Tensor:
        """Distance to the nearest other class, away from the bounds, shape (N,)."""
        logits = self(images).detach().double()
        label = logits.argmax(1)
        difference = (self.weight.detach()[None] - self.weight.detach()[label][:, None]).double()
        length = difference.abs().sum(2) if norm == "linf" else difference.norm(dim=2)
        lead = logits.max(1, keepdim=True).values - logits
        return (lead / length).scatter(1, label[:, None], torch.inf).amin(1)


class Wrapped(nn.Module):
    """A model behind a function of it and the images."""

    def __init__(self, model: nn.Module, function: object) -> None:
        super().__init__()
        self.model, self.function = model, function

    def forward(self, images: Tensor) -> Tensor:
        return self.function(self.model, images)  # type: ignore[operator]


def images_inside(count: int, shape: tuple[int, int, int] = (1, 4, 4), seed: int = 3) -> Tensor:
    """Grey images whose neighbourhood is far from the bounds."""
    return 0.4 + 0.2 * torch.rand(count, *shape, generator=torch.Generator().manual_seed(seed))
