"""Models as constants, for the time of an attack."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def frozen(model: nn.Module) -> Iterator[None]:
    """Make a model constant: evaluation mode, no parameter requires a gradient; both come back afterwards.

    A QVC whose weights are frozen collapses its circuit into one matrix, which makes every step of an attack cheap.
    """
    modes = [(module, module.training) for module in model.modules()]
    required = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    model.eval().requires_grad_(False)
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
        for parameter, flag in required:
            parameter.requires_grad_(flag)
