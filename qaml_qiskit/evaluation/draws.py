"""Averages of products of Z over draws of what is random in a circuit or an image."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.evaluation.estimates import Estimates, factors
from qaml_qiskit.evaluation.head import LinearHead
from qaml_qiskit.evaluation.proportions import Z_95

Floats = NDArray[np.floating]


def by_draw(values: Floats, draws: int) -> Floats:
    """Rows of images and their draws, shape (N·J, …), as an array of shape (N, J, …)."""
    return values.reshape(-1, draws, *values.shape[1:])


def averaged_draws(found: Estimates, draws: int) -> Estimates:
    """The means over the draws of every image.

    Their covariance is that of other shots and other draws: the shots' over J, and the spread between draws over J, of
    which that between all images' draws is taken, less what the shots explain of it. Calibration is shared by all.

    Args:
        found: of N·J rows, the draws of an image one behind the other.
        draws: J, at least 2.
    """
    shots = by_draw(found.covariance, draws).mean(axis=1)
    numerators = by_draw(found.values, draws)
    if found.correction is not None:
        numerators = numerators * found.correction.contrast
    centred = numerators - numerators.mean(axis=1, keepdims=True)
    spread = np.einsum("njs,njt->st", centred, centred) / (len(centred) * (draws - 1))
    between = factors((spread - shots.mean(axis=0))[None])
    covariance = (shots + between @ between.transpose(0, 2, 1)) / draws
    correction = found.correction
    if correction is not None and len(correction.partials) > 1:
        correction = replace(correction, partials=by_draw(correction.partials, draws).mean(axis=1))
    return Estimates(by_draw(found.values, draws).mean(axis=1), covariance, correction)


def vote_shares(values: Floats, head: LinearHead) -> NDArray[np.float64]:
    """The share of its draws that vote for each class, shape (N, m), of ⟨P_s⟩ of shape (N, J, S)."""
    logits = head.logits(values.reshape(-1, values.shape[-1]))
    votes = np.eye(logits.shape[1])[logits.argmax(axis=1)]
    shares: NDArray[np.float64] = by_draw(votes, values.shape[1]).mean(axis=1)
    return shares


def undecided_votes(shares: Floats, draws: int) -> int:
    """How many votes other draws may well turn: the lead is within 1.96 of its standard error."""
    second, first = np.sort(shares, axis=1)[:, -2:].T
    error = np.sqrt((first + second - (first - second) ** 2) / draws)
    return int((first - second < Z_95 * error).sum())
