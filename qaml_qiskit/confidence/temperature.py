"""The temperature at which logits become probabilities, fitted to images that were set aside (Guo et al. 2017)."""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.optimize import brentq

from qaml_qiskit.confidence.probabilities import Floats, softmax
from qaml_qiskit.confidence.recalibration import Recalibration

#: Inverse temperatures that are tried, in units of one over the spread of the logits.
_LEAST, _MOST = 1e-4, 1e4
#: Of the inverse temperature's logarithm.
_PRECISION = 1e-10


class Temperature(Recalibration):
    """T of softmax(z/T).

    Attributes:
        value: T, above zero, in units of the logits.
        condition: what the model was under then, as it is written behind an ``@``; empty for nothing.
    """

    value: Annotated[float, Field(gt=0)]
    condition: Annotated[str, Field(exclude_if=lambda condition: not condition)] = ""

    def probabilities(self, logits: Floats) -> NDArray[np.float64]:
        """Shape (N, m), from logits of that shape."""
        return softmax(logits, self.value)

    @classmethod
    def _fitted(cls, logits: NDArray[np.float64], labels: NDArray[np.int64]) -> "Temperature":
        centred = logits - logits.mean(axis=1, keepdims=True)
        spread = float(centred.std()) or 1.0
        scaled = centred / spread
        of_label = scaled[np.arange(len(labels)), labels]

        def slope(log_inverse: float, unlabelled: float = 0.0) -> float:
            expected = (softmax(scaled, float(np.exp(-log_inverse))) * scaled).sum(axis=1)
            return float((of_label - (1 + unlabelled) * expected).mean())

        low, high = float(np.log(_LEAST)), float(np.log(_MOST))
        if slope(low) <= 0:
            found = low
        else:
            unlabelled = 1 / len(labels) if slope(high) >= 0 else 0.0
            found = brentq(slope, low, high, args=(unlabelled,), xtol=_PRECISION)
        return cls(value=spread * float(np.exp(-found)), images=len(labels))


def fit_temperature(logits: Floats, labels: NDArray[np.integer]) -> Temperature:
    """The temperature with the highest likelihood of the labels.

    The log-likelihood is concave in 1/T, with the derivative Σ(z_y − Σ_k p_k z_k), whose root is bracketed. Where all
    labels are right there is none: the likelihood grows as T falls. Then one image more, like these, of which the label
    says nothing, is taken along, so that few images make nobody certain. Where logits say nothing of the labels, T is
    the upper end of what is tried.

    Args:
        logits: shape (N, m), of images that the model did not learn from.
        labels: shape (N,).

    Raises:
        InputError: no image, logits that are not finite, or labels that are no classes.
    """
    return Temperature.fit(logits, labels)
