"""What uncertainty is worth: rows of a table, and paired differences from the first model at its temperature."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.artifacts import Row
from qaml_qiskit.confidence import Uncertainty
from qaml_qiskit.evaluation import (
    auroc,
    bin_error_figure,
    bootstrap_difference,
    calibration_figures,
    label_losses,
    mean_figure,
    ranking_figure,
)
from qaml_qiskit.evaluation.calibration import BINS, equal_width

#: The row of the first model alone, at its temperature.
ALONE = "temperature"
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class FamilyUncertainty:
    """What a family is unsure about.

    Attributes:
        name: of the family; :data:`ALONE` for the first model.
        members: K.
        temperatures: of the members.
        prior: λ of a Laplace approximation; None where there is none.
        found: of the test images.
        anomalies: of images that are none of the data, by name.
    """

    name: str
    members: int
    temperatures: tuple[float, ...]
    prior: float | None
    found: Uncertainty
    anomalies: Mapping[str, Uncertainty] = field(default_factory=dict)

    def row(self, labels: NDArray[np.int64], shots: int | None, seed: int) -> Row:
        """Figures for images with these labels, shape (N,)."""
        found = self.found
        figures = calibration_figures(found.probabilities, labels, seed=seed)
        row: Row = {
            "source": self.name,
            "members": self.members,
            "images": len(labels),
            "shots": shots,
            "temperature": float(np.mean(self.temperatures)),
            "prior": self.prior,
            "accuracy": figures.accuracy.value,
            "interval": list(figures.accuracy.interval),
            **figures.row(),
            "predictive_entropy": float(found.total.mean()),
            "expected_entropy": float(found.expected.mean()),
            "model_part": float(found.model.mean()),
            "shot_part": float(found.shots.mean()),
        }
        wrong = found.probabilities.argmax(axis=1) != labels
        for name, scores in scores_of(found).items():
            row |= _told_apart(f"auroc_{name}", scores[~wrong], scores[wrong])
        return row

    def anomaly_rows(self) -> Iterator[Row]:
        """How well each score tells images that are none of the data from those that are."""
        own = scores_of(self.found)
        for name, found in self.anomalies.items():
            row: Row = {
                "source": self.name,
                "anomaly": name,
                "images": len(found.probabilities),
                "predictive_entropy": float(found.total.mean()),
                "expected_entropy": float(found.expected.mean()),
                "model_part": float(found.model.mean()),
                "shot_part": float(found.shots.mean()),
            }
            for score, scores in scores_of(found).items():
                row |= _told_apart(f"auroc_{score}", own[score], scores)
            yield row


def scores_of(found: Uncertainty) -> dict[str, Scores]:
    """Scores of images, the higher the more suspicious: doubt by the highest probability, and both entropies."""
    return {
        "confidence": 1 - found.probabilities.max(axis=1),
        "entropy": found.total,
        "mutual_information": found.mutual_information,
    }


def uncertainty_gains(
    alone: FamilyUncertainty, family: FamilyUncertainty, labels: NDArray[np.int64], seed: int
) -> Iterator[Row]:
    """Paired differences of a family from the first model at its temperature, on the same images.

    A row a figure. ``auroc…``: of telling which labels of the first model are wrong, by a score of the family, less
    that by the first model's own highest probability.

    Args:
        alone: the first model.
        family: another.
        labels: of the images, shape (N,).
        seed: of the bootstrap.
    """
    p, before = family.found.probabilities, alone.found.probabilities
    right, right_before = p.argmax(axis=1) == labels, before.argmax(axis=1) == labels
    pairs = {
        "accuracy": (mean_figure(right), mean_figure(right_before)),
        "nll": tuple(mean_figure(label_losses(each, labels)) for each in (p, before)),
        "ece": tuple(
            bin_error_figure(each.max(axis=1), good, equal_width(each.max(axis=1), BINS))
            for each, good in ((p, right), (before, right_before))
        ),
    }
    own = ranking_figure(scores_of(alone.found)["confidence"], ~right_before)
    for name, scores in scores_of(family.found).items():
        pairs[f"auroc_{name}"] = (ranking_figure(scores, ~right_before), own)
    for name, (mine, its) in pairs.items():
        difference, interval = bootstrap_difference(mine, its, len(labels), seed=seed)
        yield {
            "source": family.name,
            "figure": name,
            "difference": difference,
            "interval": None if interval is None else list(interval),
            "better": _verdict(interval, higher=name not in ("nll", "ece")),
        }


def _told_apart(column: str, clean: Scores, suspicious: Scores) -> Row:
    """AUROC and its interval; nothing where one of both kinds is missing, as where every label is right."""
    if not len(clean) or not len(suspicious):
        return {column: None, f"{column}_interval": None}
    value, interval = auroc(clean, suspicious)
    return {column: value, f"{column}_interval": list(interval)}


def _verdict(interval: tuple[float, float] | None, *, higher: bool) -> str | None:
    """Whether the difference is clear of chance: better, worse, or no measurable difference."""
    if interval is None:
        return None
    low, high = interval if higher else (-interval[1], -interval[0])
    return "yes" if low > 0 else "no, worse" if high < 0 else "not measurably"
