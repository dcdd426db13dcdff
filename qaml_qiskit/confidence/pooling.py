"""One temperature for several models whose probabilities are averaged, fitted behind the average."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from qaml_qiskit.confidence.probabilities import Floats, softmax
from qaml_qiskit.errors import InputError
from qaml_qiskit.evaluation import label_losses
from qaml_qiskit.labels import check_labels

#: Factors that are tried lie between one over this and this; first so many of them, since the likelihood of a mean may
#: have several tops.
_MOST, _TRIED = 1e4, 41
#: Of the factor's logarithm.
_PRECISION = 1e-6


def fit_pooled_temperature(
    logits: Floats | Sequence[Floats], labels: NDArray[np.integer], temperatures: Sequence[float]
) -> float:
    """By which factor the temperatures of members must change so that the mean of their probabilities is honest.

    The mean of members that are each calibrated is less sure than it could be, because their errors are not the same
    (Rahaman & Thiery 2021, 2007.08792): so the temperature is fitted to the mean, once more. The factor has the highest
    likelihood of the labels. Where all are right there is none, as for :func:`.fit_temperature`, and as there one image
    more is taken along, like these, of which the label says nothing.

    Args:
        logits: of K members, shape (K, N, m), of images that no member learned from.
        labels: shape (N,).
        temperatures: of the members, K of them.

    Raises:
        InputError: shapes that do not fit, logits that are not finite, or labels that are no classes.
    """
    values = np.asarray(logits, dtype=np.float64)
    if values.ndim != 3 or not values.size or len(values) != len(temperatures) or not np.isfinite(values).all():
        raise InputError(
            "no temperature fits these members",
            got=f"logits of shape {values.shape} and {len(temperatures)} temperatures",
            expected="finite logits of shape (K, N, m) for K temperatures",
            remedy="give the logits of validation images, and the temperature of every member",
        )
    classes = check_labels(labels, *values.shape[1:])

    def loss(log_factor: float, unlabelled: float = 0.0) -> float:
        said = _pooled(values, [t * np.exp(log_factor) for t in temperatures])
        any_label = -np.log(np.maximum(said, np.finfo(np.float64).tiny)).mean() if unlabelled else 0.0
        return float(label_losses(said, classes).mean() + unlabelled * any_label)

    tried = np.linspace(-np.log(_MOST), np.log(_MOST), _TRIED)
    best, unlabelled = int(np.argmin([loss(each) for each in tried])), 0.0
    if best == 0:
        unlabelled = 1 / len(classes)
        best = int(np.argmin([loss(each, unlabelled) for each in tried]))
    bounds = tried[max(best - 1, 0)], tried[min(best + 1, _TRIED - 1)]
    found = minimize_scalar(loss, args=(unlabelled,), bounds=bounds, method="bounded", options={"xatol": _PRECISION})
    return float(np.exp(found.x))


def _pooled(logits: Floats, temperatures: Sequence[float]) -> NDArray[np.float64]:
    """The mean of members' probabilities, shape (N, m), from logits of shape (K, N, m)."""
    said: NDArray[np.float64] = np.mean([softmax(z, t) for z, t in zip(logits, temperatures, strict=True)], axis=0)
    return said
