"""What a run's circuits were to measure by the calibration of their device, computed from the run's own files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from qaml_qiskit.artifacts.codecs import ARRAYS
from qaml_qiskit.artifacts.fingerprints import digest
from qaml_qiskit.artifacts.mapping import HERE, Bar, Pool
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.deployments.circuits import CircuitWithNoise
from qaml_qiskit.evaluation import (
    ExpectedAverages,
    ReadoutMap,
    product_signs,
    read_frequencies,
    readout_derivatives,
)
from qaml_qiskit.formats import Arrays
from qaml_qiskit.noise import scaled_noise
from qaml_qiskit.progress import Advance, Progress
from qaml_qiskit.simulation.heisenberg import PreparedCircuit, gate_sensitivities

Floats = NDArray[np.floating]
#: Images between two files: what a kill can lose.
_BLOCK = 10
#: By so much weaker errors the derivative by the scale of all is found; the averages are exact to twelve digits.
_STEP = 0.002


@dataclass(frozen=True, eq=False)
class Tile:
    """One copy of the classifier on the chip.

    Attributes:
        circuit: its compiled circuit and the noise that its calibration says.
        qubits: the physical qubit behind each of the circuit's.
        values: of the circuit's parameters for its images, shape (N, P).
        twirled: whether measurements were twirled, which makes both readout errors of a qubit their mean.
    """

    circuit: CircuitWithNoise
    qubits: tuple[int, ...]
    values: NDArray[np.float64]
    twirled: bool = False

    @cached_property
    def _prepared(self) -> dict[float, PreparedCircuit]:
        return {}

    @property
    def readout(self) -> ReadoutMap:
        """The readout errors as the run sees them."""
        found = self.circuit.readout
        if not self.twirled:
            return found
        mean = (found.p10 + found.p01) / 2
        return ReadoutMap(mean, mean)

    @property
    def propagated(self) -> CircuitWithNoise:
        """What is propagated to averages: with readout errors, but for twirled ones; see :meth:`as_read`."""
        return self.circuit.without_readout_errors() if self.twirled else self.circuit

    def as_read(self, averages: Floats) -> Floats:
        """Averages of :attr:`propagated`, or derivatives of them, as the run reads them; shape (N, S, …).

        Symmetric errors, which twirled ones are, shrink a product by the contrasts of its qubits.
        """
        if not self.twirled:
            return averages
        contrast = self.circuit.products.contrast(self.readout)
        return averages * contrast.reshape(-1, *[1] * (averages.ndim - 2))

    def prepared(self, scale: float = 1.0) -> PreparedCircuit:
        """The circuit without readout errors, its gates' errors scaled; prepared once for all blocks of images."""
        if scale not in self._prepared:
            perfect = self.circuit.without_readout_errors()
            noise = perfect.noise if scale == 1 or perfect.noise is None else scaled_noise(perfect.noise, scale)
            self._prepared[scale] = PreparedCircuit(perfect.circuit, noise, perfect.read)
        return self._prepared[scale]

    def release(self) -> None:
        """Give the memory of what was prepared back."""
        for each in self._prepared.values():
            each.release()

    @property
    def read_qubits(self) -> list[int]:
        """The physical qubits that are read."""
        return [self.qubits[qubit] for qubit in self.circuit.read]


@dataclass(frozen=True)
class TileForecast:
    """What a tile was to measure of its N images.

    Attributes:
        expected: the averages and how their shots scatter.
        by_noise: their derivative by the scale of all errors of gates, shape (N, S).
        by_readout: by the scale of the readout errors of each qubit that is read, shape (N, S, n).
    """

    expected: ExpectedAverages
    by_noise: Floats
    by_readout: Floats


@dataclass(frozen=True)
class GateSignatures:
    """What each gate's errors do to the averages of some images of a tile.

    Attributes:
        gates: names and physical qubits of the G gates that have an error.
        derivatives: by the scale of each gate's error, shape (M, S, G).
    """

    gates: tuple[tuple[str, tuple[int, ...]], ...]
    derivatives: Floats


