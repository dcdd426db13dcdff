"""What a run's circuits were to measure by the calibration of their device, computed from the run's own files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from qaml_qiskit.artifacts.codecs import ARRAYS
from qaml_qiskit.artifacts.fingerprints import digest
from qaml_qiskit.artifacts.mapping import HERE, Bar, Pool
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.deployments.circuits import CircuitWithNoise
from qaml_qiskit.evaluation import (
    Promised,
    ReadoutMap,
    product_signs,
    read_frequencies,
    readout_derivatives,
)
from qaml_qiskit.formats import Arrays
from qaml_qiskit.progress import Advance, Progress
from qaml_qiskit.simulation.heisenberg import PreparedCircuit, gate_sensitivities

Floats = NDArray[np.floating]
#: Images between two files: what a kill can lose.
_BLOCK = 10


@dataclass(frozen=True)
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

    @property
    def readout(self) -> ReadoutMap:
        """The readout errors as the run sees them."""
        found = self.circuit.readout
        if not self.twirled:
            return found
        mean = (found.p10 + found.p01) / 2
        return ReadoutMap(mean, mean)

    @property
    def read_qubits(self) -> list[int]:
        """The physical qubits that are read."""
        return [self.qubits[qubit] for qubit in self.circuit.read]


@dataclass(frozen=True)
class TileForecast:
    """What a tile was to measure.

    Attributes:
        promised: of its N images.
        places: which of them have derivatives, shape (M,).
        gates: names and physical qubits of the G gates that have an error.
        by_gate: derivatives of the averages by the scale of each gate's error, shape (M, S, G).
        by_readout: by the scale of the readout errors of each qubit that is read, shape (M, S, n).
    """

    promised: Promised
    places: NDArray[np.int64]
    gates: tuple[tuple[str, tuple[int, ...]], ...]
    by_gate: Floats
    by_readout: Floats


def evenly(count: int, wanted: int) -> NDArray[np.int64]:
    """So many places among 0 to count − 1, as far apart as they can be; all of them where they are no more."""
    if count <= wanted:
        return np.arange(count)
    return np.unique(np.linspace(0, count - 1, wanted).round().astype(np.int64)) if wanted else np.arange(0)


def forecast_tiles(
    tiles: Mapping[int, Tile],
    shots: int,
    run: Run,
    progress: Progress,
    pool: Pool = HERE,
    *,
    most_derived: int,
) -> dict[int, TileForecast]:
    """Propagate the images of every tile through its compiled circuit, and some of them for derivatives.

    Args:
        tiles: by number.
        shots: of an image.
        run: keeps what is done, block by block.
        progress: told about every image.
        pool: where the blocks are computed.
        most_derived: images of all tiles together that derivatives by the gates' errors are wanted of, at most.
    """
    tasks: dict[str, _Block] = {}
    places = {
        number: evenly(len(tile.values), max(1, most_derived * len(tile.values) // _size(tiles)))
        for number, tile in tiles.items()
    }
    for number, tile in tiles.items():
        for kind, chosen in (("forecast", np.arange(len(tile.values))), ("gates", places[number])):
            for start in range(0, len(chosen), _BLOCK):
                rows = tile.values[chosen[start : start + _BLOCK]]
                # While jobs are missing a run has other images.
                key = f"promise/{kind}-{number}-{start:06d}-{digest(torch.from_numpy(rows))}"
                tasks[key] = _Block(number, kind == "gates", rows)
    told = {key: "the promise of the calibration" for key in tasks}
    steps = {key: len(task.values) for key, task in tasks.items()}
    work = _Promising(dict(tiles), shots)
    found = run.map(tasks, work, ARRAYS, bar=Bar(progress, "checking the target", told, steps), pool=pool)

    def blocks(number: int, name: str, *, gates: bool) -> NDArray[np.float64]:
        arrays = [found[key][name] for key, task in tasks.items() if (task.tile, task.gates) == (number, gates)]
        return np.concatenate(arrays).astype(np.float64)

    forecasts = {}
    for number, tile in tiles.items():
        promised = Promised(*(blocks(number, name, gates=False) for name in ("z", "covariance", "fourth")), shots)
        first = next(key for key, task in tasks.items() if (task.tile, task.gates) == (number, True))
        names = [str(name) for name in found[first]["names"]]
        on = [tuple(tile.qubits[q] for q in row if q >= 0) for row in found[first]["qubits"]]
        forecasts[number] = TileForecast(
            promised,
            places[number],
            tuple(zip(names, on, strict=True)),
            blocks(number, "derivatives", gates=True),
            blocks(number, "readout", gates=False)[places[number]],
        )
    return forecasts


def _size(tiles: Mapping[int, Tile]) -> int:
    return sum(len(tile.values) for tile in tiles.values())


@dataclass(frozen=True)
class _Block:
    """Some images of a tile, and whether derivatives by the gates' errors are asked for."""

    tile: int
    gates: bool
    values: NDArray[np.float64]


@dataclass(frozen=True)
class _Promising:
    """What is promised of a block of images."""

    tiles: Mapping[int, Tile]
    shots: int

    def __call__(self, block: _Block, advance: Advance) -> Arrays:
        tile = self.tiles[block.tile]
        found = tile_derivatives(tile, block.values) if block.gates else self._forecast(tile, block.values)
        advance(len(block.values))
        return found

    def _forecast(self, tile: Tile, values: NDArray[np.float64]) -> Arrays:
        bare = bare_frequencies(tile, values)
        products, readout = tile.circuit.products, tile.readout
        promised = Promised.of_frequencies(read_frequencies(bare, readout), product_signs(products), self.shots)
        return {
            "z": promised.values,
            "covariance": promised.covariance,
            "fourth": promised.fourth,
            "readout": readout_derivatives(bare, products, readout),
        }


def bare_frequencies(tile: Tile, values: NDArray[np.float64]) -> Floats:
    """How often every bitstring is there before it is read, shape (N, 2^n)."""
    perfect = tile.circuit.without_readout_errors()
    return PreparedCircuit(perfect.circuit, perfect.noise, perfect.read).frequencies(values).double().numpy()


def tile_derivatives(tile: Tile, values: NDArray[np.float64]) -> Arrays:
    """Derivatives by the scale of the error of every gate, measurements left out.

    Args:
        tile: its ``values`` do not matter.
        values: shape (N, P).

    Returns:
        ``names`` of the gates, their ``qubits`` in the circuit, filled up with −1, and ``derivatives`` (N, S, G).
    """
    circuit = tile.circuit.without_readout_errors() if tile.twirled else tile.circuit
    found = gate_sensitivities(circuit.circuit, circuit.noise, circuit.strings, values)
    kept = [place for place, (name, _) in enumerate(found.gates) if name != "measure"]
    derivatives = found.derivatives[:, :, kept]
    if tile.twirled:
        # Symmetric errors shrink a product by the contrasts of its qubits.
        derivatives = derivatives * tile.circuit.products.contrast(tile.readout)[:, None]
    names, qubits = [found.gates[place][0] for place in kept], [found.gates[place][1] for place in kept]
    filled = np.array([[*each, -1][:2] for each in qubits], dtype=np.int64).reshape(-1, 2)
    return {"names": np.array(names, dtype=np.str_), "qubits": filled, "derivatives": derivatives}


def joined_promises(parts: Sequence[Promised]) -> Promised:
    """Of the images of several tiles, one behind the other."""
    arrays = (np.concatenate([getattr(p, name) for p in parts]) for name in ("values", "covariance", "fourth"))
    return Promised(*arrays, parts[0].shots)
