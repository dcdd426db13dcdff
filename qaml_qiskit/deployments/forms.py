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
from qaml_qiskit.models import QVC, NoisyQVC, QuadraticClassifier, form_matrices, headed, unit_head, why_no_forms
from qaml_qiskit.simulation import string_signs
from qaml_qiskit.simulation.heisenberg import NoisyObservables


@dataclass(frozen=True)
class QuadraticForms:
    """Logits xᵀM_k x/xᵀx up to a common factor, and what a certificate asks about them.

    Attributes:
        matrices: M_k on the image's pixels, shape (m, d, d), in double precision; not necessarily symmetric.
        single: the model itself, noise included, for float32 images of shape (N, C, H, W).
        double: the same for float64 images.
        highest: what the difference of two of them can be for any state, shape (m, m): row j and column k of M_j − M_k.
            None where nothing bounds it but the matrices themselves.
    """

    matrices: NDArray[np.float64]
    single: nn.Module
    double: nn.Module
    highest: NDArray[np.float64] | None


def forms_of_matrices(model: QuadraticClassifier) -> QuadraticForms:
    """Those of a classifier that is made of them."""
    return QuadraticForms(form_matrices(model), model, copy.deepcopy(model).double(), None)


def forms_of_circuit(model: QVC) -> QuadraticForms:
    """Those of a QVC whose encoding is linear, as multiplexed, without noise: half a second for ten qubits, any depth.

    Args:
        model: the QVC; without noise layers that act.
    """
    return QuadraticForms(form_matrices(model), model, copy.deepcopy(model).double(), highest_margins(model))


def forms_of_layers(model: QVC, layers: CircuitWithNoise, device: str = "cpu") -> QuadraticForms:
    """Those of a QVC whose encoding is linear, under noise: seconds for ten qubits and 200 layers.

    Logits W·⟨P⟩ + b of observables xᵀM_s x/xᵀx have the forms Σ_s W_ks M_s + b_k·1.

    Args:
        model: the QVC.
        layers: its layers, with their noise.
        device: where the observables are carried back; the forms are on the processor.
    """
    carried = layers.observables(torch.float64, device)
    observables = NoisyObservables(carried.readings, carried.matrices.cpu())
    positions = model.encoding.positions(model.config.image_shape)
    assert positions is not None, "checked by Deployment.check_forms"
    pixels = observables.matrices[:, positions][:, :, positions].numpy()
    matrices = headed(unit_head(model), pixels)
    highest = highest_margins(model)
    if layers.noise is None:
        return QuadraticForms(matrices, model, copy.deepcopy(model).double(), highest)
    single = NoisyObservables(observables.readings, observables.matrices.float())
    return QuadraticForms(matrices, NoisyQVC(model, single), NoisyQVC(model, observables), highest)


def highest_margins(model: QVC) -> NDArray[np.float64]:
    """How far the logit of class j can be above that of class k for any state, shape (m, m), by :func:`unit_head`.

    Logits are averages over outcomes, so none is beyond the best outcome.
    """
    readout, head = model.readout, unit_head(model)
    outcomes = string_signs(len(readout.qubits), readout.bits, torch.zeros((), dtype=torch.float64))
    logits = head.logits(outcomes.numpy())
    return np.stack([(logits[:, [j]] - logits).max(0) for j in range(logits.shape[1])])


def check_forms(model: nn.Module, name: str, condition: Condition) -> None:
    """Raise ConfigurationError unless the logits under this condition are quadratic forms of the image."""
    reason = why_no_forms(model)
    if reason is not None:
        raise refusals.needs_quadratic_logits(name, reason)
    if isinstance(condition, UnderNoise) and condition.on_encoding:
        raise refusals.needs_quadratic_logits(name, "noise on the encoding")
