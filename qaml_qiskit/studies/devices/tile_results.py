"""What every tile of a chip answered, against the labels and the ideal values of the images that it ran."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.evaluation import LinearHead, accuracy, accuracy_interval, rms_difference, slope, vote_shares
from qaml_qiskit.execution import Calibration, Sampled, TileImages, TileSampled, Workload

#: What a table of tiles shows.
TILES_TOLD: dict[TileImages, str] = {
    "dealt": "Images were dealt to the tiles in turn, so every row is of other images.",
    "all": "Every image ran on every tile; the results above are of the means over the tiles.",
}
#: What its columns are.
TILES_READING = (
    "qubits: physical, in the order of the bits. p10, p01: readout errors by the calibration, the mean over the qubits."
)


def tile_rows(
    sampled: Sampled,
    labels: NDArray[np.int64],
    ideal: NDArray[np.floating],
    head: LinearHead,
    *,
    seed: int,
    votes: bool = False,
) -> list[Row]:
    """A row a tile and stage; none without tiles.

    Args:
        sampled: what was answered, of K images.
        labels: of these images, shape (K,).
        ideal: their values without noise and shots, shape (K, S).
        head: makes logits of values.
        seed: of the bootstrap behind the intervals.
        votes: whether the draws of an image vote for its label; then the interval is Wilson's.
    """
    rows: list[Row] = []
    for tile in sampled.by_tile:
        own_labels, own_ideal = labels[tile.places], ideal[tile.places]
        for stage, found in tile.estimates.items():
            logits = found.logits(head)
            if votes:
                logits = vote_shares(tile.drawn.get(stage, found.values[:, None]), head)
            measured = accuracy(logits, own_labels)
            interval = measured.interval if votes else accuracy_interval(found, head, own_labels, seed=seed)
            rows.append(
                {
                    "tile": tile.tile,
                    "qubits": " ".join(map(str, tile.qubits)),
                    "stage": stage,
                    "images": len(own_labels),
                    "accuracy": measured.value,
                    "interval": list(interval),
                    "z_error": rms_difference(found.values, own_ideal),
                    "slope": slope(found.values, own_ideal),
                    **_readout(sampled.calibration, tile),
                }
            )
    return rows


def tile_arrays(called: str, workload: Workload, sampled: Sampled) -> dict[str, NDArray[Any]]:
    """What ``predictions.npz`` has of tiles: the tile of every image, or what every tile said of it.

    Args:
        called: what averages are called there.
        workload: what was asked.
        sampled: what was answered, of K images.

    Returns:
        ``tile`` of shape (K,), or of every stage ``…_by_tile`` of shape (K, T, S); nothing without tiles.
    """
    if sampled.tiles is not None:
        return {"tile": sampled.tiles}
    if workload.settings.tiles == 1:
        return {}
    return {
        f"{called}_{stage}_by_tile": np.stack([tile.estimates[stage].values for tile in sampled.by_tile], axis=1)
        for stage in sampled.estimates
    }


def _readout(calibration: Calibration | None, tile: TileSampled) -> Row:
    if calibration is None:
        return {"p10": None, "p01": None}
    errors = calibration.readout(tile.qubits)
    return {"p10": float(errors.p10.mean()), "p01": float(errors.p01.mean())}
