"""A model in training whose images alone are differentiated."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from qaml_qiskit.models import AdjointConnector


@contextmanager
def constant_weights(model: nn.Module) -> Iterator[None]:
    """No weight requires a gradient meanwhile, whose computation would cost two thirds as much again.

    Unlike :func:`qaml_qiskit.freezing.frozen` it leaves the modes as they are and collapses no circuit into a matrix,
    which does not pay while the weights move.
    """
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    connectors = [module for module in model.modules() if isinstance(module, AdjointConnector) and module.collapses]
    for parameter in learning:
        parameter.requires_grad_(False)
    for connector in connectors:
        connector.collapses = False
    try:
        yield
    finally:
        for parameter in learning:
            parameter.requires_grad_(True)
        for connector in connectors:
            connector.collapses = True
