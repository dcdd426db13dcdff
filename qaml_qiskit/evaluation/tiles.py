"""Averages of images that were measured in several places of a chip, each with readout errors of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.errors import InputError
from qaml_qiskit.evaluation.estimates import Correction, Estimates

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class TiledEstimates(Estimates):
    """⟨P_s⟩ of N images from T tiles; of an image that several tiles measured, their mean. Made by :meth:`of`.

    Every figure that takes :class:`.Estimates` takes these: the shots of tiles are independent of each other, and all
    images of a tile share the errors of its calibration.

    Attributes:
        values: shape (N, S).
        covariance: of the values, by the images' own shots; shape (N, S, S).
        correction: None, since there is one a tile.
        parts: what each tile measured.
        places: where an image is among those of each tile, shape (N, T); −1 where the tile did not measure it.
    """

    parts: tuple[Estimates, ...] = ()
    places: NDArray[np.intp] = field(default_factory=lambda: np.zeros((0, 0), dtype=np.intp))

    @classmethod
    def of(cls, parts: Sequence[Estimates], images: Sequence[NDArray[np.integer]], count: int) -> "TiledEstimates":
        """What tiles measured, as one set of images.

        Every tile counts alike in the mean of an image. Weights by the variances that its shots show would depend on
        what these shots read, and bias the mean away from 0; those of the readout differ by little. What sets tiles
        apart is how far the noise of their gates damps them, which no variance shows.

        Args:
            parts: by tile, of those that measured something.
            images: which images these are, by tile, from 0 to ``count`` − 1, each once.
            count: N; every image was measured by a tile at least.
        """
        places = np.full((count, len(parts)), -1, dtype=np.intp)
        for tile, own in enumerate(images):
            places[own, tile] = np.arange(len(own))
        if not parts or (places < 0).all(axis=1).any():
            raise InputError(
                "the tiles did not measure every image",
                got=f"{int((places < 0).all(axis=1).sum())} of {count} images without a tile",
                expected="at least one tile for each",
                remedy="give the images that were measured alone",
            )
        found = cls(np.zeros(0), np.zeros(0), None, tuple(parts), places)
        values = found.mean([part.values for part in parts])
        return replace(found, values=values, covariance=found.mean([p.shot_covariance() for p in parts], power=2))

    def mean(self, arrays: Sequence[Floats], power: int = 1) -> Floats:
        """The mean over the tiles of each image: of something, or by ``power`` 2 of independent covariances.

        Args:
            arrays: of each tile, shape (its images, …).
            power: of the number of tiles that the sum is divided by.

        Returns:
            Shape (N, …).
        """
        total = np.zeros((len(self.places), *arrays[0].shape[1:]))
        for array, places in zip(arrays, self.places.T, strict=True):
            measured = places >= 0
            total[measured] += array[places[measured]]
        tiles = (self.places >= 0).sum(axis=1) ** power
        averaged: Floats = total / tiles.reshape(-1, *[1] * (total.ndim - 1))
        return averaged

    @property
    def is_corrected(self) -> bool:
        """See :attr:`.Estimates.is_corrected`."""
        return self.parts[0].is_corrected

    def shot_covariance(self) -> Floats:
        """See :meth:`.Estimates.shot_covariance`."""
        return self.covariance

    def whole_covariance(self) -> Floats:
        """See :meth:`.Estimates.whole_covariance`; tiles were calibrated by bits of their own."""
        return self.mean([part.whole_covariance() for part in self.parts], power=2)

    def images(self, rows: NDArray[np.integer]) -> "TiledEstimates":
        """Those of some images."""
        return replace(self, values=self.values[rows], covariance=self.covariance[rows], places=self.places[rows])

    def calibrations(
        self, generator: np.random.Generator, count: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """As :meth:`.Estimates.calibrations`, of every tile: shapes (count, T, n) and (count, T, S)."""
        offsets, scales = zip(*(part.calibrations(generator, count) for part in self.parts), strict=True)
        return np.stack(offsets, axis=1), np.stack(scales, axis=1)

    def corrected(self, read: Floats, offset: NDArray[np.float64], scale: NDArray[np.float64]) -> Floats:
        """Values as they are by other calibrations of the tiles.

        Args:
            read: the values, with other errors of the shots, shape (N, S).
            offset: of the qubits of each tile, shape (T, n).
            scale: of the products, shape (T, S).
        """
        if not self.is_corrected:
            return read
        errors, total = read - self.values, np.zeros_like(read)
        for tile, part in enumerate(self.parts):
            measured = self.places[:, tile] >= 0
            own = self.places[measured, tile]
            correction = _correction(part).images(own)
            moved = correction.read(part.values[own] + errors[measured]) - correction.shift(offset[tile])
            total[measured] += moved * scale[tile]
        again: Floats = total / (self.places >= 0).sum(axis=1)[:, None]
        return again


def _correction(part: Estimates) -> Correction:
    assert part.correction is not None
    return part.correction
