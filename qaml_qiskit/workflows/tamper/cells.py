"""The cells of a tamper run, each kept as it finishes: one attack within one budget, on all images or a block."""

from collections.abc import Callable, Sequence
from functools import cached_property

import torch

from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.attacks.quantum import Access, Budget, Damage, QuantumAttack
from qaml_qiskit.formats import npz
from qaml_qiskit.progress import Advance

#: Images whose states are attacked between two files: what a kill can lose. Most of the work does not depend on it.
BLOCK = 500


class KeptAttack:
    """An attack whose results are kept in the run, and taken from there when they are there.

    Args:
        name: of the cells' files.
        told: what is attacked, to a reader.
        run: keeps them.
        make: makes the attack; called when something is missing.
        advance: told about every cell that is computed.
        keeps_change: whether what was done is kept, too.
    """

    def __init__(
        self,
        name: str,
        told: str,
        run: Run,
        make: Callable[[], QuantumAttack],
        advance: Advance,
        *,
        keeps_change: bool = True,
    ) -> None:
        self._name, self._told, self._run, self._make, self._advance = name, told, run, make, advance
        self._keeps_change = keeps_change

    @cached_property
    def _attack(self) -> QuantumAttack:
        return self._make()

    @property
    def access(self) -> Access:
        """What the attack assumes."""
        return self._attack.access

    def damage(self, budget: Budget) -> Damage:
        """The damage within a budget; without ``change``, which is in the run's ``.npz`` files."""
        file = cell_file(self._name, budget.strength)
        if (document := self._run.kept_json(file)) is None:
            found = self._attack.damage(budget)
            if self._keeps_change:
                self._run.write(file.replace(".json", ".npz"), npz(change=found.change.cpu().numpy()))
            document = _document(found)
            self._run.keep_json(file, document)
            self._advance(1, f"{self._told}, strength {budget.strength:g}, is done")
        return _damage(document, budget)


class Joined:
    """The same attack on several blocks of images, as one.

    Args:
        blocks: the attacks.
        sizes: how many images each of them is on.
    """

    def __init__(self, blocks: Sequence[QuantumAttack], sizes: Sequence[int]) -> None:
        self._blocks, self._sizes = blocks, sizes

    @property
    def access(self) -> Access:
        """What the attack assumes."""
        return self._blocks[0].access

    def damage(self, budget: Budget) -> Damage:
        """The damage to all images together."""
        parts = [block.damage(budget) for block in self._blocks]
        images = sum(self._sizes)
        return Damage(
            attack=parts[0].attack,
            access=parts[0].access,
            budget=budget,
            strength=max(part.strength for part in parts),
            components=max(part.components for part in parts),
            before=sum(part.before * size for part, size in zip(parts, self._sizes, strict=True)) / images,
            after=sum(part.after * size for part, size in zip(parts, self._sizes, strict=True)) / images,
            fooled=torch.cat([part.fooled for part in parts]),
            change=torch.cat([part.change for part in parts]),
        )


def cell_file(name: str, strength: float) -> str:
    """Where a cell is kept within the run."""
    return f"cells/{name}-{strength!r}.json"


def block_name(start: int) -> str:
    """The name of the attack on the states of the images from ``start`` on."""
    return f"encoding-{start:06d}"


def blocks_of(images: int) -> list[slice]:
    """The blocks of so many images."""
    return [slice(start, min(start + BLOCK, images)) for start in range(0, images, BLOCK)]


def _document(found: Damage) -> dict[str, object]:
    return {
        "attack": found.attack,
        "changes": found.access.changes,
        "knows": list(found.access.knows),
        "strength": found.strength,
        "components": found.components,
        "before": found.before,
        "after": found.after,
        "fooled": found.fooled.int().tolist(),
    }


def _damage(document: dict[str, object], budget: Budget) -> Damage:
    figures = {name: document[name] for name in ("attack", "strength", "components", "before", "after")}
    return Damage(
        access=Access(document["changes"], tuple(document["knows"])),  # type: ignore[arg-type]
        budget=budget,
        fooled=torch.tensor(document["fooled"], dtype=torch.bool),
        change=torch.empty(0),
        **figures,  # type: ignore[arg-type]
    )