def evenly(count: int, wanted: int) -> NDArray[np.int64]:
    """So many places among 0 to count − 1, as far apart as they can be; all of them where they are no more."""
    if count <= wanted:
        return np.arange(count)
    return np.unique(np.linspace(0, count - 1, wanted).round().astype(np.int64)) if wanted else np.arange(0)


def forecast_tiles(
    tiles: Mapping[int, Tile], shots: int, run: Run, progress: Progress, pool: Pool = HERE
) -> dict[int, TileForecast]:
    """Propagate the images of every tile through its compiled circuit and the noise of its calibration.

    Args:
        tiles: by number.
        shots: of an image.
        run: keeps what is done, block by block.
        progress: told about every image.
        pool: where the blocks are computed.
    """
    found = _mapped(tiles, {number: tile.values for number, tile in tiles.items()}, shots, run, progress, pool)
    return {
        number: TileForecast(
            ExpectedAverages(_joined(blocks, "z"), _joined(blocks, "covariance"), _joined(blocks, "fourth"), shots),
            _joined(blocks, "noise"),
            _joined(blocks, "readout"),
        )
        for number, blocks in found.items()
    }


def derive_by_gates(
    tiles: Mapping[int, Tile],
    places: Mapping[int, NDArray[np.int64]],
    run: Run,
    progress: Progress,
    pool: Pool = HERE,
) -> dict[int, GateSignatures]:
    """What every gate's errors do to some images of every tile; each costs as much as some dozen forecasts.

    Args:
        tiles: by number.
        places: of these images among the tile's.
        run: as for :func:`forecast_tiles`.
        progress: as there.
        pool: as there.
    """
    rows = {number: tile.values[places[number]] for number, tile in tiles.items()}
    found, signatures = _mapped(tiles, rows, None, run, progress, pool), {}
    for number, blocks in found.items():
        on = [tuple(tiles[number].qubits[q] for q in row if q >= 0) for row in blocks[0]["qubits"]]
        gates = tuple(zip(map(str, blocks[0]["names"]), on, strict=True))
        signatures[number] = GateSignatures(gates, _joined(blocks, "derivatives"))
    return signatures


def _mapped(
    tiles: Mapping[int, Tile],
    rows: Mapping[int, NDArray[np.float64]],
    shots: int | None,
    run: Run,
    progress: Progress,
    pool: Pool,
) -> dict[int, list[Arrays]]:
    """The arrays of every tile's blocks: of the forecast, or without shots the derivatives by the gates."""
    kind, told = ("gates", "looking for the gate") if shots is None else ("forecast", "checking the target")
    tasks: dict[str, _Block] = {}
    for number, values in rows.items():
        for start in range(0, len(values), _BLOCK):
            block = np.ascontiguousarray(values[start : start + _BLOCK])
            # While jobs are missing a run has other images.
            key = f"promise/{kind}-{number}-{start:06d}-{digest(torch.from_numpy(block))}"
            tasks[key] = _Block(number, block)
    steps = {key: len(task.values) for key, task in tasks.items()}
    bar = Bar(progress, told, {key: f"tile {task.tile}" for key, task in tasks.items()}, steps)
    found = run.map(tasks, _Promising(dict(tiles), shots), ARRAYS, bar=bar, pool=pool)
    return {number: [found[key] for key, task in tasks.items() if task.tile == number] for number in rows}


def _joined(blocks: Sequence[Arrays], name: str) -> NDArray[np.float64]:
    return np.concatenate([block[name] for block in blocks]).astype(np.float64)


@dataclass(frozen=True)
class _Block:
    """Some images of a tile."""

    tile: int
    values: NDArray[np.float64]


