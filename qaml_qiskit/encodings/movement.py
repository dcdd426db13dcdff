"""How far an attacker can move the state that an image becomes: the worst case, in trace distance.

For pure states the trace distance is √(1 − F) = sin θ, with the fidelity F and the angle θ between them. No measurement
tells two states apart with more probability than ½(1 + trace distance), whatever circuit stands in front of it.
"""

from typing import Literal

import torch
from torch import Tensor

from qaml_qiskit.errors import InputError

Norm = Literal["linf", "l2"]


def amplitude_movement(
    images: Tensor, eps: float, norm: Norm = "linf", *, box: tuple[float, float] | None = (0.0, 1.0)
) -> tuple[Tensor, Tensor]:
    """The largest trace distance between x/‖x‖ and x'/‖x'‖ over ‖x' − x‖ ≤ ε: a witness's and a bound, shape (N,) each.

    In l2, pixels free, it is exactly ε/‖x‖ (the tangent from the origin to the ball), and 1 from ε = ‖x‖ on.

    In l∞ the pixels y of x' lie between l and u each. The cosine x·y/(‖x‖‖y‖) of non-negative images is quasi-concave
    in y, so it is least at a corner, y_i = l_i or u_i. A corner matters through A = x·y and B = ‖y‖² alone, and A/√B,
    which rises with A and falls with B, is least on the lower edge of the points (A, B): pixels are raised in the order
    of their ratios x_i/(l_i + u_i), the smallest first. The best prefix of this order is a real image, the witness. The
    least value on the lines between prefixes, which the corners' convex hull has as its edge, is the bound. They differ
    by what one pixel does: at most 4·10⁻⁴ of themselves for 64 pixels, 10⁻⁵ for 784.

    Without a box, l and u = x ∓ ε, all ratios are ½, and the least is that of the l2 ball around: ε√d/‖x‖, where the
    signs of δ can be chosen so that δ·x = −dε². Then neither the order of the pixels, nor padding, nor writing each
    pixel into several amplitudes (‖x‖ and √d grow alike) changes anything. The bound is 1 where ε can blacken an image.

    Args:
        images: shape (N, ...), not negative, each with a norm above zero.
        eps: ε, in pixel units.
        norm: of the perturbation.
        box: the range of pixels; None for none. In l2 there is none.

    Raises:
        InputError: a black or a negative image, or a negative ε.
    """
    x = images.flatten(1).double()
    lengths = torch.linalg.vector_norm(x, dim=1)
    if eps < 0 or not bool(((x >= 0).all(1) & (lengths > 0) & torch.isfinite(lengths)).all()):
        raise InputError(
            "cannot tell how far these states can be moved",
            got=f"ε = {eps:g} and images from {x.min():g} to {x.max():g}" if x.numel() else f"ε = {eps:g}",
            expected="ε from 0 up, and images without negative pixels, none of them black",
            remedy="take images in [0, 1]",
        )
    if norm == "l2":
        moved = (eps / lengths).clamp(max=1)
        return moved, moved
    low, high = x - eps, x + eps
    if box is not None:
        low, high = low.clamp(min=box[0]), high.clamp(max=box[1])
    across, ahead = _prefixes(x, low, high)
    witness = _sine(across, ahead, lengths[:, None])
    bound = _sine(*_between(across, ahead), lengths[:, None])
    bound[ahead[:, 0] == 0] = 1
    return witness.amax(1), torch.maximum(witness.amax(1), bound.amax(1))


def angle_movement(images: Tensor, eps: float, norm: Norm = "linf") -> Tensor:
    """The largest trace distance for RY(πx) on a qubit a feature, features in [0, 1], ε ≤ 1: exact, shape (N,).

    F = Π cos²(πδ_i/2). In l∞ every feature moves as far as it can, up to ε. In l2, features free, all of ε goes into
    one of them, because ln cos²(√s) is concave in s: F = cos²(πε/2).

    Args:
        images: shape (N, ...), in [0, 1].
        eps: ε.
        norm: of the perturbation.

    Raises:
        InputError: an ε outside [0, 1].
    """
    if not 0 <= eps <= 1:
        raise InputError(
            "cannot tell how far these states can be moved",
            got=f"ε = {eps:g}",
            expected="ε from 0 to 1, the range of a feature",
            remedy="take a smaller ε",
        )
    x = images.flatten(1).double()
    if norm == "l2":
        return x.new_full((len(x),), float(torch.sin(torch.tensor(torch.pi * min(eps, 1) / 2, dtype=x.dtype))))
    moves = torch.maximum(x, 1 - x).clamp(max=eps)
    return (1 - torch.cos(torch.pi / 2 * moves).square().prod(1)).clamp(min=0).sqrt()


def _prefixes(x: Tensor, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """A = x·y and B = ‖y‖² with the first 0, 1 … d pixels raised, shape (N, d + 1)."""
    total = low + high
    # A pixel that adds nothing to A is raised first; ties are broken by size, the largest first, for a fine end.
    ratio = torch.where(total > 0, x / total.clamp(min=torch.finfo(x.dtype).tiny), torch.zeros_like(x))
    order = torch.argsort(x, dim=1, descending=True, stable=True)
    order = order.gather(1, torch.argsort(ratio.gather(1, order).round(decimals=12), dim=1, stable=True))
    zero = x.new_zeros(len(x), 1)
    across = torch.cat([zero, (x * (high - low)).gather(1, order).cumsum(1)], 1) + (x * low).sum(1, keepdim=True)
    ahead = torch.cat([zero, (high**2 - low**2).gather(1, order).cumsum(1)], 1) + low.square().sum(1, keepdim=True)
    return across, ahead


def _between(across: Tensor, ahead: Tensor) -> tuple[Tensor, Tensor]:
    """(A, B) of the least A/√B on the line from each prefix to the next, shape (N, d)."""
    first, second = across[:, :-1], ahead[:, :-1]
    a, b = across.diff(dim=1), ahead.diff(dim=1)
    # The derivative of (A + ta)/√(B + tb) is zero where a(B + tb) = b(A + ta)/2.
    place = (b * first / 2 - a * second) / (a * b / 2).clamp(min=torch.finfo(a.dtype).tiny)
    place = place.nan_to_num().clamp(0, 1)
    return first + place * a, second + place * b


def _sine(across: Tensor, ahead: Tensor, lengths: Tensor) -> Tensor:
    """The trace distance; 1 where the states can be made orthogonal, 0 for a black image, which has no state."""
    cosine = (across / (lengths * ahead.clamp(min=torch.finfo(ahead.dtype).tiny).sqrt())).clamp(0, 1)
    return torch.where(ahead > 0, (1 - cosine.square()).clamp(min=0).sqrt(), torch.zeros_like(cosine))
