"""The cells of a tampering, what each of them comes to, and the rows that this makes."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.artifacts import JSON, Codec, Row
from qaml_qiskit.attacks.quantum import Budget
from qaml_qiskit.evaluation import Proportion
from qaml_qiskit.formats import npz
from qaml_qiskit.studies.parts import TamperedPart

#: Images whose states are attacked between two files: what a kill can lose. Most of the work does not depend on it.
BLOCK = 500


@dataclass(frozen=True)
class TamperedCell:
    """One attack within one budget.

    Attributes:
        part: what is tampered with.
        budget: how much.
        images: on which it is chosen and scored; all but for the encoding, whose images have a state each.
    """

    part: TamperedPart
    budget: Budget
    images: slice

    @property
    def name(self) -> str:
        """Of its files."""
        part = f"{self.part}-{self.images.start:06d}" if self.part == "encoding" else self.part
        return f"cells/{part}-{self.budget.strength!r}"

    @property
    def told(self) -> str:
        """What it is to a reader."""
        images = f" of images {self.images.start} to {self.images.stop - 1}" if self.part == "encoding" else ""
        return f"{self.part}{images}, strength {self.budget.strength:g}"


@dataclass(frozen=True)
class Tampered:
    """The damage of an attack, as a run keeps it.

    Attributes:
        attack: its name.
        changes: the part that is tampered with.
        knows: the parts that are read to decide how.
        strength: of the strongest change.
        components: how many were changed.
        before: accuracy of the honest classifier.
        after: accuracy under the attack.
        fooled: 1 for an image that was right before and is wrong now, else 0.
        change: what was done; in a file of its own, and not read back.
    """

    attack: str
    changes: str
    knows: list[str]
    strength: float
    components: int
    before: float
    after: float
    fooled: list[int]
    change: NDArray[Any] = field(default_factory=lambda: np.empty(0), compare=False)


def _document(found: Tampered) -> dict[str, Any]:
    return {name: value for name, value in vars(found).items() if name != "change"}


#: For the encoding: a change there is a state for every image, megabytes that nobody asked for.
STATES: Codec[Tampered] = JSON.of(_document, lambda content: Tampered(**content))
#: For the other parts.
TAMPERED = STATES.with_file(".npz", lambda found: npz(change=found.change))


def cells_of(part: TamperedPart, budget: Budget, images: int) -> list[TamperedCell]:
    """One cell for all images, but for the encoding, whose images have a state each."""
    size = BLOCK if part == "encoding" else images
    starts = range(0, images, size)
    return [TamperedCell(part, budget, slice(start, min(start + size, images))) for start in starts]


def worse(before: Tampered, now: Tampered) -> Tampered:
    """Which of two finds leaves less accuracy."""
    return before if before.after < now.after else now


def joined(part: TamperedPart, blocks: Sequence[Tampered]) -> Tampered:
    """The damage to the images of all blocks together."""
    if part != "encoding":
        return blocks[0]
    fooled = [each for block in blocks for each in block.fooled]
    return replace(
        blocks[0],
        strength=max(block.strength for block in blocks),
        components=max(block.components for block in blocks),
        before=sum(block.before * len(block.fooled) for block in blocks) / len(fooled),
        after=sum(block.after * len(block.fooled) for block in blocks) / len(fooled),
        fooled=fooled,
    )


def row_of(part: TamperedPart, budget: Budget, damage: Tampered) -> Row:
    """The row of a table."""
    images = len(damage.fooled)
    scored = Proportion(round(damage.after * images), images)
    return {
        "part": part,
        "changes": damage.changes,
        "knows": ", ".join(damage.knows),
        "strength": budget.strength,
        "spent": damage.strength,
        "components": damage.components,
        "accuracy": scored.value,
        "interval": list(scored.interval),
        "accuracy_before": damage.before,
        "images": images,
    }
