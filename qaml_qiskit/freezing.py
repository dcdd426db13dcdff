"""Models as constants, for as long as somebody looks at them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put a model into evaluation mode; afterwards every module of it is in its own mode again."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def frozen(model: nn.Module) -> Iterator[None]:
    """Make a model constant: evaluation mode, no parameter requires a gradient.

    Afterwards modes, parameters and buffers are what they were, bit for bit, whatever was done to them meanwhile. A QVC
    whose weights are frozen collapses its circuit into one matrix, which makes every step of an attack cheap.
    """
    with evaluating(model):
        kept = [
            _Kept(place, name, tensor, tensor.detach().clone(), tensor.requires_grad)
            for module in model.modules()
            for place in (module._parameters, module._buffers)
            for name, tensor in place.items()
            if tensor is not None
        ]
        try:
            for parameter in model.parameters():
                if parameter.requires_grad:
                    parameter.requires_grad_(False)
            yield
        finally:
            for each in kept:
                each.restore()


@dataclass(frozen=True)
class _Kept:
    """A parameter or buffer in its place, with its values and whether it required a gradient."""

    place: dict[str, Any]
    name: str
    tensor: Tensor
    values: Tensor
    required: bool

    def restore(self) -> None:
        self.place[self.name] = self.tensor
        if not _same_bits(self.tensor, self.values):
            # Only then: to write what is there already would invalidate a graph that somebody still wants to use.
            with torch.no_grad():
                self.tensor.copy_(self.values)
        if self.tensor.requires_grad != self.required:
            self.tensor.requires_grad_(self.required)


def _same_bits(first: Tensor, second: Tensor) -> bool:
    """Whether both hold the same bytes; NaN equals itself, and 0 is not −0."""
    return torch.equal(*(tensor.detach().reshape(-1).view(torch.uint8) for tensor in (first, second)))
