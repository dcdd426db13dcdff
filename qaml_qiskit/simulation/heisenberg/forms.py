"""Quadratic forms xᵀMx of many vectors and several matrices, and their gradients."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from qaml_qiskit.simulation.panels import Panels

#: Vectors at a time, and columns of a matrix at a time.
_ROWS = 1024
_COLUMNS = 128
#: For so few vectors halving the matrices costs more than it saves.
_FEW = 128


def quadratic_forms(vectors: Tensor, matrices: Tensor, panels: Panels | None = None) -> Tensor:
    """x†M_k x for every row x and every k; differentiable in the vectors.

    Real forms of many vectors without gradients take half of each symmetric matrix, and no part of it where all vectors
    are zero; see :func:`takes_halves`.

    Args:
        vectors: shape (N, d).
        matrices: shape (m, d, d), Hermitian, of the same dtype.
        panels: the matrices side by side, shape (d, m·d), where the kernel is to multiply by them.

    Returns:
        Shape (N, m), real.
    """
    if takes_halves(vectors):
        used = (vectors != 0).any(0).nonzero().squeeze(1)
        if len(used) < vectors.shape[1]:
            vectors, matrices = vectors[:, used], matrices[:, used][:, :, used]
        return _symmetric_forms(vectors, matrices)
    if _is_recorded(vectors):
        values: Tensor = _Forms.apply(vectors, matrices, panels)
        return values
    return torch.cat([_Forms.values(part, _images(part, matrices, panels)) for part in vectors.split(_ROWS)])


def takes_halves(vectors: Tensor) -> bool:
    """Whether :func:`quadratic_forms` of these takes halves of the matrices, and no panels."""
    return not _is_recorded(vectors) and not vectors.is_complex() and len(vectors) > _FEW


def _is_recorded(vectors: Tensor) -> bool:
    return torch.is_grad_enabled() and vectors.requires_grad


class _Forms(Function):
    """Keeps M_k x, which is half the gradient."""

    @staticmethod
    def forward(ctx: Any, vectors: Tensor, matrices: Tensor, panels: Panels | None) -> Tensor:
        images = _images(vectors, matrices, panels)
        ctx.save_for_backward(vectors, matrices, images)
        return _Forms.values(vectors, images)

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> tuple[Tensor, None, None]:
        vectors, matrices, images = ctx.saved_tensors
        if torch.is_grad_enabled():
            # The gradient shall be differentiated in its turn, so it must know what it depends on.
            images = _images(vectors, matrices)
        return 2 * torch.einsum("kni,nk->ni", images, cotangent.to(images.dtype)), None, None

    @staticmethod
    def values(vectors: Tensor, images: Tensor) -> Tensor:
        """Re x†(M_k x)."""
        forms = torch.einsum("kni,ni->nk", images, vectors.conj())
        return forms.real if forms.is_complex() else forms


def _images(vectors: Tensor, matrices: Tensor, panels: Panels | None = None) -> Tensor:
    """M_k x, shape (m, N, d)."""
    if panels is not None:
        return panels.product(vectors).view(len(vectors), *matrices.shape[:2]).transpose(0, 1)
    return torch.matmul(vectors, matrices.mT)


def _symmetric_forms(vectors: Tensor, matrices: Tensor) -> Tensor:
    """Real forms by block columns: what lies above the diagonal counts twice, what lies below is not touched."""
    values = vectors.new_zeros(len(vectors), len(matrices))
    for start in range(0, vectors.shape[1], _COLUMNS):
        now = slice(start, start + _COLUMNS)
        above, beside = 2 * matrices[:, :start, now], matrices[:, now, now]
        for first in range(0, len(vectors), _ROWS):
            rows = slice(first, first + _ROWS)
            for k in range(len(matrices)):
                images = vectors[rows, :start] @ above[k]
                images += vectors[rows, now] @ beside[k]
                values[rows, k] += (images * vectors[rows, now]).sum(1)
    return values
