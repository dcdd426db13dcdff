"""The quadratic forms of the image that the logits of some models are."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from qaml_qiskit.evaluation import LinearHead
from qaml_qiskit.models.quadratic import QuadraticClassifier
from qaml_qiskit.models.qvc import QVC
from qaml_qiskit.simulation import basis_states


def why_no_forms(model: nn.Module) -> str | None:
    """What makes a model's logits something else than quadratic forms of the image; None where they are such forms."""
    if isinstance(model, QuadraticClassifier):
        return None
    kind = getattr(getattr(model, "config", None), "kind", type(model).__name__)
    if not isinstance(model, QVC):
        return f"a {kind}"
    if model.encoding.positions(model.config.image_shape) is None:
        return f"a {kind} with the {model.config.encoding} encoding, whose states are no linear function of the image"
    return None


def form_matrices(model: QVC | QuadraticClassifier) -> NDArray[np.float64]:
    """M_k of logits xᵀM_k x/xᵀx, up to a common factor, on the image's pixels, shape (m, d, d); not all symmetric.

    Args:
        model: one of which :func:`why_no_forms` knows no reason; noise layers are left out.
    """
    if isinstance(model, QuadraticClassifier):
        size = len(model.matrices)
        stacked: NDArray[np.float64] = _constant(model.matrices).unflatten(1, (-1, size)).transpose(0, 1).numpy()
        return stacked
    network, positions = model.network, model.encoding.positions(model.config.image_shape)
    assert positions is not None, "checked by why_no_forms"
    states, pixels = basis_states(network.program, _constant(model.weight), positions), len(positions)
    # |U x|² summed with the signs of P. Those of + alone, because all of them together are the identity.
    both, signs = torch.view_as_real(states).numpy(), network.signs(states.real).numpy()
    observables = np.empty((signs.shape[1], pixels, pixels))
    for observable, sign in zip(observables, signs.T, strict=True):
        half = both[:, sign > 0].reshape(pixels, -1)
        np.matmul(half, half.T, out=observable)  # A product with its own transpose: half the work.
        observable *= 2
        observable[np.arange(pixels), np.arange(pixels)] -= 1
    return headed(unit_head(model), observables)


def unit_head(model: QVC) -> LinearHead:
    """The head of a QVC without the scale, which changes no label, in double precision."""
    return model.unit_head.converted(lambda part: _constant(part).numpy())


def headed(head: LinearHead, matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Forms of logits, shape (m, d, d), from those of the averages that a head takes, shape (S, d, d)."""
    forms = np.tensordot(head.matrix, matrices, axes=1)
    diagonal = np.arange(matrices.shape[1])
    forms[:, diagonal, diagonal] += head.offset[:, None]
    return forms


def _constant(weights: Tensor) -> Tensor:
    return weights.detach().double().cpu()
