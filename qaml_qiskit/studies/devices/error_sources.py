"""Which gate, qubit or tile did not keep a target's word."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.artifacts.mapping import HERE, Pool
from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.evaluation import Z_95, ExpectedAverages, SourceFits, fit_sources
from qaml_qiskit.progress import Progress
from qaml_qiskit.studies.devices.following import Candidate, follow_candidates
from qaml_qiskit.studies.devices.tile_forecasts import GateSignatures, Tile, TileForecast

Floats = NDArray[np.floating]
Gate = tuple[str, tuple[int, ...]]

#: Probability of naming somebody where nobody's errors are other than calibrated.
_ALPHA = 0.05
#: Rows of the table of suspects.
_SHOWN = 8
#: Parts whose errors are followed beyond the straight line, of narrow and of wide tiles, whose forecasts are dear; the
#: most qubits of a narrow one; and the place of all gates' among the candidates.
_FOLLOWED, _FOLLOWED_WIDE, _NARROW, _ALL = 6, 4, 5, -1


@dataclass(frozen=True)
class ErrorSource:
    """Something that has errors of its own.

    Attributes:
        tile: its tile.
        what: ``cz``, ``one-qubit gates``, ``readout``, or ``all gates`` of a qubit.
        qubits: physical.
        gates: names and physical qubits of the gates that it is; none for a readout.
    """

    tile: int
    what: str
    qubits: tuple[int, ...]
    gates: tuple[Gate, ...] = ()

    def __str__(self) -> str:
        return f"{self.what} on qubit{'s' * (len(self.qubits) > 1)} {' and '.join(map(str, self.qubits))}"


@dataclass(frozen=True)
class ErrorSources:
    """Parts, and how well the errors of each explain what was measured.

    Attributes:
        parts: G of them.
        fits: of each.
        images: how many they were compared on.
    """

    parts: tuple[ErrorSource, ...]
    fits: SourceFits
    images: int

    @property
    def is_certain(self) -> bool:
        """Whether somebody is named."""
        return bool(self.fits.p[self.fits.worst] < _ALPHA)

    @property
    def alike(self) -> list[ErrorSource]:
        """Parts that cannot be told apart, the best explanation first; empty where nobody is named."""
        return [self.parts[place] for place in self.fits.alike] if self.is_certain else []

    @property
    def named(self) -> dict[str, Any] | None:
        """Who is named; None for nobody."""
        if not self.is_certain:
            return None
        worst, found = self.fits.worst, self.fits
        part = self.parts[worst]
        return {
            "part": str(part),
            "tile": part.tile,
            "qubits": list(part.qubits),
            "scale": float(found.scale[worst]),
            "interval": self._interval(worst),
            "p": float(found.p[worst]),
            "alike": [str(each) for each in self.alike[1:]],
        }

    @property
    def rows(self) -> list[Row]:
        """A row a part, the best explanations alone."""
        found = self.fits
        return [
            {
                "part": str(self.parts[place]),
                "tile": self.parts[place].tile,
                "improvement": float(found.improvement[place]),
                "scale": float(found.scale[place]),
                "interval": self._interval(int(place)),
                "p": float(found.p[place]),
            }
            for place in np.argsort(-found.improvement, kind="stable")[:_SHOWN]
        ]

    @property
    def sentence(self) -> str:
        """Who it was."""
        if (named := self.named) is None:
            return "No single gate, qubit or readout stands out."
        alike = named["alike"]
        told = f"{len(alike)} others" if len(alike) > 2 else " and ".join(f"those of {each}" for each in alike)
        others = f"; {told} cannot be told from it" if alike else ""
        strong = f"about {named['scale']:.1f} times as strong as calibrated"
        return f"The errors of {named['part']} stand out, {strong}{others}."

    def _interval(self, place: int) -> list[float] | None:
        scale, error = float(self.fits.scale[place]), float(self.fits.error[place])
        return [scale - Z_95 * error, scale + Z_95 * error] if np.isfinite(error) else None


def find_sources(
    tiles: Mapping[int, tuple[Tile, TileForecast, Floats]],
    places: Mapping[int, NDArray[np.int64]],
    signatures: Mapping[int, GateSignatures],
    run: Run,
    progress: Progress,
    pool: Pool = HERE,
) -> ErrorSources:
    """Compare the signatures of all parts of all tiles with what was measured, the best of them by exact forecasts.

    Args:
        tiles: each with what was expected of its images, and the residuals, shape (N, S).
        places: the images of each tile that signatures are known of.
        signatures: of the gates of each tile.
        run: keeps what is forecast.
        progress: told about every part that is.
        pool: where that is.
    """
    parts: list[ErrorSource] = []
    blocks, overall, residuals, averages = [], [], [], []
    for number, (tile, forecast, residual) in tiles.items():
        rows = places[number]
        found = list(_parts(number, tile, forecast.by_readout[rows], signatures[number]))
        parts += [part for part, _ in found]
        blocks.append(np.stack([column for _, column in found], axis=2))
        scales = [forecast.by_noise[rows], forecast.by_readout[rows].sum(axis=2)]
        overall.append(np.stack(scales, axis=2))
        residuals.append(residual[rows])
        averages.append(forecast.expected.images(rows))
    whole = np.zeros((sum(map(len, residuals)), residuals[0].shape[1], len(parts)))
    row = column = 0
    for block in blocks:
        whole[row : row + len(block), :, column : column + block.shape[2]] = block
        row, column = row + len(block), column + block.shape[2]
    expected = ExpectedAverages.joined(averages)
    by_scales, difference = np.concatenate(overall), np.concatenate(residuals)
    fits = fit_sources(difference, expected, by_scales, whole)
    candidates = {_ALL: Candidate(None, by_scales[:, :, 0])}
    order = np.argsort(-fits.improvement, kind="stable")
    followed = _FOLLOWED if all(len(tile.qubits) <= _NARROW for tile, *_ in tiles.values()) else _FOLLOWED_WIDE
    for place in [int(p) for p in order if parts[p].gates and fits.improvement[p] > 0][:followed]:
        candidates[place] = Candidate((parts[place].tile, parts[place].gates), whole[:, :, place])
    images = {number: (tile, places[number], forecast.expected) for number, (tile, forecast, _) in tiles.items()}
    exact = follow_candidates(candidates, images, difference, run, progress, pool)
    rival = exact.pop(_ALL).gain
    return ErrorSources(tuple(parts), fits.refined(exact, {0: max(rival, fits.rivals[0])}), len(whole))


def _parts(
    number: int, tile: Tile, by_readout: Floats, signatures: GateSignatures
) -> Iterator[tuple[ErrorSource, Floats]]:
    """The gates on each pair of qubits, the one-qubit gates of each, all gates of each, and its readout.

    A pair is driven by the same hardware in both directions.
    """
    used: dict[tuple[str, tuple[int, ...]], list[int]] = {}
    for place, (name, qubits) in enumerate(signatures.gates):
        key = (name, tuple(sorted(qubits))) if len(qubits) > 1 else ("one-qubit gates", qubits)
        used.setdefault(key, []).append(place)
    for qubit in sorted({q for _, qubits in signatures.gates for q in qubits}):
        touching = [place for place, (_, qubits) in enumerate(signatures.gates) if qubit in qubits]
        if len(touching) > 1:
            used["all gates", (qubit,)] = touching
    for (what, qubits), places in used.items():
        gates = tuple(signatures.gates[place] for place in places)
        yield ErrorSource(number, what, qubits, gates), signatures.derivatives[:, :, places].sum(axis=2)
    for bit, qubit in enumerate(tile.read_qubits):
        yield ErrorSource(number, "readout", (qubit,)), by_readout[:, :, bit]
