"""The temperature at which logits become probabilities, fitted to images that were set aside (Guo et al. 2017)."""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy.optimize import brentq

from qaml_qiskit.confidence.probabilities import Floats, softmax
from qaml_qiskit.errors import InputError
from qaml_qiskit.labels import check_labels

#: Inverse temperatures that are tried, in units of one over the spread of the logits.
_LEAST, _MOST = 1e-4, 1e4
#: Of the inverse temperature's logarithm.
_PRECISION = 1e-10


class Temperature(BaseModel):
    """T of softmax(z/T).

    Attributes:
        value: T, above zero, in units of the logits.
        images: how many it was fitted to.
        condition: what the model was under then, as it is written behind an ``@``; empty for nothing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    value: Annotated[float, Field(gt=0)]
    images: Annotated[int, Field(ge=1)]
    condition: Annotated[str, Field(exclude_if=lambda condition: not condition)] = ""

    def probabilities(self, logits: Floats) -> NDArray[np.float64]:
        """Shape (N, m), from logits of that shape."""
        return softmax(logits, self.value)


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
    values = np.asarray(logits, dtype=np.float64)
    if values.ndim != 2 or not values.size or not np.isfinite(values).all():
        raise InputError(
            "no temperature fits these logits",
            got=f"shape {values.shape}" + ("" if np.isfinite(values).all() else " with numbers that are not finite"),
            expected="finite logits of at least one image, shape (N, m)",
            remedy="give the logits of validation images",
        )
    classes = check_labels(labels, *values.shape)
    centred = values - values.mean(axis=1, keepdims=True)
    spread = float(centred.std()) or 1.0
    scaled = centred / spread
    of_label = scaled[np.arange(len(classes)), classes]

    def slope(log_inverse: float, unlabelled: float = 0.0) -> float:
        expected = (softmax(scaled, float(np.exp(-log_inverse))) * scaled).sum(axis=1)
        return float((of_label - (1 + unlabelled) * expected).mean())

    low, high = float(np.log(_LEAST)), float(np.log(_MOST))
    if slope(low) <= 0:
        found = low
    else:
        unlabelled = 1 / len(classes) if slope(high) >= 0 else 0.0
        found = brentq(slope, low, high, args=(unlabelled,), xtol=_PRECISION)
    return Temperature(value=spread * float(np.exp(-found)), images=len(classes))
