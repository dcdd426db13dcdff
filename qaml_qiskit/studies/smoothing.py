"""Randomised smoothing of a deployment: votes of noisy copies, a row an image, and what the rows come to."""

from typing import Any

import numpy as np
import torch

from qaml_qiskit.artifacts import HERE, JSON, Bar, Codec, Pool, Row, Run
from qaml_qiskit.certificates import (
    certify_l2,
    certify_smoothed,
    certify_smoothed_forms,
    votes_of,
)
from qaml_qiskit.deployments import Batch, Deployment
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.progress import Advance, Progress
from qaml_qiskit.seeds import derived_seed
from qaml_qiskit.studies.certifying import DISTANCES

#: Images smoothed between two files: what a kill can lose.
CHUNK = 25

ROWS: Codec[list[Row]] = JSON.of(lambda rows: {"rows": rows}, lambda content: content["rows"])


class SmoothedCertification:
    """Certifies slices of images by randomised smoothing: a work for :meth:`~qaml_qiskit.artifacts.Run.map`.

    The draws of an image depend on the seed and its number alone. Where the logits are quadratic forms, the exact
    radius of the base and the smoothed radius without draws stand beside what is sampled.

    Args:
        deployment: the base; any classifier.
        batch: the images, of which a task is a slice.
        sigma: of the noise on the pixels, which may leave [0, 1].
        samples: draws that bound the share of the label.
        selection: draws that choose it.
        failure: the probability with which a statement may be wrong.
        seed: of the draws.
    """

    def __init__(
        self,
        deployment: Deployment,
        batch: Batch,
        *,
        sigma: float,
        samples: int,
        selection: int = 100,
        failure: float = 0.001,
        seed: int = 0,
    ) -> None:
        self._deployment, self._batch, self._seed = deployment, batch, seed
        self._sigma, self._samples, self._selection, self._failure = sigma, samples, selection, failure
        try:
            deployment.check_forms()
            self._has_forms = True
        except ConfigurationError:
            self._has_forms = False

    def __call__(self, chunk: slice, advance: Advance) -> list[Row]:
        """Rows of the images of a slice with a first one."""
        images, labels = self._batch.images[chunk], self._batch.labels[chunk]
        votes = np.stack([self._votes(images[i], chunk.start + i) for i in range(len(images))])
        found = certify_smoothed(votes[:, 0], votes[:, 1], self._sigma, self._failure)
        right = found.predicted == labels
        columns: dict[str, Any] = {
            "index": np.arange(chunk.start, chunk.stop),
            "label": labels,
            "predicted": self._deployment.logits(images).argmax(1).numpy(),
            "smoothed": found.predicted,
            "share": found.share,
            "smoothed_radius": np.where(right, found.radius, 0.0),
        }
        if self._has_forms:
            decisions = self._deployment.decisions(advance)
            pixels = images.flatten(1).double().numpy()
            columns["smoothed_without_draws"] = certify_smoothed_forms(decisions, pixels, labels, self._sigma)
            columns["base_radius"] = certify_l2(decisions, pixels, labels).radius
        rows = [dict(zip(columns, map(_plain, values), strict=True)) for values in zip(*columns.values(), strict=True)]
        return [{**row, "smoothed": None if row["smoothed"] == -1 else row["smoothed"]} for row in rows]

    def _votes(self, image: torch.Tensor, number: int) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Votes for every class in the draws that choose and in those that bound, shape (2, m)."""
        generator = torch.Generator().manual_seed(derived_seed(self._seed, number))
        draws = self._selection + self._samples
        noise = torch.randn((draws, *image.shape), generator=generator, dtype=torch.float32)
        said = self._deployment.logits(image + self._sigma * noise).argmax(1).numpy()
        parts = said[: self._selection], said[self._selection :]
        return np.concatenate([votes_of(part[None], self._deployment.num_classes) for part in parts])


def smooth_batch(run: Run, work: SmoothedCertification, count: int, progress: Progress, pool: Pool = HERE) -> list[Row]:
    """The rows of all images, kept in the run chunk by chunk.

    Args:
        run: keeps them below ``chunks/``.
        work: certifies slices.
        count: of images.
        progress: told about every chunk.
        pool: where they are computed.
    """
    chunks = {f"chunks/{start:06d}": slice(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)}
    told = {key: f"images {chunk.start} to {chunk.stop - 1}" for key, chunk in chunks.items()}
    bar = Bar(progress, "smoothing", told, {key: chunk.stop - chunk.start for key, chunk in chunks.items()})
    return [row for rows in run.map(chunks, work, ROWS, bar=bar, pool=pool).values() for row in rows]


def smoothed_summary(rows: list[Row]) -> Row:
    """One row for all images; a median radius is over the images whose radius is above zero."""

    def median(name: str) -> float | None:
        found = [row[name] for row in rows if row.get(name)]
        return float(np.median(found)) if found else None

    return {
        "images": len(rows),
        "base_accuracy": _share([row["predicted"] == row["label"] for row in rows]),
        "smoothed_accuracy": _share([row["smoothed"] == row["label"] for row in rows]),
        "abstained": _share([row["smoothed"] is None for row in rows]),
        "median_smoothed_radius": median("smoothed_radius"),
        "median_smoothed_without_draws": median("smoothed_without_draws"),
        "median_base_radius": median("base_radius"),
    }


def smoothed_levels(rows: list[Row]) -> list[Row]:
    """The share of images that are right and certified at some l2 distances, by each way to certify."""
    names = {"smoothed": "smoothed_radius", "smoothed_without_draws": "smoothed_without_draws", "base": "base_radius"}
    known = {told: name for told, name in names.items() if name in rows[0]}
    return [
        {
            "distance": level,
            **{told: _share([row[name] is None or row[name] > level for row in rows]) for told, name in known.items()},
        }
        for level in DISTANCES
    ]


def _share(hits: list[bool]) -> float:
    return sum(hits) / len(hits)


def _plain(value: np.generic) -> object:
    """A number that JSON knows; None for an infinite radius."""
    number = value.item()
    return None if isinstance(number, float) and not np.isfinite(number) else number
