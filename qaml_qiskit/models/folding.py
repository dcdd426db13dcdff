"""Rotations in front of rotations, folded into these: RZ(c)·RY(b)·RZ(a)·RY(ν) is RZ(c + γ)·RY(b')·RZ(a') again."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

#: Angles b' nearer to 0 or π than this are singular points of the Euler angles: on the way through a' and γ, gradients
#: lose digits there, and in single precision at this distance all but two or three.
SINGULAR = 3e-5


def folded(a: Tensor, b: Tensor, nu: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Angles (a', b', γ) with RZ(γ)·RY(b')·RZ(a') = RY(b)·RZ(a)·RY(ν), the sign included; differentiable.

    Args:
        a: of the RZ that comes first in time, any shape, double precision.
        b: of the RY behind it, same shape.
        nu: of the RY in front of both, same shape.

    Returns:
        Each of the same shape; b' is from 0 to π.
    """
    found: tuple[Tensor, Tensor, Tensor] = _Fold.apply(a, b, nu)
    return found


def is_singular(b: Tensor) -> bool:
    """Whether one of the angles b' lies so near to 0 or π that gradients through the folded angles are no good."""
    return bool((b.detach().sin() < SINGULAR).any())


class _Fold(Function):
    """The fold with its Jacobian written out: it has a dozen numbers a rotation, and recorded it would have fifty."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, nu: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        ctx.save_for_backward(a, b, nu)
        return _angles(a, b, nu)

    @staticmethod
    def backward(ctx: Any, by_a: Tensor, by_b: Tensor, by_gamma: Tensor) -> tuple[Tensor | None, ...]:
        a, b, nu = ctx.saved_tensors
        if torch.is_grad_enabled():
            # The gradient shall be differentiated in its turn.
            inputs = [each for each, wanted in zip((a, b, nu), ctx.needs_input_grad, strict=True) if wanted]
            again = torch.autograd.grad(_angles(a, b, nu), inputs, (by_a, by_b, by_gamma), create_graph=True)
            found = iter(again)
            return tuple(next(found) if wanted else None for wanted in ctx.needs_input_grad)
        return _pulled_back(a, b, nu, by_a, by_b, by_gamma)


def _angles(a: Tensor, b: Tensor, nu: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """From the first column of RY(b)·RZ(a)·RY(ν), which is (x₀ − iy₀, x₁ − iy₁)."""
    half, s, t = a / 2, (b + nu) / 2, (b - nu) / 2
    cosine, sine = half.cos(), half.sin()
    y0, x0 = t.cos() * sine, s.cos() * cosine
    y1, x1 = t.sin() * sine, s.sin() * cosine
    u, v = torch.atan2(y0, x0), torch.atan2(y1, x1)
    return u + v, 2 * torch.atan2(torch.hypot(x1, y1), torch.hypot(x0, y0)), u - v


def _pulled_back(
    a: Tensor, b: Tensor, nu: Tensor, by_a: Tensor, by_b: Tensor, by_gamma: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The chain rule through :func:`_angles`, with u, v, s, t and a/2 as there."""
    half, s, t = a / 2, (b + nu) / 2, (b - nu) / 2
    cosine, sine, cs, ss, ct, st = half.cos(), half.sin(), s.cos(), s.sin(), t.cos(), t.sin()
    # The squared moduli of the column, cos²(b'/2) and sin²(b'/2).
    r0 = (cs * cosine).square() + (ct * sine).square()
    r1 = (ss * cosine).square() + (st * sine).square()
    u, v, tilt = (by_a + by_gamma) / r0, (by_a - by_gamma) / r1, by_b / (r0 * r1).sqrt()
    both = cosine * sine
    by_half = u * cs * ct + v * ss * st + tilt * 2 * both * (st - ss) * (st + ss)
    by_t = both * (v * ss * ct - u * cs * st) + tilt * 2 * st * ct * sine.square()
    by_s = both * (u * ss * ct - v * cs * st) + tilt * 2 * ss * cs * cosine.square()
    return by_half / 2, (by_s + by_t) / 2, (by_s - by_t) / 2
