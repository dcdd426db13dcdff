"""Probabilities of classes from logits, and how sure these are when the logits were measured."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax as _softmax

Floats = NDArray[np.floating]


def softmax(logits: Floats, temperature: float = 1.0) -> NDArray[np.float64]:
    """exp(z_k/T) / Σ_j exp(z_j/T), shape (N, m), in double precision.

    Args:
        logits: z, shape (N, m).
        temperature: T > 0. The scale of logits means nothing until it is fitted: see :func:`.fit_temperature`.
    """
    found: NDArray[np.float64] = _softmax(np.asarray(logits, dtype=np.float64) / temperature, axis=1)
    return found


def probability_errors(
    probabilities: NDArray[np.float64], covariance: Floats, temperature: float
) -> NDArray[np.float64]:
    """Standard errors of probabilities whose logits were measured, to first order, shape (N, m).

    ∂p_j/∂z_k = p_j(δ_jk − p_k)/T.

    Args:
        probabilities: p, shape (N, m).
        covariance: of the logits, shape (N, m, m).
        temperature: T.
    """
    identity = np.eye(probabilities.shape[1])
    slopes = probabilities[:, :, None] * (identity - probabilities[:, None, :]) / temperature
    variance = np.einsum("njk,nkl,njl->nj", slopes, covariance, slopes)
    return np.sqrt(np.maximum(variance, 0))
