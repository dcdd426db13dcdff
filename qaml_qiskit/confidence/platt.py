"""Platt scaling for several classes: a slope and an offset for the logit of each (vector scaling, Guo et al. 2017)."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax

from qaml_qiskit.confidence.probabilities import Floats, softmax
from qaml_qiskit.confidence.recalibration import Recalibration
from qaml_qiskit.confidence.temperature import Temperature


class Platt(Recalibration):
    """softmax(a_k z_k + b_k), with a slope and an offset a class.

    Platt's sigmoid of one score (1999) is the case of two classes; of his forms for more this is the one whose
    probabilities add up to one by themselves (vector scaling: matrix scaling with nothing beside the diagonal). The
    slopes are not bound to be equal, so that it can change which class is the most probable.

    Attributes:
        slopes: a_k, in units of one over the logits.
        offsets: b_k.
    """

    least_images: ClassVar[int] = 10

    slopes: tuple[float, ...]
    offsets: tuple[float, ...]

    def probabilities(self, logits: Floats) -> NDArray[np.float64]:
        """Shape (N, m), from logits of that shape."""
        return softmax(np.asarray(logits, dtype=np.float64) * np.array(self.slopes) + np.array(self.offsets))

    @classmethod
    def _fitted(cls, logits: NDArray[np.float64], labels: NDArray[np.int64]) -> "Platt":
        """The most probable one where a_k·T is taken as normal around 1 and b_k around 0, both of unit width.

        T is the fitted temperature. So there is exactly one for any images, a class that no image is of included, and
        few images leave it near temperature scaling. The problem is convex.
        """
        temperature = Temperature.fit(logits, labels).value
        scaled = logits / temperature
        count, classes = scaled.shape
        rows, centre = np.arange(count), np.repeat((1.0, 0.0), classes)
        wanted = np.zeros_like(scaled)
        wanted[rows, labels] = 1

        def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            slopes, offsets = np.split(parameters, 2)
            logs = log_softmax(scaled * slopes + offsets, axis=1)
            excess = np.exp(logs) - wanted
            away = parameters - centre
            value = float(-logs[rows, labels].sum() + (away**2).sum() / 2)
            gradient = np.concatenate([(excess * scaled).sum(axis=0), excess.sum(axis=0)]) + away
            return value / count, gradient / count

        found = minimize(loss, centre, jac=True, method="L-BFGS-B", options={"maxiter": 1000, "ftol": 1e-14})
        slopes, offsets = np.split(found.x, 2)
        return cls(images=count, slopes=tuple((slopes / temperature).tolist()), offsets=tuple(offsets.tolist()))
