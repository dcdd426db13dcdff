"""Sets of attacked images: one attack at one strength, or of every image an attack and a strength drawn at random."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.artifacts import AdversarialImages
from qaml_qiskit.attacks import Attack
from qaml_qiskit.studies.attacking import Cell

#: What a set is called whose images are attacked in different ways.
MIX = "mix"


@dataclass(frozen=True)
class AttackedSet:
    """All images of a batch, attacked on one source.

    Attributes:
        source: the name of the deployment that they are made on.
        attack: the name of the attack, or ``mix``.
        eps: its strength; None for a mix, and for no bound.
        cells: what makes the images, by keys that are names of files; each has other rows of the batch.
    """

    source: str
    attack: str
    eps: float | None
    cells: Mapping[str, Cell]

    def images(self, made: Mapping[str, AdversarialImages]) -> NDArray[np.float32]:
        """The attacked images in the order of the batch.

        Args:
            made: by the keys of the cells.
        """
        parts = [made[key].images for key in self.cells]
        rows = [np.arange(len(part)) if cell.rows is None else np.array(cell.rows) for part, cell in self._with(parts)]
        images = np.empty((sum(map(len, parts)), *parts[0].shape[1:]), dtype=np.float32)
        for part, places in zip(parts, rows, strict=True):
            images[places] = part
        return images

    def _with(self, parts: Sequence[NDArray[np.float32]]) -> list[tuple[NDArray[np.float32], Cell]]:
        return list(zip(parts, self.cells.values(), strict=True))


def attacked_sets(key: str, source: str, attacks: Sequence[Attack]) -> dict[str, AttackedSet]:
    """A set an attack and strength.

    Args:
        key: what the names of their files begin with.
        source: the name of the deployment that they are made on.
        attacks: at all strengths.
    """
    cells = {f"{key}-{each.name}-eps{each.budget}": Cell(source, each) for each in attacks}
    return {
        name: AttackedSet(source, cell.attack.name, cell.attack.budget, {name: cell}) for name, cell in cells.items()
    }


def mixed_set(key: str, source: str, attacks: Sequence[Attack], images: int, seed: int) -> dict[str, AttackedSet]:
    """One set of which every image is attacked once, by one of these attacks, drawn evenly and independently.

    Args:
        key: what the names of its files begin with.
        source: the name of the deployment that it is made on.
        attacks: at all strengths.
        images: in the batch.
        seed: of the draws; it says the same whatever the source is.
    """
    drawn = np.random.default_rng(seed).integers(len(attacks), size=images)
    rows = {number: tuple(np.flatnonzero(drawn == number).tolist()) for number in range(len(attacks))}
    cells = {
        f"{key}-{MIX}-{each.name}-eps{each.budget}": Cell(source, each, rows[number])
        for number, each in enumerate(attacks)
        if rows[number]
    }
    return {f"{key}-{MIX}": AttackedSet(source, MIX, None, cells)}
