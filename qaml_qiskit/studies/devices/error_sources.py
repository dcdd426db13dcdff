"""Which gate, qubit or tile did not keep a target's word."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.evaluation import Z_95, ExpectedAverages, SourceFits, fit_sources
from qaml_qiskit.studies.devices.tile_forecasts import GateSignatures, Tile, TileForecast

Floats = NDArray[np.floating]

#: Probability of naming somebody where nobody's errors are other than calibrated.
_ALPHA = 0.05
#: Rows of the table of suspects.
_SHOWN = 8


@dataclass(frozen=True)
class ErrorSource:
    """Something that has errors of its own.

    Attributes:
        tile: its tile.
        what: ``cz``, ``one-qubit gates``, ``readout``, or ``all gates`` of a qubit.
        qubits: physical.
    """

    tile: int
    what: str
    qubits: tuple[int, ...]

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
        others = f"; {len(alike)} other{'s' * (len(alike) > 1)} cannot be told from it" if alike else ""
        strong = f"about {named['scale']:.1f} times as strong as calibrated"
        return f"The errors of {named['part']} stand out, {strong}{others}."

    def _interval(self, place: int) -> list[float] | None:
        scale, error = float(self.fits.scale[place]), float(self.fits.error[place])
        return [scale - Z_95 * error, scale + Z_95 * error] if np.isfinite(error) else None


def find_sources(
    tiles: Mapping[int, tuple[Tile, TileForecast, Floats]],
    places: Mapping[int, NDArray[np.int64]],
    signatures: Mapping[int, GateSignatures],
) -> ErrorSources:
    """Compare the signatures of all parts of all tiles with what was measured.

    Args:
        tiles: each with what was expected of its images, and the residuals, shape (N, S).
        places: the images of each tile that signatures are known of.
        signatures: of the gates of each tile.
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
    fits = fit_sources(np.concatenate(residuals), expected, np.concatenate(overall), whole)
    return ErrorSources(tuple(parts), fits, len(whole))


def _parts(
    number: int, tile: Tile, by_readout: Floats, signatures: GateSignatures
) -> Iterator[tuple[ErrorSource, Floats]]:
    """The gates on each pair of qubits, the one-qubit gates of each, all gates of each, and its readout.

    A pair is driven by the same hardware in both directions.
    """
    pairs: dict[tuple[str, tuple[int, ...]], Floats] = {}
    alone: dict[int, Floats] = {}
    whole: dict[int, list[Floats]] = {}
    for place, (name, qubits) in enumerate(signatures.gates):
        column = signatures.derivatives[:, :, place]
        for qubit in qubits:
            whole.setdefault(qubit, []).append(column)
        if len(qubits) > 1:
            key = name, tuple(sorted(qubits))
            pairs[key] = pairs.get(key, np.zeros_like(column)) + column
        else:
            alone[qubits[0]] = alone.get(qubits[0], np.zeros_like(column)) + column
    for (name, qubits), column in pairs.items():
        yield ErrorSource(number, name, qubits), column
    for qubit, column in alone.items():
        yield ErrorSource(number, "one-qubit gates", (qubit,)), column
    for qubit, columns in whole.items():
        if len(columns) > 1:
            yield ErrorSource(number, "all gates", (qubit,)), np.sum(columns, axis=0)
    for bit, qubit in enumerate(tile.read_qubits):
        yield ErrorSource(number, "readout", (qubit,)), by_readout[:, :, bit]
