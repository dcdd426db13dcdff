"""How often prediction sets hold the label, and how large they are: of clean images, and of attacked ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qaml_qiskit.artifacts import ARRAYS, HERE, Bar, Pool, Row, Run
from qaml_qiskit.certificates import LabelDistances, l2_descent, moved_out
from qaml_qiskit.confidence import coverage_interval, set_figures
from qaml_qiskit.deployments import Batch
from qaml_qiskit.evaluation import Proportion
from qaml_qiskit.formats import Arrays
from qaml_qiskit.progress import Advance, Progress
from qaml_qiskit.studies.conforming import ConformalPredictor, ConformityScorer, Floats, pixels_of
from qaml_qiskit.studies.conformity import ROBUST_SCORES, ConformityScore

#: Images between two files: what a kill can lose.
CHUNK = 250


@dataclass(frozen=True, eq=False)
class ScoringLabels:
    """Scores of validation images for their own labels: a work for :meth:`~qaml_qiskit.artifacts.Run.map`."""

    scorer: ConformityScorer
    scores: Sequence[ConformityScore]
    batch: Batch

    def __call__(self, chunk: slice, advance: Advance) -> Arrays:
        """Those of a slice."""
        if set(self.scores) & set(ROBUST_SCORES):
            self.scorer.deployment.decisions(advance).all_spectra()
        return self.scorer.of_labels(self.scores, self.batch.at(np.arange(chunk.start, chunk.stop)))


@dataclass(frozen=True, eq=False)
class Covering:
    """What the sets of some predictors hold, clean and attacked: a work for :meth:`~qaml_qiskit.artifacts.Run.map`.

    An attacker at a distance of r knows the predictor. It moves the image by r along the normal of the boundary that
    decides about the label, which lowers the score by r, with pixels beyond [0, 1] if need be; and it makes the label's
    margin small by PGD with pixels in [0, 1]. Scores of probabilities see the second one.
    """

    predictors: Sequence[ConformalPredictor]
    batch: Batch
    radii: Sequence[float]

    def __call__(self, chunk: slice, advance: Advance) -> Arrays:
        """Of a slice: ``needed0`` … of each predictor, shape (N, m), and ``attacked0`` …, shape (radii above 0, N)."""
        batch = self.batch.at(np.arange(chunk.start, chunk.stop))
        if self._robust:
            self.predictors[0].scorer.deployment.decisions(advance).all_spectra()
        found = {f"needed{i}": each.needed(batch.images) for i, each in enumerate(self.predictors)}
        strengths = [radius for radius in self.radii if radius > 0]
        # Predictors whose boundaries are the same meet the same images.
        boundaries = (
            {each.boundary: each.label_distances(batch.images, batch.labels) for each in self._robust}
            if strengths
            else {}
        )
        held = [self._held(batch, boundaries, radius) for radius in strengths]
        for i in range(len(self.predictors)):
            found[f"attacked{i}"] = np.array([each[i] for each in held], dtype=bool).reshape(-1, len(batch))
        return found

    @property
    def _robust(self) -> list[ConformalPredictor]:
        return [each for each in self.predictors if each.is_robust]

    def _held(
        self, batch: Batch, boundaries: Mapping[tuple[float, ...], LabelDistances], radius: float
    ) -> list[NDArray[np.bool_]]:
        """For every predictor, whether the label stays in the set under every attack, shape (N,)."""
        pixels = pixels_of(batch.images)
        forms = self.predictors[0].scorer.forms
        in_box = _as_images(l2_descent(forms, pixels, batch.labels, radius), batch.images)
        moved = {key: _as_images(moved_out(pixels, found, radius), batch.images) for key, found in boundaries.items()}
        return [
            np.all(
                [
                    each.needed_by(images, batch.labels) <= radius
                    for images in ([in_box, moved[each.boundary]] if each.is_robust else [in_box])
                ],
                axis=0,
            )
            for each in self.predictors
        ]


def score_labels(
    run: Run,
    scorer: ConformityScorer,
    scores: Sequence[ConformityScore],
    batch: Batch,
    progress: Progress,
    pool: Pool = HERE,
) -> dict[str, Floats]:
    """What thresholds are made of, kept in the run below ``validation/``.

    Args:
        run: keeps it.
        scorer: of the deployment.
        scores: that predictors are wanted for.
        batch: the validation images.
        progress: told about every chunk.
        pool: where it is computed.
    """
    chunks, bar = _chunks("validation", len(batch), progress, "scoring validation images")
    found = run.map(chunks, ScoringLabels(scorer, scores, batch), ARRAYS, bar=bar, pool=pool)
    return _joined(list(found.values()), axis=0)


def cover(
    run: Run,
    predictors: Sequence[ConformalPredictor],
    batch: Batch,
    radii: Sequence[float],
    progress: Progress,
    pool: Pool = HERE,
) -> Arrays:
    """What :class:`Covering` finds of all images, kept in the run below ``chunks/``."""
    chunks, bar = _chunks("chunks", len(batch), progress, "forming sets")
    parts = list(run.map(chunks, Covering(predictors, batch, radii), ARRAYS, bar=bar, pool=pool).values())
    needed = _joined([{k: v for k, v in part.items() if k.startswith("needed")} for part in parts], axis=0)
    attacked = _joined([{k: v for k, v in part.items() if k.startswith("attacked")} for part in parts], axis=1)
    return needed | attacked


def coverage_rows(
    predictors: Sequence[ConformalPredictor],
    found: Arrays,
    labels: NDArray[np.int64],
    radii: Sequence[float],
    *,
    by_class: bool = False,
) -> list[Row]:
    """A row for every predictor and radius."""
    strengths = [radius for radius in radii if radius > 0]
    rows: list[Row] = []
    for i, each in enumerate(predictors):
        for radius in radii:
            figures = set_figures(found[f"needed{i}"] <= radius, labels)
            held = found[f"attacked{i}"][strengths.index(radius)] if radius > 0 else None
            attacked = figures.coverage if held is None else Proportion(int(held.sum()), len(held))
            expected = None if by_class else list(coverage_interval(each.validation, len(labels), each.alpha))
            rows.append(
                {
                    "alpha": each.alpha,
                    "score": each.score,
                    "radius": radius,
                    "guaranteed": 1 - each.alpha if radius == 0 or each.is_robust else None,
                    "coverage": figures.coverage.value,
                    "interval": list(figures.coverage.interval),
                    "expected": expected,
                    "attacked_coverage": attacked.value,
                    "attacked_interval": list(attacked.interval),
                    "mean_size": figures.mean_size,
                    "singletons": figures.singletons,
                    "empty": figures.empty,
                    "lowest_of_a_class": figures.least_of_a_class,
                    "images": len(labels),
                    "validation": each.validation,
                }
            )
    return rows


def set_rows(
    predictors: Sequence[ConformalPredictor], found: Arrays, batch: Batch, radii: Sequence[float]
) -> list[Row]:
    """A row an image: its label, and the classes of its set by every predictor at every radius."""
    names = {
        f"{each.score}_alpha{each.alpha:g}_radius{radius:g}": found[f"needed{i}"] <= radius
        for i, each in enumerate(predictors)
        for radius in radii
    }
    return [
        {"index": index, "label": label}
        | {name: " ".join(map(str, np.flatnonzero(sets[row]))) for name, sets in names.items()}
        for row, (index, label) in enumerate(zip(batch.indices.tolist(), batch.labels.tolist(), strict=True))
    ]


def _chunks(folder: str, images: int, progress: Progress, description: str) -> tuple[dict[str, slice], Bar]:
    chunks = {f"{folder}/{start:06d}": slice(start, min(start + CHUNK, images)) for start in range(0, images, CHUNK)}
    told = {key: f"images {chunk.start} to {chunk.stop - 1}" for key, chunk in chunks.items()}
    return chunks, Bar(progress, description, told, {key: chunk.stop - chunk.start for key, chunk in chunks.items()})


def _joined(parts: Sequence[Arrays], axis: int) -> Arrays:
    return {name: np.concatenate([part[name] for part in parts], axis) for name in parts[0]}


def _as_images(pixels: Floats, like: Tensor) -> Tensor:
    """In double precision: rounding to single would move an image that lies at the radius."""
    return torch.from_numpy(pixels).reshape(like.shape)
