"""The modules of deployments: images to logits, exact, differentiable, and placed where they are computed."""

import copy

import torch
from torch import Tensor, nn

from qaml_qiskit.compute import DEFAULT_COMPUTE, Compute
from qaml_qiskit.deployments.circuits import CircuitWithNoise
from qaml_qiskit.filters import Filter
from qaml_qiskit.models import QVC, NoisyQVC
from qaml_qiskit.simulation.heisenberg import NoisyObservables, readout_map


class BehindFilter(nn.Module):
    """A network that sees every image through a filter; a QVC has it in front of its encoding.

    Args:
        filter: images to images.
        model: images to logits.
    """

    def __init__(self, filter: Filter, model: nn.Module) -> None:
        super().__init__()
        self.filter, self.model = filter, model

    def forward(self, images: Tensor) -> Tensor:
        """Logits, shape (N, m)."""
        logits: Tensor = self.model(self.filter(images))
        return logits


def placed(module: nn.Module, compute: Compute) -> nn.Module:
    """The module, or a placed copy, which leaves a stored model as it was read."""
    return module if compute == DEFAULT_COMPUTE else compute.placed(copy.deepcopy(module))


def frozen_copy(model: nn.Module, compute: Compute) -> nn.Module:
    """An ideal model as a constant, so that a deep QVC is collapsed once."""
    return placed(copy.deepcopy(model).eval().requires_grad_(False), compute)


def noisy_module(model: QVC, observables: NoisyObservables, compute: Compute) -> nn.Module:
    """A QVC whose layers measure these observables."""
    return placed(NoisyQVC(model, observables), compute)


def without_readout_errors(observables: NoisyObservables, layers: CircuitWithNoise) -> NoisyObservables:
    """The observables with the readout errors in them inverted.

    For Z of single qubits that is an affine map. What errors make of a product mixes in products of fewer qubits, so
    products are carried back anew through the circuit, read perfectly.

    Args:
        observables: of the layers' strings, readout errors included.
        layers: that measure them.
    """
    matrices = observables.matrices
    if any(len(string) > 1 for string in layers.strings):
        return layers.without_readout_errors().observables(matrices.dtype, str(matrices.device))
    readout = readout_map(layers.noise, [qubit for (qubit,) in layers.strings])
    unit = torch.eye(matrices.shape[-1]).to(matrices)
    contrast, offset = (torch.from_numpy(v).to(matrices)[:, None, None] for v in (readout.contrast, readout.offset))
    return NoisyObservables(observables.readings, (matrices - offset * unit) / contrast)
