"""How many copies of a classifier to run side by side on a chip: what they would score, and what they would cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit

from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.deployments.compiled import Compiled
from qaml_qiskit.deployments.deployment import Deployment
from qaml_qiskit.deployments.images import Batch
from qaml_qiskit.evaluation import Estimates, TiledEstimates, sampled_hits, wilson_interval
from qaml_qiskit.execution import (
    CountsMitigation,
    PlacedLine,
    TileImages,
    build_workload,
    device_seconds,
    join_tiles,
    survival,
)
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.studies.devices.predicting import deployment_averages, expected_estimates

#: Images of a request that the accuracy of tiles is forecast with, at most.
FORECAST_IMAGES = 200
#: Accuracy that ``--tiles auto`` gives away for QPU time, at most.
MOST_LOSS = 0.02


@dataclass(frozen=True)
class TilingSettings:
    """How a classifier is going to be run.

    Attributes:
        images: N, of the run.
        shots: of an image and draw.
        mitigation: of the readout.
        gap: idle qubits between two tiles, at least.
        tile_images: whether images are dealt to the tiles, or every image runs on all.
        recipe: the recipe's name, for messages.
        seed: of the shots in the forecast.
        costs: further arguments of :func:`.build_workload` that a run's cost depends on.
    """

    images: int
    shots: int
    mitigation: CountsMitigation = "readout"
    gap: int = 0
    tile_images: TileImages = "dealt"
    recipe: str = "given"
    seed: int = 0
    costs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TilingForecast:
    """What T tiles would give, and what they would cost.

    Attributes:
        lines: where they are.
        circuits: an ISA circuit a tile.
        tile_accuracies: of each tile by itself, with the run's shots.
        accuracy: of all together.
        loss: how much less that is than on the best line alone.
        loss_error: standard error of the loss, by the choice of images.
        seconds: QPU time; of a simulated device, of the device that it stands for.
        images: N, of the run.
    """

    lines: tuple[PlacedLine, ...]
    circuits: tuple[QuantumCircuit, ...]
    tile_accuracies: tuple[float, ...]
    accuracy: float
    loss: float
    loss_error: float
    seconds: float
    images: int

    @property
    def tiles(self) -> int:
        """T."""
        return len(self.lines)

    @property
    def right_per_second(self) -> float:
        """Images of the run that are named right in a QPU second by the forecast."""
        return self.accuracy * self.images / self.seconds


class Tiling:
    """Forecasts and costs of several numbers of tiles; what they share is computed once.

    Args:
        deployment: on a device or a snapshot of one.
        batch: images of the run; the first :data:`FORECAST_IMAGES` are forecast.
        settings: of the run.
        progress: told about every image and line.

    Raises:
        ConfigurationError: a target without lines, or a gap below 0.
    """

    def __init__(
        self,
        deployment: Deployment,
        batch: Batch,
        settings: TilingSettings,
        progress: Progress | None = None,
    ) -> None:
        # What is drawn is forecast by its average.
        self._deployment, self._settings = deployment.expected, settings
        self._batch, self._draws = batch.first(FORECAST_IMAGES), deployment.draws
        self._progress = progress or Silent()
        self._lines: dict[int | None, tuple[PlacedLine, ...]] = {}
        self._compiled: dict[PlacedLine, QuantumCircuit] = {}
        self._estimates: dict[PlacedLine, Estimates] = {}
        self._own_hits: dict[PlacedLine, NDArray[np.float64]] = {}
        # Tells what is wrong before anything is computed.
        self._best = self.lines(1)

    @property
    def num_images(self) -> int:
        """Images that are forecast."""
        return len(self._batch)

    @property
    def compiled(self) -> Compiled:
        """The classifier's circuit, also compiled for the whole target."""
        return self._deployment.compiled

    @property
    def gap(self) -> int:
        """Idle qubits between two tiles, at least."""
        return self._settings.gap

    @property
    def is_hardware(self) -> bool:
        """Whether the QPU seconds would be paid for."""
        return self.compiled.target.is_hardware

    def survival(self, line: PlacedLine) -> tuple[float | None, float | None]:
        """Of the gates and of the measurements of the tile on a line."""
        return survival(self.circuits([line])[0], self.compiled.target.isa)

    def lines(self, tiles: int | None) -> tuple[PlacedLine, ...]:
        """Where so many tiles go; None for as many as fit."""
        if tiles not in self._lines:
            self._lines[tiles] = self.compiled.lines(tiles, self._settings.gap)
        return self._lines[tiles]

    def circuits(self, lines: Sequence[PlacedLine]) -> tuple[QuantumCircuit, ...]:
        """An ISA circuit a line."""
        for line in lines:
            if line not in self._compiled:
                (found,) = self.compiled.on_lines([line], self._settings.recipe)
                self._compiled[line] = found
        return tuple(self._compiled[line] for line in lines)

    def seconds(self, lines: Sequence[PlacedLine]) -> float:
        """QPU time of the run with a tile on every line, on the device that a simulated target stands for."""
        circuits, compiled, settings = self.circuits(lines), self.compiled, self._settings
        workload = build_workload(
            join_tiles(circuits),
            np.zeros((settings.images * self._draws, circuits[0].num_parameters)),
            target=compiled.target.name,
            shots=settings.shots,
            mitigation=settings.mitigation,
            draws=self._draws,
            tiles=len(circuits),
            tile_images=settings.tile_images,
            strings=self._deployment.qvc.readout.bits,
            **settings.costs,
        )
        return device_seconds(workload, compiled.target)

    def forecast(self, lines: Sequence[PlacedLine]) -> TilingForecast:
        """What a tile on every line would give and cost.

        Raises:
            ConfigurationError: a circuit that cannot be forecast exactly, such as one on too many qubits.
        """
        self._predict((*self._best, *lines))
        best, own = self._hits(self._best), [self._hits([line]) for line in lines]
        hits = self._hits(lines)
        lost = best - hits
        return TilingForecast(
            tuple(lines),
            self.circuits(lines),
            tuple(float(each.mean()) for each in own),
            float(hits.mean()),
            float(lost.mean()),
            float(lost.std() / np.sqrt(len(lost))),
            self.seconds(lines),
            self._settings.images,
        )

    @cached_property
    def most_loss(self) -> float:
        """Accuracy that may be lost: what a run of so many images could not see, and :data:`MOST_LOSS` at most."""
        low, high = wilson_interval(self.forecast(self._best).accuracy, self._settings.images)
        return min(MOST_LOSS, (high - low) / 2)

    def compared(self, tiles: int) -> list[TilingForecast]:
        """So many tiles, and the best line alone."""
        return [self.forecast(self.lines(tiles)), self.forecast(self._best)]

    @cached_property
    def choice(self) -> list[TilingForecast]:
        """The numbers of tiles that were looked at, the one to take first.

        Of those that lose no more accuracy than :attr:`most_loss`, the one with the most images named right in a QPU
        second; of equals the smallest. Larger numbers are looked at until one loses twice as much; where there are
        many, each is a fifth larger than the one before.
        """
        tried: list[TilingForecast] = []
        tiles, most = 1, len(self.lines(None))
        while tiles <= most:
            tried.append(self.forecast(self.lines(tiles)))
            tiles = min(max(tiles + 1, tiles * 6 // 5), most) if tiles < most else most + 1
            if tried[-1].loss > 2 * self.most_loss:
                break
        # One tile loses nothing.
        chosen = max((each for each in tried if each.loss <= self.most_loss), key=lambda each: each.right_per_second)
        return [chosen, *(each for each in tried if each is not chosen)]

    def _predict(self, lines: Sequence[PlacedLine]) -> None:
        """Propagate the images through the tiles of lines that are not known yet."""
        new = [line for line in dict.fromkeys(lines) if line not in self._estimates]
        if not new:
            return
        images, circuits, settings = self._batch.images, self.circuits(new), self._settings
        told = f"predicting the accuracy on {len(new)} line{'s' * (len(new) != 1)} of qubits"
        with self._progress.task(told, len(images) * len(new)) as advance:
            for line, isa in zip(new, circuits, strict=True):
                tile = self._deployment.through(isa)
                averages = deployment_averages(tile, images, advance).in_double()
                shots, mitigation = settings.shots * self._draws, settings.mitigation
                self._estimates[line] = expected_estimates(
                    averages, tile.circuit.products, tile.circuit.readout, shots, mitigation
                )

    def _hits(self, lines: Sequence[PlacedLine]) -> NDArray[np.float64]:
        """How often every image is named right by tiles on these lines, shape (N,)."""
        head, labels, seed = self._deployment.head, self._batch.labels, self._settings.seed
        if len(lines) > 1 and self._settings.tile_images == "all":
            images = [np.arange(len(labels))] * len(lines)
            joined = TiledEstimates.of([self._estimates[line] for line in lines], images, len(labels))
            return sampled_hits(joined, head, labels, seed)
        for line in lines:
            if line not in self._own_hits:
                self._own_hits[line] = sampled_hits(self._estimates[line], head, labels, seed)
        mean: NDArray[np.float64] = np.mean([self._own_hits[line] for line in lines], axis=0)
        return mean


def placed_tile_rows(
    tiling: Tiling, lines: Sequence[PlacedLine], accuracies: Sequence[float] | None = None
) -> list[Row]:
    """A row a tile: its qubits in the order of the line, its survival, and its forecast accuracy where it is known."""
    rows: list[Row] = []
    for number, line in enumerate(lines):
        gates, readout = tiling.survival(line)
        accuracy = None if accuracies is None else accuracies[number]
        place = {"tile": number, "qubits": " ".join(map(str, line.qubits))}
        rows.append({**place, "gate_survival": gates, "readout_survival": readout, "accuracy": accuracy})
    return rows


def tiling_row(forecast: TilingForecast, best_alone: float) -> Row:
    """A number of tiles with what it gives and costs, against the ``best_alone`` seconds of one tile."""
    return {
        "tiles": forecast.tiles,
        "qpu_seconds": forecast.seconds,
        "times_faster": best_alone / forecast.seconds,
        "accuracy": forecast.accuracy,
        "loss": forecast.loss,
        "loss_error": forecast.loss_error,
        "right_per_second": forecast.right_per_second,
    }
