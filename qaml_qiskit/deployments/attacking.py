"""Makes adversarial images, each set once and kept as a file of the run."""

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, fields, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qaml_qiskit import __version__
from qaml_qiskit.artifacts.adversarial import AdversarialImages, Provenance, read_adversarial
from qaml_qiskit.artifacts.fingerprints import digest
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.attacks import Attack, AttackResult, run_attack
from qaml_qiskit.compute import DEFAULT_COMPUTE, Compute
from qaml_qiskit.deployments.deployment import Deployment
from qaml_qiskit.deployments.images import Batch
from qaml_qiskit.progress import Advance, Progress

#: Images attacked together; fewer where every step of an attack differentiates the fit of a circuit to every image.
_BATCH, _SLOW_BATCH = 250, 25


@dataclass(frozen=True)
class Cell:
    """One attack on one source.

    Attributes:
        key: unique in the run, and a file name.
        source: what is attacked.
        attack: with its strength and seed.
    """

    key: str
    source: Deployment
    attack: Attack

    @property
    def attack_name(self) -> str:
        """As it must be reported."""
        return self.attack.variant(self.source.num_classes)

    @property
    def told(self) -> str:
        """What it is to a reader."""
        size = "" if self.attack.budget is None else f", ε = {self.attack.budget:g}"
        return f"{self.attack_name}{size} on {Path(self.source.name).name}"

    @property
    def file(self) -> str:
        """Of its adversarial images, in the run."""
        return adversarial_file(self.key)


def adversarial_file(key: str) -> str:
    """Where a run keeps the adversarial images of a cell."""
    return f"adversarial/{key}.npz"


def load_adversarial(run: Run, key: str) -> AdversarialImages:
    """The adversarial images of a cell that is done."""
    return read_adversarial(run.path / adversarial_file(key))


def labels_given(source: Deployment, images: NDArray[np.floating]) -> NDArray[np.int64]:
    """The labels that a model gives images of shape (N, C, H, W)."""
    return source.logits(torch.from_numpy(images)).numpy().argmax(1)


def make_adversarial(
    run: Run, cells: Sequence[Cell], batch: Batch, progress: Progress, compute: Compute = DEFAULT_COMPUTE
) -> None:
    """Attack the images in every cell that is not done yet. All images are attacked, the wrong ones too.

    Args:
        run: gets a file a cell as it finishes.
        cells: cells of one source and attack one after the other.
        batch: the clean images.
        progress: told about every batch.
        compute: what the images are made with; they are kept in single precision.
    """
    waiting = [cell for cell in cells if run.kept_arrays(cell.file) is None]
    if not waiting:
        return
    count, fingerprint = len(batch.images), digest(batch.images)
    done = count * (len(cells) - len(waiting))
    with progress.task("attacking", count * len(cells), done) as advance:
        for group in _sharing(waiting):
            note = group[0].told if len(group) == 1 else f"{group[0].attack_name} on {Path(group[0].source.name).name}"
            advance(0, note)
            # Cells that share a search advance together.
            for cell, result in _results(group, batch, compute, _telling(advance, len(group), note)):
                run.keep_arrays(cell.file, _file(cell, result, batch, fingerprint).arrays())


def _telling(advance: Advance, cells: int, note: str) -> Callable[[int], None]:
    return lambda images: advance(images * cells, note)


def _sharing(cells: Sequence[Cell]) -> Iterator[list[Cell]]:
    """Cells that one search serves: an attack for the smallest perturbation learns its budget afterwards."""

    def search(cell: Cell) -> tuple[str, str]:
        return (cell.source.name, cell.attack.name if cell.attack.traits.minimal else cell.key)

    for _, group in groupby(cells, search):
        yield list(group)


def _results(
    group: list[Cell], batch: Batch, compute: Compute, tell: Callable[[int], None]
) -> Iterator[tuple[Cell, AttackResult]]:
    first = group[0]
    module = first.source.module
    if compute != DEFAULT_COMPUTE:
        # A copy: what else is done with the model is done with it as it is.
        module = compute.placed(deepcopy(module))
    shared = len(group) > 1
    attack = first.attack.model_copy(update={"eps": None}) if shared else first.attack
    result = run_attack(
        module,
        compute.placed(batch.images),
        torch.from_numpy(batch.labels),
        attack,
        batch_size=_SLOW_BATCH if first.source.encodes_slowly else _BATCH,
        spare_wrong=False,
        progress=tell,
    )
    found = {each.name: getattr(result, each.name) for each in fields(result)}
    tensors: dict[str, Any] = {name: value.cpu() for name, value in found.items() if isinstance(value, Tensor)}
    result = replace(result, **{**tensors, "images": DEFAULT_COMPUTE.placed(result.images)})
    for cell in group:
        yield cell, _bounded(result, cell.attack, batch.images) if shared else result


def _bounded(result: AttackResult, attack: Attack, clean: Tensor) -> AttackResult:
    """The same search with a budget: beyond it the clean image comes back."""
    assert result.distance is not None
    if attack.budget is None:
        return result
    reached = result.distance <= attack.budget
    images = torch.where(reached.reshape(-1, 1, 1, 1), result.images, clean)
    return replace(result, eps=attack.budget, images=images, fooled=result.fooled & reached)


def _file(cell: Cell, result: AttackResult, batch: Batch, fingerprint: str) -> AdversarialImages:
    card, attack = cell.source.card, cell.attack
    provenance = Provenance(
        model=cell.source.model_name,
        weights=cell.source.weights,
        noise=cell.source.noise_name,
        attack=result.attack,
        norm=result.norm,
        parameters=attack.model_dump(mode="json"),
        eps=attack.budget,
        seed=attack.seed,
        dataset=card.data.dataset,
        classes=card.data.classes,
        images=batch.origin,
        images_digest=fingerprint,
        package_version=__version__,
    )
    return AdversarialImages(
        images=result.images.numpy(),
        labels=batch.labels,
        indices=batch.indices,
        clean_correct=result.clean_correct.numpy(),
        fooled=result.fooled.numpy(),
        provenance=provenance,
    )
