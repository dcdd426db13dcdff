"""From the ⟨Z_k⟩ of a sweep's cells to rows of results."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.attacks import Attack
from qaml_qiskit.evaluation import (
    ReadoutMap,
    accuracy,
    accuracy_interval,
    sampled_accuracy,
    slope,
    standard_errors,
)
from qaml_qiskit.execution import CountsMitigation
from qaml_qiskit.formats import Arrays
from qaml_qiskit.workflows.sweep.cells import key
from qaml_qiskit.workflows.sweep.request import SweepRequest

#: Repetitions of the shots behind ``sampled_accuracy``.
_DRAWS = 20

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Case:
    """A model under one noise: what a number of rows have in common.

    Attributes:
        model: its name as it was given.
        encoding: what prepares the images.
        noise: the noise's name, or ``none``.
        strength: 0 without noise, None for a device's own.
        placement: None without noise, and for a device's own.
    """

    model: str
    encoding: str
    noise: str = "none"
    strength: float | None = 0.0
    placement: str | None = None


def rows_of(case: Case, request: SweepRequest, attacks: Sequence[Attack], blocks: Sequence[Arrays]) -> Iterator[Row]:
    """The rows of one case: every attack, number of shots and mitigation.

    Args:
        case: what they have in common.
        request: the grid.
        attacks: as the cells had them.
        blocks: the cells of the case, in the order of the images.
    """
    for number, attack in enumerate((None, *attacks)):
        for shots in request.shots:
            for mitigation in request.mitigation:
                part = _Part(blocks, number, mitigation, shots if request.drawn else 0)
                yield {
                    "model": case.model,
                    "encoding": case.encoding,
                    "encoding_noise": request.encoding_noise,
                    "noise": case.noise,
                    "strength": case.strength,
                    "placement": case.placement,
                    "attack": "none" if attack is None else attack.name,
                    "eps": 0.0 if attack is None else attack.budget,
                    "engine": request.engine,
                    "mitigation": mitigation,
                    "shots": shots,
                    **_figures(part, request, shots),
                }


class _Part:
    """One attack, mitigation and number of shots, all blocks joined."""

    def __init__(self, blocks: Sequence[Arrays], attack: int, mitigation: CountsMitigation, shots: int) -> None:
        def joined(name: str) -> Floats | None:
            place = key(attack, mitigation, shots, name)
            return np.concatenate([block[place] for block in blocks]) if place in blocks[0] else None

        first, raw, ideal = blocks[0], joined("z"), joined("ideal")
        assert raw is not None
        assert ideal is not None
        self.raw, self.ideal, self.covariance = raw, ideal, joined("covariance")
        self.labels = np.concatenate([block["labels"] for block in blocks])
        self.inverted = mitigation != "none"
        self.readout = ReadoutMap.affine(first["contrast"], first["offset"])
        self.flips = first.get(key(attack, mitigation, shots, "flips"))
        measured = joined("mitigated")
        # In the precision of what was read.
        inverted = self.readout.inverted(raw).astype(raw.dtype) if self.inverted else raw
        self.z = inverted if measured is None else measured

    def sampled_accuracy(self, shots: int, seed: int) -> float:
        """Expected with so many shots of what was computed without any."""
        readout = self.readout.calibrated(shots) if self.inverted and not self.readout.is_perfect else None
        return sampled_accuracy(self.raw, shots, self.labels, seed, readout=readout, draws=_DRAWS)


def _figures(part: _Part, request: SweepRequest, shots: int) -> Row:
    result, interval, error = accuracy(part.z, part.labels), None, None
    if part.covariance is not None:
        covariance, spread = part.covariance.astype(np.float64), None
        if part.flips is not None:
            spread = ReadoutMap(part.flips[0], part.flips[1], shots=shots)
        elif part.inverted:
            covariance = covariance / np.outer(part.readout.contrast, part.readout.contrast)
        interval = accuracy_interval(
            part.z.astype(np.float64), covariance, part.labels, seed=request.seed, readout=spread
        )
        error = float(np.sqrt(np.mean(standard_errors(part.z.astype(np.float64), covariance, spread) ** 2)))
    drawn = result.value
    if not request.drawn:
        drawn = part.sampled_accuracy(shots, request.seed)
    return {
        "accuracy": result.value,
        "interval": list(interval or result.interval),
        "sampled_accuracy": drawn,
        "z_error": error,
        "images": result.trials,
        "slope": slope(part.z, part.ideal),
    }
