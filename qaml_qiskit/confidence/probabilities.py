"""Probabilities of classes from logits, and how sure these are when the logits were measured."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax as _softmax
from scipy.stats.qmc import MultivariateNormalQMC

from qaml_qiskit.evaluation.estimates import factors

Floats = NDArray[np.floating]
#: Measurements behind a standard error; a power of two.
_DRAWS = 256


def softmax(logits: Floats, temperature: float = 1.0) -> NDArray[np.float64]:
    """exp(z_k/T) / Σ_j exp(z_j/T), shape (N, m), in double precision.

    Args:
        logits: z, shape (N, m).
        temperature: T > 0. The scale of logits means nothing until it is fitted: see :func:`.fit_temperature`.
    """
    found: NDArray[np.float64] = _softmax(np.asarray(logits, dtype=np.float64) / temperature, axis=1)
    return found


def probability_errors(logits: Floats, covariance: Floats, temperature: float) -> NDArray[np.float64]:
    """Standard errors of probabilities whose logits were measured, shape (N, m).

    The standard deviation of the softmax over normal draws around the logits, the same for every image and call.
    Where the errors of the logits are small beside T that is the first order, Σ_kl ∂p_j/∂z_k C_kl ∂p_j/∂z_l with
    ∂p_j/∂z_k = p_j(δ_jk − p_k)/T; where they are not, the first order says far too much of probabilities in the middle
    and too little of those near 0 and 1.

    Args:
        logits: z, shape (N, m).
        covariance: of the logits, shape (N, m, m).
        temperature: T.
    """
    centre, spread = np.asarray(logits, dtype=np.float64), factors(covariance)
    total, squares = np.zeros(centre.shape), np.zeros(centre.shape)
    reference = softmax(centre, temperature)
    for draw in _normal(centre.shape[1]):
        moved = softmax(centre + spread @ draw, temperature) - reference
        total += moved
        squares += moved**2
    found: NDArray[np.float64] = np.sqrt(np.maximum(squares - total**2 / _DRAWS, 0) / _DRAWS)
    return found


@cache
def _normal(size: int) -> NDArray[np.float64]:
    """Points of a normal distribution, shape (_DRAWS, size), that fill it more evenly than random ones."""
    found: NDArray[np.float64] = MultivariateNormalQMC(np.zeros(size), seed=0).random(_DRAWS)
    return found
