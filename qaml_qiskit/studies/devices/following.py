"""Exact forecasts of what one part's stronger errors would do, for the parts that explain a difference best."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from qaml_qiskit.artifacts.codecs import ARRAYS
from qaml_qiskit.artifacts.fingerprints import digest
from qaml_qiskit.artifacts.mapping import Bar, Pool
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.evaluation import ExpectedAverages, SourceFit, follow_source
from qaml_qiskit.formats import Arrays
from qaml_qiskit.progress import Advance, Progress
from qaml_qiskit.studies.devices.tile_forecasts import Tile, scaled_averages

Floats = NDArray[np.floating]
Gate = tuple[str, tuple[int, ...]]


@dataclass(frozen=True, eq=False)
class Candidate:
    """Errors that may be stronger than calibrated.

    Attributes:
        gates: a tile, and names and physical qubits of its gates; None for all gates of all tiles.
        signature: derivative of the averages of all images by their scale, shape (N, S).
    """

    gates: tuple[int, tuple[Gate, ...]] | None
    signature: Floats


def follow_candidates(
    candidates: Mapping[int, Candidate],
    tiles: Mapping[int, tuple[Tile, NDArray[np.int64], ExpectedAverages]],
    residuals: Floats,
    run: Run,
    progress: Progress,
    pool: Pool,
) -> dict[int, SourceFit]:
    """How well each candidate explains the difference at the scale that explains it best, by exact forecasts.

    Args:
        candidates: by number.
        tiles: each with the places of its images, and what was expected of all of them.
        residuals: measured minus expected of the images of all tiles in turn, shape (N, S).
        run: keeps each candidate's fit.
        progress: told about every candidate.
        pool: where they are fitted.
    """
    follow = _Following(
        {number: tile for number, (tile, _, _) in tiles.items()},
        {number: rows for number, (_, rows, _) in tiles.items()},
        ExpectedAverages.joined([expected.images(rows) for _, rows, expected in tiles.values()]),
        residuals,
    )
    tasks = {}
    for number, each in candidates.items():
        seen = torch.from_numpy(np.ascontiguousarray(np.stack([residuals, each.signature])))
        tasks[f"promise/part-{number if number >= 0 else 'all'}-{digest(seen)}"] = each
    bar = Bar(progress, "following the errors", {key: "a part" for key in tasks}, dict.fromkeys(tasks, 1))
    found = run.map(tasks, follow, ARRAYS, bar=bar, pool=pool)
    fits = (SourceFit(*(float(kept[name]) for name in ("gain", "scale", "error"))) for kept in found.values())
    return dict(zip(candidates, fits, strict=True))


@dataclass(frozen=True, eq=False)
class _Following:
    """Fits one candidate."""

    tiles: Mapping[int, Tile]
    places: Mapping[int, NDArray[np.int64]]
    expected: ExpectedAverages
    residuals: Floats

    def __call__(self, candidate: Candidate, advance: Advance) -> Arrays:
        difference, signature = (self.expected.whitened(x).ravel() for x in (self.residuals, candidate.signature))
        found = follow_source(difference, signature, partial(self._moved, candidate))
        advance(1)
        return {name: np.array(getattr(found, name)) for name in ("gain", "scale", "error")}

    def _moved(self, candidate: Candidate, scale: float) -> Floats:
        """What a scale of the candidate's errors changes, in units of the shots' errors."""
        moved, first = np.zeros_like(self.residuals), 0
        for number, tile in self.tiles.items():
            rows = self.places[number]
            here = slice(first, first + len(rows))
            first += len(rows)
            if candidate.gates is None or candidate.gates[0] == number:
                gates = None if candidate.gates is None else candidate.gates[1]
                averages = scaled_averages(tile, tile.values[rows], scale, gates)
                moved[here] = averages - self.expected.values[here]
        found: Floats = self.expected.whitened(moved).ravel()
        return found
