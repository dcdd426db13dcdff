"""What victims say of sets of images, kept set by set in the run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from qaml_qiskit.artifacts import ARRAYS, HERE, Bar, Pool, Run
from qaml_qiskit.deployments import Deployment
from qaml_qiskit.formats import Arrays
from qaml_qiskit.progress import Advance, Progress
from qaml_qiskit.studies.devices.predicting import OnDevice, Prediction, predict_on_devices


@dataclass(frozen=True)
class Score:
    """What one victim says of one set of images.

    Attributes:
        predicted: labels, shape (N,); on a device from endless shots.
        device: what a device would measure; None elsewhere.
    """

    predicted: NDArray[np.int64]
    device: Prediction | None = None


def score_images(
    run: Run,
    sets: Mapping[str, Tensor],
    victims: Sequence[Deployment],
    told: Mapping[str, str],
    progress: Progress,
    pool: Pool = HERE,
) -> dict[tuple[str, str], Score]:
    """Score every set of images on every victim. What is done is kept, set by set, on devices block by block.

    Args:
        run: keeps the scores.
        sets: images of shape (N, C, H, W), by names that are names of files.
        victims: who scores. They compute as they are deployed.
        told: what the sets are to a reader.
        progress: told about every set.
        pool: where it is done.

    Returns:
        By the name of the set and that of the victim.
    """
    found: dict[tuple[str, str], Score] = {}
    at_once = tuple(victim for victim in victims if victim.kind != "device")
    if at_once:
        tasks = {f"scores/{key}": images for key, images in sets.items()}
        steps = dict.fromkeys(tasks, len(at_once))
        bar = Bar(progress, "scoring sets of images", {f"scores/{key}": told[key] for key in sets}, steps)
        scores = run.map(tasks, _Scoring(at_once), ARRAYS, bar=bar, pool=pool)
        for key in sets:
            labels = zip(at_once, scores[f"scores/{key}"]["predicted"], strict=True)
            found |= {(key, victim.name): Score(predicted) for victim, predicted in labels}
    devices = {
        f"{key}-on{number}": (key, victim)
        for number, victim in enumerate(victims)
        for key in (sets if victim.kind == "device" else ())
    }
    asked = {name: OnDevice(victim, sets[key], told[key]) for name, (key, victim) in devices.items()}
    for name, prediction in (predict_on_devices(asked, run, progress, pool) if asked else {}).items():
        key, victim = devices[name]
        found[key, victim.name] = Score(prediction.logits().argmax(1), prediction)
    return found


@dataclass(frozen=True)
class _Scoring:
    """The work: images to the labels that the victims give them."""

    victims: tuple[Deployment, ...]

    def __call__(self, images: Tensor, advance: Advance) -> Arrays:
        labels = []
        for victim in self.victims:
            advance(0, f"by {victim.name}")
            labels.append(victim.logits(images).numpy().argmax(1))
            advance(1)
        return {"predicted": np.stack(labels)}
