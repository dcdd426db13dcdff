"""Models as constants, for as long as somebody looks at them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from qaml_qiskit.errors import InputError


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
def differentiable() -> Iterator[None]:
    """Record gradients, also where the caller turned that off with ``no_grad`` or ``inference_mode``."""
    with torch.inference_mode(False), torch.enable_grad():
        yield


@contextmanager
def frozen(model: nn.Module) -> Iterator[None]:
    """Make a model constant: evaluation mode, no parameter requires a gradient.

    Afterwards modes, parameters and buffers are what they were, bit for bit, whatever was done to them meanwhile. A QVC
    whose weights are frozen collapses its circuit into one matrix, which makes every step of an attack cheap.

    Raises:
        InputError: a model that was made in inference mode, through which torch passes no gradient.
    """
    if any(parameter.is_inference() for parameter in model.parameters()):
        raise InputError(
            "the model cannot be frozen",
            got="weights that were made under torch.inference_mode",
            expected="a model that was made or loaded outside of it",
            remedy="build or load the model outside of torch.inference_mode",
        )
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
