"""Amplitude encoding: an image as a quantum state, |x⟩ = Σ_b x_b |b⟩ / ‖x‖."""

import math

import torch
from torch import Tensor

from qaml_qiskit.batches import example_batch
from qaml_qiskit.compute import can_look_at
from qaml_qiskit.encodings.order import arrange
from qaml_qiskit.encodings.pixel_order import PixelOrder
from qaml_qiskit.errors import InputError


def qubits_for(num_features: int) -> int:
    """The smallest number of qubits (at least one) whose 2ⁿ amplitudes hold ``num_features`` values.

    Raises:
        InputError: no feature.
    """
    if num_features < 1:
        raise InputError(
            "cannot count the qubits",
            got=f"{num_features} features",
            expected="at least one",
            remedy="give the number of features of one example",
        )
    return max(1, math.ceil(math.log2(num_features)))


def amplitudes(features: Tensor, num_qubits: int, order: PixelOrder = "flat") -> Tensor:
    """Arrange, zero-pad and normalise a batch of images or feature vectors to states.

    Differentiable, and the right place to differentiate: rotation angles of an encoding circuit have a zero gradient
    inside all-black blocks of pixels although the state moves there.

    Args:
        features: shape (N, ...), a tensor or an array; whole numbers become floating-point. In the order ``flat``
            everything behind the first axis is flattened in row-major order, so that feature i becomes the amplitude of
            basis state i (qubit 0 is the least significant bit of i).
        num_qubits: n; the states have 2ⁿ amplitudes.
        order: which pixel becomes which amplitude, see :func:`qaml_qiskit.encodings.pixel_positions`.

    Returns:
        Shape (N, 2ⁿ), unit norm, of the dtype of ``features``: complex where these are.

    Raises:
        InputError: more features than amplitudes, or an image that has no direction (all zeros, NaN or infinite);
            the message names its index. Where values are not looked at (:func:`qaml_qiskit.compute.trusting`), its
            state is NaN instead.
    """
    features = example_batch(features)
    arranged = arrange(features, num_qubits, order)
    return arranged / norms_of(features)


def norms_of(features: Tensor) -> Tensor:
    """By what :func:`amplitudes` divides a batch, shape (N, 1); differentiable.

    Args:
        features: shape (N, ...), floating-point or complex.

    Raises:
        InputError: as for :func:`amplitudes`.
    """
    norms = torch.linalg.vector_norm(features.flatten(1), dim=1, keepdim=True)
    if can_look_at(norms):
        _check_norms(norms)
    return norms


def _check_norms(norms: Tensor) -> None:
    """Raise InputError for an image without a direction."""
    if not norms.numel():
        return
    least, most = torch.aminmax(norms.detach())
    # A NaN is neither.
    if not (least.item() > 0.0 and most.item() < math.inf):
        usable = torch.isfinite(norms) & (norms > 0)
        index = int((~usable).flatten().nonzero()[0])
        raise InputError(
            f"cannot amplitude-encode image {index}",
            got=f"a vector of norm {norms[index].item():g}",
            expected="a finite norm above zero, because the state is the image divided by its norm",
            remedy="remove the image, or give it at least one non-zero, finite pixel",
        )
