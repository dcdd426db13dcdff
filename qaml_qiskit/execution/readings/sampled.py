"""What a target answered for images, joined and mitigated."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.evaluation import Estimates
from qaml_qiskit.execution.readings.calibration import Calibration


@dataclass(frozen=True)
class TileSampled:
    """What one tile answered.

    Attributes:
        tile: its number.
        qubits: physical, behind each of its classical bits.
        places: which of the K images of :class:`Sampled` it ran, shape (K_t,).
        estimates: ⟨P_s⟩ of these images and their errors, by how they came about.
        by_qubit: see :attr:`Sampled.by_qubit`, shape (K_t, S).
        drawn: see :attr:`Sampled.drawn`, shape (K_t, J, S).
    """

    tile: int
    qubits: tuple[int, ...]
    places: NDArray[np.intp]
    estimates: Mapping[str, Estimates]
    by_qubit: NDArray[np.floating] | None = None
    drawn: Mapping[str, NDArray[np.floating]] = field(default_factory=dict)


@dataclass(frozen=True)
class Sampled:
    """What a target answered for K of the N images, about S products of Z.

    Attributes:
        rows: which images, ascending; all of them unless jobs are missing. Shape (K,).
        estimates: ⟨P_s⟩ of K images and their errors by how they came about: ``raw``, from the counts, which there are
            unless an Estimator mitigated by itself, and ``mitigated``, unless nothing was.
        calibration: the readout calibration that was used, or None.
        by_qubit: what inverting every qubit by itself makes of the same counts, shape (K, S), where ``mitigated`` is
            what M3 does; None elsewhere.
        barred: why there is no mitigation although there is a calibration; empty otherwise.
        drawn: where images are drawn, ⟨P_s⟩ of every draw, shape (K, J, S), by how they came about; ``estimates`` are
            the means over the draws then, and an image is there once all its draws are.
        tiles: the tile that each image ran on, shape (K,); None without tiles, and where all tiles ran every image, of
            which ``estimates`` are the means then.
        by_tile: what each tile answered that ran something; empty without tiles.
    """

    rows: NDArray[np.int64]
    estimates: Mapping[str, Estimates]
    calibration: Calibration | None = None
    by_qubit: NDArray[np.floating] | None = None
    barred: str = ""
    drawn: Mapping[str, NDArray[np.floating]] = field(default_factory=dict)
    tiles: NDArray[np.int64] | None = None
    by_tile: tuple[TileSampled, ...] = ()

    @property
    def raw(self) -> NDArray[np.floating] | None:
        """⟨P_s⟩ from the counts, shape (K, S)."""
        return self.stages().get("raw")

    @property
    def mitigated(self) -> NDArray[np.floating] | None:
        """⟨P_s⟩ after mitigation, shape (K, S)."""
        return self.stages().get("mitigated")

    def stages(self) -> dict[str, NDArray[np.floating]]:
        """⟨P_s⟩ by how they came about: ``raw`` and ``mitigated``, those that there are."""
        return {name: found.values for name, found in self.estimates.items()}
