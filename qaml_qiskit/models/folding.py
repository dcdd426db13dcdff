"""Rotations in front of rotations, folded into these: RZ(c)·RY(b)·RZ(a)·RY(ν) is RZ(c')·RY(b')·RZ(a') again.

A circuit of eight qubits and ten layers takes half a millisecond a step, and the fold may cost a fraction of that: it
is one operation of autograd's, in NumPy, whose calls on small arrays cost a third of torch's.
"""

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd import Function

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Angles b' nearer to 0 or π than this are singular points of the Euler angles: on the way through a' and c', gradients
#: lose digits there, in single precision at this distance all but three.
SINGULAR = 1e-4


@dataclass(frozen=True, eq=False)
class Folds:
    """Which angles are folded into which rotations.

    Attributes:
        angles: indices of the folded angles ν, shape (R,).
        rotations: indices among the weights of the rotations' a, b and c, in time order, shape (3, R).
    """

    angles: Integers
    rotations: Integers

    def values(self, weights: Tensor, scales: Tensor, noise: Tensor) -> tuple[Tensor, bool]:
        """What a circuit with folded rotations is run with: differentiable in weights and scales, also twice.

        Args:
            weights: shape (P,).
            scales: shape (K,).
            noise: constants, shape (K, J); the angles ν are M = K·J, ``noise[k, j]·scales[k]`` row by row.

        Returns:
            Shape (P + M + 3·R,), in the type of the weights: these, the angles ν, then all a', all b', all c'; and
            whether some b' is so near to 0 or π that gradients through the fold are no good.
        """
        found: tuple[Tensor, bool] = _Fold.apply(weights, scales, noise, self)
        return found


class _Fold(Function):
    """:meth:`Folds.values`."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor, scales: Tensor, noise: Tensor, folds: Folds) -> tuple[Tensor, bool]:
        ctx.save_for_backward(weights, scales, noise)
        own, drawn = _array(weights), _array(noise)
        nu = (drawn * _array(scales)[:, None]).ravel()
        rotations = own[folds.rotations]
        with np.errstate(invalid="ignore"):  # What runs the circuit refuses angles that are not finite.
            folded = _folded(rotations, nu[folds.angles])
        ctx.folds, ctx.drawn, ctx.rotations, ctx.folded = folds, drawn, rotations, folded
        values = torch.from_numpy(np.concatenate([own, nu, folded.ravel()])).to(weights)
        return values, bool(folded.size) and bool(np.sin(folded[1]).min() < SINGULAR)

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor, _: None) -> tuple[Tensor, Tensor, None, None]:
        weights, scales, noise = ctx.saved_tensors
        if torch.is_grad_enabled():
            return (*_recorded_gradients(weights, scales, noise, ctx.folds, cotangent), None, None)
        folds, both, size, end = ctx.folds, _array(cotangent), len(weights), len(weights) + ctx.drawn.size
        *rotations, nu = _pulled_back(np, ctx.rotations, ctx.folded, both[end:].reshape(3, -1))
        by_weights = both[:size] + np.bincount(folds.rotations.ravel(), np.concatenate(rotations), size)
        by_nu = both[size:end] + np.bincount(folds.angles, nu, end - size)
        by_scales = (by_nu.reshape(ctx.drawn.shape) * ctx.drawn).sum(1)
        return torch.from_numpy(by_weights).to(weights), torch.from_numpy(by_scales).to(scales), None, None


def _array(tensor: Tensor) -> Floats:
    array: Floats = tensor.detach().cpu().numpy().astype(np.float64)
    return array


def _folded(rotations: Floats, nu: Floats) -> Floats:
    """(a', b', c') with b' from 0 to π, the sign of the matrix included, shape (3, R)."""
    a, b, c = rotations
    halves, found = np.empty_like(rotations), np.empty_like(rotations)
    halves[:] = a, b + nu, b - nu
    halves /= 2
    (cosine, cos_s, cos_t), (sine, sin_s, sin_t) = np.cos(halves), np.sin(halves)
    # The first column of RY(b)·RZ(a)·RY(ν) is (x₀ − iy₀, x₁ − iy₁).
    x0, x1, y0, y1 = cos_s * cosine, sin_s * cosine, cos_t * sine, sin_t * sine
    u, v = np.arctan2(y0, x0), np.arctan2(y1, x1)
    found[:] = u + v, 2 * np.arctan2(np.hypot(x1, y1), np.hypot(x0, y0)), c + (u - v)
    return found


def _pulled_back(xp: ModuleType, rotations: Any, folded: Any, cotangent: Any) -> tuple[Any, Any, Any, Any]:
    """Gradients by a, b, c and ν from those by a', b', c': how angular velocities about these axes add up.

    Args:
        xp: NumPy or torch, whichever the arrays are of.
        rotations: shape (3, R).
        folded: what they became, shape (3, R).
        cotangent: shape (3, R).
    """
    (_, b, c), (turn, tilt, after), (by_a, by_b, by_c) = rotations, folded, cotangent
    gamma, sine, cosine = after - c, xp.sin(tilt), xp.cos(tilt)
    before, behind = (by_a - cosine * by_c) / sine, (by_c - cosine * by_a) / sine
    sin_gamma, cos_gamma = xp.sin(gamma), xp.cos(gamma)
    to_a = xp.sin(b) * (cos_gamma * before - sin_gamma * by_b) + xp.cos(b) * by_c
    return to_a, sin_gamma * before + cos_gamma * by_b, by_c, xp.sin(turn) * behind + xp.cos(turn) * by_b


def _recorded_gradients(
    weights: Tensor, scales: Tensor, noise: Tensor, folds: Folds, cotangent: Tensor
) -> tuple[Tensor, Tensor]:
    """Gradients that are themselves part of a graph, for ``create_graph=True``."""
    size, end = len(weights), len(weights) + noise.numel()
    places, rows = (torch.from_numpy(each).to(weights.device) for each in (folds.angles, folds.rotations))
    folded = folds.values(weights, scales, noise)[0][end:].reshape(3, -1)
    *rotations, nu = _pulled_back(torch, weights[rows], folded, cotangent[end:].reshape(3, -1))
    by_weights = cotangent[:size].index_add(0, rows.flatten(), torch.cat(rotations))
    by_nu = cotangent[size:end].index_add(0, places, nu).reshape(noise.shape)
    return by_weights, (by_nu * noise.to(by_nu)).sum(1).to(scales)
