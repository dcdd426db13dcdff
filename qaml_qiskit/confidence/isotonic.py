"""Isotonic recalibration: of every class a rising staircase of its probability (Zadrozny & Elkan 2002)."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.confidence.probabilities import Floats
from qaml_qiskit.confidence.recalibration import Recalibration
from qaml_qiskit.confidence.temperature import Temperature


class Isotonic(Recalibration):
    """One class against the others, and the results divided by their sum.

    Of each class k a rising function f_k of its probability p_k at the fitted temperature, linear between knots, says
    how often an image of the kind is of that class. Where it says never or always, an image may still come that is
    not: n images of validation are put beside one for which p itself is right, (n f_k + p_k)/(n + 1). So no
    probability is 0 unless p is, and the sum that divides them is at least 1/(n + 1).

    Attributes:
        temperature: T of p = softmax(z/T).
        knots: of each class the p_k at which f_k is known, rising.
        levels: f_k there, from 0 to 1.
    """

    least_images: ClassVar[int] = 10

    temperature: Temperature
    knots: tuple[tuple[float, ...], ...]
    levels: tuple[tuple[float, ...], ...]

    def probabilities(self, logits: Floats) -> NDArray[np.float64]:
        """Shape (N, m), from logits of that shape."""
        scaled = self.temperature.probabilities(logits)
        columns = zip(scaled.T, self.knots, self.levels, strict=True)
        steps = np.stack([np.interp(p, knots, levels) for p, knots, levels in columns], axis=1)
        mixed = (self.images * steps + scaled) / (self.images + 1)
        return mixed / mixed.sum(axis=1, keepdims=True)

    @classmethod
    def _fitted(cls, logits: NDArray[np.float64], labels: NDArray[np.int64]) -> "Isotonic":
        from sklearn.isotonic import IsotonicRegression

        temperature = Temperature.fit(logits, labels)
        knots, levels = [], []
        for number, p in enumerate(temperature.probabilities(logits).T):
            found = IsotonicRegression(y_min=0, y_max=1).fit(p, labels == number)
            knots.append(tuple(found.X_thresholds_.tolist()))
            levels.append(tuple(found.y_thresholds_.tolist()))
        return cls(images=len(labels), temperature=temperature, knots=tuple(knots), levels=tuple(levels))
