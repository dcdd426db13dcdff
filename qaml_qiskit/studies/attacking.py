"""Makes adversarial images, each set once and kept as a file of the run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from qaml_qiskit import __version__
from qaml_qiskit.artifacts import HERE, AdversarialImages, Bar, Pool, Provenance, Row, Run, digest
from qaml_qiskit.artifacts.adversarial import ADVERSARIAL, told_attack
from qaml_qiskit.attacks import Attack, AttackResult, run_attack
from qaml_qiskit.compute import DEFAULT_COMPUTE, Compute
from qaml_qiskit.deployments import Batch, Deployment
from qaml_qiskit.progress import Advance, Progress
from qaml_qiskit.reports import one_of_each_class, perturbation_picture
from qaml_qiskit.simulation import computing
from qaml_qiskit.studies.targets import TargetRule, target_labels

#: Images attacked together; fewer where every step of an attack differentiates the fit of a circuit to every image.
_BATCH, _SLOW_BATCH = 250, 25


@dataclass(frozen=True)
class Cell:
    """One attack on one source.

    Attributes:
        source: the name of the deployment that is attacked.
        attack: with its strength and seed.
        rows: which of the images are attacked, by their places in the batch; None for all.
    """

    source: str
    attack: Attack
    rows: tuple[int, ...] | None = None

    @property
    def told(self) -> str:
        """What it is to a reader."""
        return f"{told_attack(self.attack.name, self.attack.budget)} on {Path(self.source).name}"

    @property
    def search(self) -> "Cell":
        """What serves this cell: an attack for the smallest perturbation learns its budget afterwards."""
        if not self.attack.traits.minimal:
            return self
        return replace(self, attack=self.attack.model_copy(update={"eps": None}))

    def of(self, batch: Batch) -> Batch:
        """The images of a batch that are attacked."""
        return batch if self.rows is None else batch.at(np.array(self.rows))


def adversarial_key(key: str) -> str:
    """Where a run keeps the adversarial images of a cell, without suffix."""
    return f"adversarial/{key}"


def make_adversarial(
    run: Run,
    cells: Mapping[str, Cell],
    sources: Sequence[Deployment],
    batch: Batch,
    progress: Progress,
    pool: Pool = HERE,
    targets: TargetRule | None = None,
    seed: int = 0,
) -> dict[str, AdversarialImages]:
    """Attack the images in every cell that is not done yet. The wrong ones are attacked, too.

    Args:
        run: gets a file a cell as it finishes.
        cells: by keys that are names of files; cells of one source and attack one after the other.
        sources: what they attack. They compute as they are deployed; images are kept in single precision.
        batch: the clean images.
        progress: told about every batch.
        pool: where it is done.
        targets: how labels are chosen that the sources are to say; None to lead them away from the right ones only.
        seed: of that choice.

    Returns:
        By the keys of the cells.
    """
    tasks = {adversarial_key(key): cell for key, cell in cells.items()}
    told = {key: cell.told for key, cell in tasks.items()}
    bar = Bar(progress, "attacking", told, {key: len(cell.of(batch)) for key, cell in tasks.items()})
    work = _Attacking(sources, batch, targets, seed)
    found = run.map(tasks, work, ADVERSARIAL, bar=bar, pool=pool, together=lambda cell: cell.search)
    return {key: found[adversarial_key(key)] for key in cells}


class _Attacking:
    """The work: a cell to its adversarial images. Remembers the last search."""

    def __init__(self, sources: Sequence[Deployment], batch: Batch, rule: TargetRule | None, seed: int) -> None:
        self._sources, self._batch, self._rule, self._seed = sources, batch, rule, seed
        self._last: tuple[Cell, AttackResult] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._sources, self._batch, self._rule, self._seed)

    @cached_property
    def _by_name(self) -> dict[str, Deployment]:
        return {source.name: source for source in self._sources}

    @cached_property
    def _digest(self) -> str:
        return digest(self._batch.images)

    def __call__(self, cell: Cell, advance: Advance) -> AdversarialImages:
        source, batch = self._by_name[cell.source], cell.of(self._batch)
        targets = self._targets(cell, source.num_classes)
        if self._last is None or self._last[0] != cell.search:
            self._last = cell.search, attacked(source, batch, cell.search.attack, advance, targets)
        result = _bounded(self._last[1], cell.attack, batch.images)
        return AdversarialImages(
            images=result.images.numpy(),
            labels=batch.labels,
            indices=batch.indices,
            clean_correct=result.clean_correct.numpy(),
            fooled=result.fooled.numpy(),
            provenance=self._provenance(source, cell, result),
            targets=targets,
        )

    def _targets(self, cell: Cell, num_classes: int) -> NDArray[np.int64] | None:
        """Of the images of a cell: each has the same one in all cells."""
        if self._rule is None:
            return None
        found = target_labels(self._rule, self._batch.labels, num_classes, self._seed)
        return found if cell.rows is None else found[np.array(cell.rows)]

    def _provenance(self, source: Deployment, cell: Cell, result: AttackResult) -> Provenance:
        attack = cell.attack
        return Provenance(
            model=source.model_name,
            weights=source.weights,
            noise=source.noise_name,
            attack=result.attack,
            norm=result.norm,
            parameters=attack.model_dump(mode="json"),
            eps=attack.budget,
            seed=attack.seed,
            dataset=source.card.data.dataset,
            data=source.card.data.fingerprint,
            classes=source.card.data.classes,
            images=self._batch.origin,
            images_digest=self._digest if cell.rows is None else digest(cell.of(self._batch).images),
            targets=self._rule,
            package_version=__version__,
        )


def attacked(
    source: Deployment,
    batch: Batch,
    attack: Attack,
    advance: Callable[[int], None],
    targets: NDArray[np.int64] | None = None,
) -> AttackResult:
    """What an attack on a deployment makes of all images, computed as it is deployed; see :func:`attacked_module`."""
    together = _SLOW_BATCH if source.encodes_slowly else _BATCH
    return attacked_module(source.module, batch, attack, source.compute, advance, batch_size=together, targets=targets)


def attacked_module(
    module: nn.Module,
    batch: Batch,
    attack: Attack,
    compute: Compute,
    advance: Callable[[int], None] | None = None,
    *,
    batch_size: int = _BATCH,
    targets: NDArray[np.int64] | None = None,
) -> AttackResult:
    """What an attack makes of all images, the wrong ones too.

    Args:
        module: lies where ``compute`` says.
        batch: the clean images.
        attack: with its strength and seed.
        compute: what it is made with.
        advance: told how many more images are finished.
        batch_size: images attacked together.
        targets: what the module shall say of them, shape (N,); None to lead it away from the labels only.

    Returns:
        On the processor, the images in single precision.
    """
    with computing(compute):
        result = run_attack(
            module,
            compute.placed(batch.images),
            torch.from_numpy(batch.labels),
            attack,
            batch_size=batch_size,
            spare_wrong=False,
            targets=None if targets is None else torch.from_numpy(targets),
            progress=advance,
        )
    found = {each.name: getattr(result, each.name) for each in fields(result)}
    tensors: dict[str, Any] = {name: value.cpu() for name, value in found.items() if isinstance(value, Tensor)}
    return replace(result, **{**tensors, "images": DEFAULT_COMPUTE.placed(result.images)})


def _bounded(result: AttackResult, attack: Attack, clean: Tensor) -> AttackResult:
    """The same search with a budget: beyond it the clean image comes back."""
    if result.distance is None or attack.budget is None:
        return result
    reached = result.distance <= attack.budget
    images = torch.where(reached.reshape(-1, 1, 1, 1), result.images, clean)
    return replace(result, eps=attack.budget, images=images, fooled=result.fooled & reached)


def attack_columns(made: AdversarialImages | None) -> Row:
    """Which attack a row is about; None for clean images."""
    if made is None:
        return {"attack": "none", "norm": None, "eps": 0.0}
    told = made.provenance
    return {"attack": told.attack, "norm": told.norm, "eps": told.eps}


def perturbations(batch: Batch, series: Mapping[str, tuple[Deployment, AdversarialImages]]) -> bytes:
    """A picture of an image a class: clean, and for every series as attacked, with the label given, and the change.

    Args:
        batch: the clean images.
        series: by title, a deployment, which names the labels, and adversarial images.
    """
    shown = one_of_each_class(batch.labels)
    attacked = {}
    for title, (source, made) in series.items():
        images = made.images[shown]
        attacked[title] = images, source.logits(torch.from_numpy(images)).numpy().argmax(1)
    return perturbation_picture(batch.images.numpy()[shown], batch.labels[shown], attacked)
