"""How many copies of a classifier to run side by side on a chip: what they would score, and what they would cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit

from qaml_qiskit.artifacts.mapping import HERE, Pool
from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.deployments.deployment import Deployment
from qaml_qiskit.deployments.images import Batch
from qaml_qiskit.deployments.sampling import passing_run
from qaml_qiskit.evaluation import Estimates, TiledEstimates, sampled_hits, wilson_interval
from qaml_qiskit.execution import (
    CountsMitigation,
    PlacedLine,
    TileImages,
    build_workload,
    compile_tiles,
    device_seconds,
    join_tiles,
    tile_lines,
)
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.studies.predicting import OnDevice, predict_on_devices

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
    """

    lines: tuple[PlacedLine, ...]
    circuits: tuple[QuantumCircuit, ...]
    tile_accuracies: tuple[float, ...]
    accuracy: float
    loss: float
    loss_error: float
    seconds: float

    @property
    def tiles(self) -> int:
        """T."""
        return len(self.lines)

    @property
    def accuracy_per_second(self) -> float:
        """Forecast accuracy per QPU second."""
        return self.accuracy / self.seconds


class Tiling:
    """Forecasts and costs of several numbers of tiles; what they share is computed once.

    Args:
        deployment: on a device or a snapshot of one.
        batch: images of the run; the first :data:`FORECAST_IMAGES` are forecast.
        settings: of the run.
        progress: told about every image and line.
        pool: where forecasts are computed.

    Raises:
        ConfigurationError: a target without lines, or a gap below 0.
    """

    def __init__(
        self,
        deployment: Deployment,
        batch: Batch,
        settings: TilingSettings,
        progress: Progress | None = None,
        pool: Pool = HERE,
    ) -> None:
        # What is drawn is forecast by its average.
        self._deployment, self._settings = deployment.expected, settings
        self._batch, self._draws = batch.first(FORECAST_IMAGES), deployment.draws
        self._progress, self._pool = progress or Silent(), pool
        self._compiled: dict[PlacedLine, QuantumCircuit] = {}
        self._estimates: dict[PlacedLine, Estimates] = {}
        self._own_hits: dict[PlacedLine, NDArray[np.float64]] = {}
        # Tells what is wrong before anything is computed.
        self._best = self.lines(1)

    def lines(self, tiles: int | None) -> tuple[PlacedLine, ...]:
        """Where so many tiles go; None for as many as fit."""
        compiled = self._deployment.compiled
        return tile_lines(compiled.circuit, compiled.target.isa, tiles, self._settings.gap)

    def circuits(self, lines: Sequence[PlacedLine]) -> tuple[QuantumCircuit, ...]:
        """An ISA circuit a line."""
        compiled, name = self._deployment.compiled, self._settings.recipe
        for line in lines:
            if line not in self._compiled:
                found = compile_tiles(compiled.circuit, compiled.target.isa, compiled.recipe, [line], name=name)
                self._compiled[line] = found[0]
        return tuple(self._compiled[line] for line in lines)

    def seconds(self, lines: Sequence[PlacedLine]) -> float:
        """QPU time of the run with a tile on every line, on the device that a simulated target stands for."""
        circuits, compiled, settings = self.circuits(lines), self._deployment.compiled, self._settings
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
        )

    @cached_property
    def most_loss(self) -> float:
        """Accuracy that may be lost: what a run of so many images could not see, and :data:`MOST_LOSS` at most."""
        low, high = wilson_interval(self.forecast(self._best).accuracy, self._settings.images)
        return min(MOST_LOSS, (high - low) / 2)

    def choose(self) -> list[TilingForecast]:
        """The numbers of tiles that were looked at, the one to take first.

        Of those that lose no more accuracy than :attr:`most_loss`, the one with the highest accuracy per QPU second; of
        equals the smallest. Larger numbers are looked at until one loses twice as much.
        """
        tried: list[TilingForecast] = []
        for tiles in range(1, len(self.lines(None)) + 1):
            tried.append(self.forecast(self.lines(tiles)))
            if tried[-1].loss > 2 * self.most_loss:
                break
        # One tile loses nothing.
        chosen = max((each for each in tried if each.loss <= self.most_loss), key=lambda each: each.accuracy_per_second)
        return [chosen, *(each for each in tried if each is not chosen)]

    def _predict(self, lines: Sequence[PlacedLine]) -> None:
        """Propagate the images through the tiles of lines that are not known yet."""
        new = [line for line in dict.fromkeys(lines) if line not in self._estimates]
        sets = {
            f"line-{number}": OnDevice(self._deployment.through(isa), self._batch.images, f"tile {number}")
            for number, isa in enumerate(self.circuits(new), len(self._estimates))
        }
        if not sets:
            return
        with passing_run() as run:
            found = predict_on_devices(sets, run, self._progress, self._pool)
        for line, prediction in zip(new, found.values(), strict=True):
            shots = self._settings.shots * self._draws
            self._estimates[line] = prediction.estimates(shots, self._settings.mitigation)

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


def tiling_row(forecast: TilingForecast, best_alone: float) -> Row:
    """A number of tiles with what it gives and costs, against the ``best_alone`` seconds of one tile."""
    return {
        "tiles": forecast.tiles,
        "qpu_seconds": forecast.seconds,
        "times_faster": best_alone / forecast.seconds,
        "accuracy": forecast.accuracy,
        "loss": forecast.loss,
        "loss_error": forecast.loss_error,
        "accuracy_per_second": forecast.accuracy_per_second,
    }
