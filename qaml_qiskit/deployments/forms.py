"""The quadratic forms of the image that the logits of some deployments are."""

import copy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from qaml_qiskit.deployments import refusals
from qaml_qiskit.deployments.circuits import CircuitWithNoise
from qaml_qiskit.deployments.conditions import Condition, UnderNoise
from qaml_qiskit.models import QVC, NoisyQVC, QuadraticClassifier
from qaml_qiskit.simulation.heisenberg import NoisyObservables


@dataclass(frozen=True)
class QuadraticForms:
    """Logits xᵀM_k x/xᵀx up to a common factor, and what a certificate asks about them.

    Attributes:
        matrices: M_k on the image's pixels, shape (m, d, d), in double precision; not necessarily symmetric.
        single: the model itself, noise included, for float32 images of shape (N, C, H, W).
        double: the same for float64 images.
        is_bounded: whether the forms lie in [−1, 1] on normalised images, as expectation values of Z do.
    """

    matrices: NDArray[np.float64]
    single: nn.Module
    double: nn.Module
    is_bounded: bool


def forms_of_matrices(model: QuadraticClassifier) -> QuadraticForms:
    """Those of a classifier that is made of them."""
    size = len(model.matrices)
    stacked = model.matrices.detach().double().unflatten(1, (-1, size)).transpose(0, 1)
    return QuadraticForms(stacked.numpy(), model, copy.deepcopy(model).double(), is_bounded=False)


def forms_of_layers(model: QVC, layers: CircuitWithNoise) -> QuadraticForms:
    """Those of a QVC whose encoding is linear, as multiplexed: seconds for ten qubits and 200 layers.

    Args:
        model: the QVC.
        layers: its layers, with their noise.
    """
    observables = layers.observables(torch.float64)
    positions = model.encoding.positions(model.config.image_shape)
    assert positions is not None, "checked by Deployment.check_forms"
    pixels = observables.matrices[:, positions][:, :, positions].numpy()
    if layers.noise is None:
        return QuadraticForms(pixels, model, copy.deepcopy(model).double(), is_bounded=True)
    single = NoisyObservables(observables.readings, observables.matrices.float())
    return QuadraticForms(pixels, NoisyQVC(model, single), NoisyQVC(model, observables), is_bounded=True)


def check_forms(model: nn.Module, kind: str, name: str, condition: Condition) -> None:
    """Raise ConfigurationError unless the logits under this condition are quadratic forms of the image."""
    if isinstance(model, QuadraticClassifier):
        return
    if not isinstance(model, QVC):
        raise refusals.needs_quadratic_logits(name, f"a {kind}")
    if model.encoding.positions(model.config.image_shape) is None:
        got = f"a {kind} with the {model.config.encoding} encoding, whose states are no linear function of the image"
        raise refusals.needs_quadratic_logits(name, got)
    if isinstance(condition, UnderNoise) and condition.on_encoding:
        raise refusals.needs_quadratic_logits(name, "noise on the encoding")
