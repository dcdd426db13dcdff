"""Attackers who know a detector and its threshold, at the strengths of those who do not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from qaml_qiskit.artifacts import ARRAYS, HERE, Bar, Pool, Run
from qaml_qiskit.compute import DEFAULT_COMPUTE
from qaml_qiskit.deployments import Batch, Deployment, Ideal
from qaml_qiskit.detection import Adaptive, Detector, FittedDetector
from qaml_qiskit.formats import Arrays
from qaml_qiskit.progress import Advance, Progress
from qaml_qiskit.seeds import derived_seed
from qaml_qiskit.simulation import computing
from qaml_qiskit.studies.attacking import Cell
from qaml_qiskit.studies.mixing import AttackedSet

#: Images of a task, attacked together; fewer where every step differentiates the fit of a circuit to every image.
_BLOCK, _SLOW_BLOCK = 100, 25


@dataclass(frozen=True)
class AdaptiveAttempt:
    """An attacker who knows a detector, and what he attacks.

    Attributes:
        detector: its name.
        threshold: above it an alarm is raised.
        attacker: with his strength.
        rows: which images he attacks, by their places in the batch; None for all.
        known: what attackers of the same strength made of these who do not know the detector.
        told: what he is to a reader.
    """

    detector: str
    threshold: float
    attacker: Adaptive
    rows: tuple[int, ...] | None
    known: tuple[NDArray[np.float32], ...]
    told: str


@dataclass(frozen=True)
class AttackStrength:
    """A budget in l∞, and the images that are attacked with it."""

    eps: float
    rows: tuple[int, ...] | None = None


def strength_of(cell: Cell) -> AttackStrength | None:
    """At what its images are attacked; None where that is not bounded in l∞."""
    eps = cell.attack.budget if cell.attack.traits.norm == "linf" else None
    return None if eps is None else AttackStrength(eps, cell.rows)


def attacked_strengths(attacked: Mapping[str, AttackedSet]) -> dict[AttackStrength, list[str]]:
    """The strengths of sets of attacked images, with the keys of the cells that have them."""
    found: dict[AttackStrength, list[str]] = {}
    for each in attacked.values():
        for name, cell in each.cells.items():
            if (strength := strength_of(cell)) is not None:
                found.setdefault(strength, []).append(name)
    return found


def make_adaptive(
    run: Run,
    attempts: Mapping[str, AdaptiveAttempt],
    models: Sequence[Deployment],
    detectors: Mapping[str, Detector],
    fitted: Mapping[str, FittedDetector],
    batch: Batch,
    seed: int,
    progress: Progress,
    pool: Pool = HERE,
) -> dict[str, NDArray[np.float32]]:
    """What attackers who know their detectors make of the images, through the exact modules of the models.

    Args:
        run: keeps the images, block by block.
        attempts: by keys that are names of files.
        models: that the detectors ask; the first is watched. Those on targets are known to the attackers without their
            noise, by which they compute.
        detectors: by name, prepared.
        fitted: the same, fitted.
        batch: the clean images.
        seed: of the random starts.
        progress: told about every block.
        pool: where it is done.

    Returns:
        By the keys of the attempts, the images of their rows.
    """
    size = _SLOW_BLOCK if any(model.encodes_slowly for model in models) else _BLOCK
    tasks: dict[str, _Block] = {}
    of: dict[str, list[str]] = {key: [] for key in attempts}
    for key, attempt in attempts.items():
        chosen = batch if attempt.rows is None else batch.at(np.array(attempt.rows))
        for start in range(0, len(chosen), size):
            part = slice(start, start + size)
            task = f"adaptive/{key}-{start:06d}"
            known = tuple(each[part] for each in attempt.known)
            images = chosen.images[part].clone()
            tasks[task] = _Block(replace(attempt, known=known), images, chosen.labels[part], start)
            of[key].append(task)
    told = {task: block.attempt.told for task, block in tasks.items()}
    bar = Bar(progress, "adapting to detectors", told, {task: len(block.labels) for task, block in tasks.items()})
    found = run.map(tasks, _Adapting(models, detectors, fitted, seed), ARRAYS, bar=bar, pool=pool)
    return {key: np.concatenate([found[task]["images"] for task in of[key]]) for key in attempts}


def without_target(model: Deployment) -> Deployment:
    """A model as attackers compute it: one on a target without its noise."""
    return model.at(Ideal(rule=model.condition.rule)) if model.kind == "device" else model


@dataclass(frozen=True)
class _Block:
    """An attempt on some of its images, and the place of the first among all."""

    attempt: AdaptiveAttempt
    images: torch.Tensor
    labels: NDArray[np.int64]
    start: int


@dataclass(frozen=True)
class _Adapting:
    """The work: a block to the best images that the attacker found."""

    models: Sequence[Deployment]
    detectors: Mapping[str, Detector]
    fitted: Mapping[str, FittedDetector]
    seed: int

    def __call__(self, block: _Block, advance: Advance) -> Arrays:
        attempt, compute = block.attempt, self.models[0].compute
        with computing(compute):
            found = attempt.attacker.images(
                [without_target(model).module for model in self.models],
                self.detectors[attempt.detector],
                self.fitted[attempt.detector],
                attempt.threshold,
                compute.placed(block.images),
                torch.from_numpy(block.labels),
                seed=derived_seed(self.seed, block.start),
                known=[compute.placed(torch.from_numpy(each)) for each in attempt.known],
            )
        return {"images": DEFAULT_COMPUTE.placed(found).numpy()}
