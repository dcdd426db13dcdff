"""What probabilities are worth that are made of logits in several ways."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.artifacts import Row
from qaml_qiskit.confidence import Recalibration, Temperature, softmax
from qaml_qiskit.evaluation import BINS, CalibrationFigures, calibration_figures, reliability

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class ProbabilityWay:
    """One way to make probabilities of logits.

    Attributes:
        stage: ``raw``, at a temperature of 1; ``trained``, at the one that belongs to the model's ideal logits; or
            ``recalibrated``, fitted to this condition.
        method: the name of a recalibration; none at a temperature of 1.
        recalibration: what was fitted; None at a temperature of 1.
    """

    stage: str
    method: str
    recalibration: Recalibration | None

    @property
    def name(self) -> str:
        """What a series of it is called."""
        return self.method if self.stage == "recalibrated" else self.stage

    @property
    def temperature(self) -> float | None:
        """T, where there is one."""
        if self.recalibration is None:
            return 1.0
        return self.recalibration.value if isinstance(self.recalibration, Temperature) else None

    def probabilities(self, logits: Floats) -> NDArray[np.float64]:
        """Shape (N, m)."""
        return softmax(logits) if self.recalibration is None else self.recalibration.probabilities(logits)


@dataclass(frozen=True)
class JudgedProbabilities:
    """Probabilities of a set of images that were made in one way.

    Attributes:
        way: how.
        probabilities: shape (N, m).
        figures: what they are worth.
        rows: of the reliability diagram, in bins of equal width and of equal numbers.
    """

    way: ProbabilityWay
    probabilities: NDArray[np.float64]
    figures: CalibrationFigures
    rows: Mapping[str, list[Row]]

    @classmethod
    def of(
        cls, way: ProbabilityWay, logits: Floats, labels: NDArray[np.int64], bins: int = BINS, seed: int = 0
    ) -> "JudgedProbabilities":
        """Judge the probabilities of N images.

        Args:
            way: how they are made.
            logits: shape (N, m).
            labels: shape (N,).
            bins: of the calibration errors.
            seed: of their intervals.
        """
        p = way.probabilities(logits)
        rows = {
            "equal width": reliability(p, labels, bins),
            "equal mass": reliability(p, labels, bins, adaptive=True),
        }
        return cls(way, p, calibration_figures(p, labels, bins=bins, seed=seed), rows)

    def row(self) -> Row:
        """Its figures, as a row of ``qaml calibrate`` without what the images are."""
        accuracy = self.figures.accuracy
        found: dict[str, Any] = {
            "images": accuracy.trials,
            "accuracy": accuracy.value,
            "interval": list(accuracy.interval),
            **self.figures.row(),
            "temperature": self.way.temperature,
        }
        return found