@dataclass(frozen=True)
class _Promising:
    """What is expected of a block of images; without shots, what the gates' errors do to it."""

    tiles: Mapping[int, Tile]
    shots: int | None

    def __call__(self, block: _Block, advance: Advance) -> Arrays:
        tile = self.tiles[block.tile]
        for number, other in self.tiles.items():
            # Blocks of one tile come one after the other.
            if number != block.tile:
                other.release()
        if self.shots is None:
            found = tile_derivatives(tile, block.values)
        else:
            found = tile_forecast(tile, block.values, self.shots)
        advance(len(block.values))
        return found


def tile_forecast(tile: Tile, values: NDArray[np.float64], shots: int) -> Arrays:
    """What a tile reads on average, and how that changes with the strength of its errors.

    Args:
        tile: its own ``values`` do not matter.
        values: shape (N, P).
        shots: of an image.

    Returns:
        ``z`` (N, S), ``covariance`` (N, S, S) and ``fourth`` (N,) as :class:`.ExpectedAverages` has them,
        ``noise`` (N, S) and ``readout`` (N, S, n) as :class:`TileForecast`.
    """
    products, readout = tile.circuit.products, tile.readout
    signs, bare = product_signs(products), bare_frequencies(tile, values)
    expected = ExpectedAverages.of_frequencies(read_frequencies(bare, readout), signs, shots)
    weaker = read_frequencies(bare_frequencies(tile, values, 1 - _STEP), readout) @ signs
    return {
        "z": expected.values,
        "covariance": expected.covariance,
        "fourth": expected.fourth,
        "noise": (expected.values - weaker) / _STEP,
        "readout": readout_derivatives(bare, products, readout),
    }


def bare_frequencies(tile: Tile, values: NDArray[np.float64], scale: float = 1.0) -> Floats:
    """How often every bitstring is there before it is read, shape (N, 2^n).

    Args:
        tile: its own ``values`` do not matter.
        values: shape (N, P).
        scale: of the gates' errors, from 0 to 1.
    """
    found: Floats = tile.prepared(scale).frequencies(values).double().numpy()
    return found


def tile_derivatives(tile: Tile, values: NDArray[np.float64]) -> Arrays:
    """Derivatives by the scale of the error of every gate, measurements left out.

    Args:
        tile: its own ``values`` do not matter.
        values: shape (N, P).

    Returns:
        ``names`` of the gates, their ``qubits`` in the circuit, filled up with −1, and ``derivatives`` (N, S, G).
    """
    circuit = tile.propagated
    found = gate_sensitivities(circuit.circuit, circuit.noise, circuit.strings, values)
    kept = [place for place, (name, _) in enumerate(found.gates) if name != "measure"]
    derivatives = tile.as_read(found.derivatives[:, :, kept])
    names, qubits = [found.gates[place][0] for place in kept], [found.gates[place][1] for place in kept]
    filled = np.array([[*each, -1][:2] for each in qubits], dtype=np.int64).reshape(-1, 2)
    return {"names": np.array(names, dtype=np.str_), "qubits": filled, "derivatives": derivatives}


def scaled_averages(
    tile: Tile, values: NDArray[np.float64], scale: float, gates: Sequence[tuple[str, tuple[int, ...]]] | None
) -> Floats:
    """What a tile reads on average where the errors of some of its gates have another scale, shape (N, S).

    Args:
        tile: its own ``values`` do not matter.
        values: shape (N, P).
        scale: of the errors, 0 or more.
        gates: names and physical qubits; all gates if None.
    """
    circuit = tile.propagated
    noise, place = circuit.noise, {qubit: index for index, qubit in enumerate(tile.qubits)}
    if noise is not None:
        own = gates and [(name, tuple(place[qubit] for qubit in qubits)) for name, qubits in gates]
        noise = scaled_noise(noise, scale, own)
    # Shots tell far less than seven digits.
    prepared = PreparedCircuit(circuit.circuit, noise, circuit.read, dtype=torch.float32)
    return tile.as_read(prepared.expectations(values, circuit.strings).double().numpy())
