"""Images of attackers who know the detector: made for one detector and one of its rules, piece by piece."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

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
from qaml_qiskit.studies.asking import is_sampled
from qaml_qiskit.studies.detecting import Rule

Images = NDArray[np.float32]


@dataclass(frozen=True)
class Evasive:
    """An attacker of a classifier that one detector watches.

    Attributes:
        detector: its name.
        rule: by which it raises an alarm.
        attack: with its strength.
        rows: which of the images are attacked, by their places in the batch.
    """

    detector: str
    rule: Rule
    attack: Adaptive
    rows: tuple[int, ...]

    @property
    def told(self) -> str:
        """What it is to a reader."""
        return f"{self.attack.variant}, ε = {self.attack.eps:g}, against {self.detector}"


@dataclass(frozen=True)
class Watched:
    """What the attacker knows.

    Attributes:
        models: that the detectors ask; the first is watched. Those on targets are known to him as they are without
            noise, with which he computes.
        detectors: by name, prepared.
        fitted: what they learned, by name.
        batch: the clean images.
        known: what attackers who do not know of the detector made of them; no result is worse.
    """

    models: tuple[Deployment, ...]
    detectors: Mapping[str, Detector]
    fitted: Mapping[str, FittedDetector]
    batch: Batch
    known: Sequence[Images] = ()

    @cached_property
    def exact(self) -> list[Deployment]:
        """The models, without the noise of targets."""
        return [each.at(Ideal(rule=each.condition.rule)) if is_sampled(each) else each for each in self.models]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.models, self.detectors, self.fitted, self.batch, self.known)


def make_evasive(
    run: Run, attackers: Mapping[str, Evasive], watched: Watched, seed: int, progress: Progress, pool: Pool = HERE
) -> dict[str, Images]:
    """The images of every attacker, in the order of his rows.

    Args:
        run: gets a file an attacker as it finishes.
        attackers: by keys that are names of files.
        watched: what all of them know.
        seed: of the random starts.
        progress: told about every attacker.
        pool: where it is done.
    """
    tasks = {f"evasive/{key}": attacker for key, attacker in attackers.items()}
    told = {key: each.told for key, each in tasks.items()}
    bar = Bar(progress, "evading detectors", told, {key: len(each.rows) for key, each in tasks.items()})
    found = run.map(tasks, _Evading(watched, seed), ARRAYS, bar=bar, pool=pool)
    return {key: found[f"evasive/{key}"]["images"] for key in attackers}


@dataclass(frozen=True)
class _Evading:
    """The work: an attacker to his images."""

    watched: Watched
    seed: int

    def __call__(self, attacker: Evasive, advance: Advance) -> Arrays:
        watched, models = self.watched, self.watched.exact
        rows = list(attacker.rows)
        batch, compute = watched.batch.at(np.array(rows)), models[0].compute
        known = [compute.placed(torch.from_numpy(images[rows])) for images in watched.known]
        with computing(compute):
            images = attacker.attack.images(
                [model.module for model in models],
                watched.detectors[attacker.detector],
                watched.fitted[attacker.detector],
                attacker.rule.threshold,
                compute.placed(batch.images),
                torch.from_numpy(batch.labels),
                seed=derived_seed(self.seed, rows[0]),
                known=known,
            )
        return {"images": DEFAULT_COMPUTE.placed(images).numpy()}


def evasive_attackers(
    detector: str, rule: Rule, attack: Adaptive, strengths: NDArray[np.float64], together: int = 100
) -> list[Evasive]:
    """Attackers who together attack every image at its own strength, each some images at one.

    Args:
        detector: its name.
        rule: by which it raises an alarm.
        attack: at any strength.
        strengths: of every image of the batch, shape (N,).
        together: images of an attacker at most: what a kill can lose.
    """
    return [
        Evasive(detector, rule, attack.model_copy(update={"eps": eps}), tuple(block.tolist()))
        for eps in np.unique(strengths).tolist()
        for block in _blocks(np.flatnonzero(strengths == eps), together)
    ]


def _blocks(rows: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]
