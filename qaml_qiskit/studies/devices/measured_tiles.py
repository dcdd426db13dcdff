"""What the copies of a classifier on a chip measured, beside what was expected of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit

from qaml_qiskit.artifacts.mapping import Pool
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.deployments.circuits import on_active_qubits
from qaml_qiskit.execution import Sampled, Target, Workload
from qaml_qiskit.execution.circuits import active_qubits
from qaml_qiskit.execution.compilation.tiles import split_tiles
from qaml_qiskit.progress import Progress
from qaml_qiskit.studies.devices.tile_forecasts import Tile, TileForecast, evenly, forecast_tiles

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class MeasuredTile:
    """What one copy of the classifier measured.

    Attributes:
        number: of the tile.
        tile: its circuit, noise and values of the checked images.
        measured: averages from the counts as they are, shape (N, S).
        forecast: what was expected of them.
        rows: which rows of the run's values they are, shape (N,).
    """

    number: int
    tile: Tile
    measured: Floats
    forecast: TileForecast
    rows: NDArray[np.int64]

    @property
    def residuals(self) -> Floats:
        """Measured minus expected, shape (N, S)."""
        found: Floats = self.measured - self.forecast.expected.values
        return found


def tile_circuits(workload: Workload) -> tuple[QuantumCircuit, ...]:
    """The compiled circuit of every tile."""
    return split_tiles(workload.isa, workload.settings.tiles)


def measure_tiles(
    workload: Workload,
    sampled: Sampled,
    target: Target,
    run: Run,
    progress: Progress,
    pool: Pool,
    images: int,
) -> list[MeasuredTile]:
    """The chosen images of every tile, with what was measured and expected of them."""
    raw, settings, chosen = sampled.estimates["raw"].values, workload.settings, {}
    answered = [(each.tile, each.places, each.estimates["raw"].values) for each in sampled.by_tile]
    answered = answered or [(0, np.arange(len(raw)), raw)]
    total, circuits, tiles = sum(len(places) for _, places, _ in answered), tile_circuits(workload), {}
    twirled = settings.options.twirls_measurements
    for number, places, values in answered:
        here = evenly(len(places), max(1, -(-images * len(places) // total)))
        rows = sampled.rows[places[here]]
        isa = circuits[number]
        circuit = on_active_qubits(isa, target, settings.strings)
        tiles[number] = Tile(circuit, active_qubits(isa), workload.values[rows], twirled)
        chosen[number] = (values[here], rows)
    forecasts = forecast_tiles(tiles, settings.shots, run, progress, pool)
    return [MeasuredTile(number, tiles[number], v, forecasts[number], rows) for number, (v, rows) in chosen.items()]
