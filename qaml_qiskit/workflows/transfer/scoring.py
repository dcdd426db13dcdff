"""Scores clean and adversarial images on victims, and keeps what each victim says of each image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.deployments import Batch, Deployment
from qaml_qiskit.deployments.attacking import load_adversarial
from qaml_qiskit.progress import Progress
from qaml_qiskit.studies.predicting import Prediction, predict_on_device

#: Stands for the clean images where a cell's key is asked for.
CLEAN = "clean"


@dataclass(frozen=True)
class Scores:
    """What one victim says of one set of images.

    Attributes:
        predicted: labels, shape (N,); on a device from endless shots.
        sampled_accuracy: expected with finite shots on a device; None elsewhere.
    """

    predicted: NDArray[np.int64]
    sampled_accuracy: float | None = None


def score_transfer(
    run: Run,
    keys: Sequence[str],
    victims: Sequence[Deployment],
    batch: Batch,
    *,
    shots: int,
    seed: int,
    told: Mapping[str, str],
    progress: Progress,
) -> dict[tuple[str, str], Scores]:
    """Score every set of images on every victim. What is done is kept, set by set, on devices block by block.

    Args:
        run: has the adversarial images, and keeps the scores.
        keys: of the sets; :data:`CLEAN` for the clean images.
        victims: who scores.
        batch: the clean images.
        shots: of the expected accuracy on devices.
        seed: of these shots.
        told: what the sets are to a reader, by key.
        progress: told about every set.

    Returns:
        By key of the images and name of the victim.
    """
    found: dict[tuple[str, str], Scores] = {}
    at_once = [victim for victim in victims if victim.kind != "device"]
    kept = {key: run.kept_arrays(_file(key)) for key in keys} if at_once else {}
    waiting = [key for key, arrays in kept.items() if arrays is None]
    if waiting:
        with progress.task("scoring sets of images", len(keys), len(keys) - len(waiting)) as advance:
            for key in waiting:
                images = _images(run, key, batch)
                labels = []
                for victim in at_once:
                    advance(0, f"{told[key]}, by {victim.name}")
                    labels.append(victim.logits(images).numpy().argmax(1))
                kept[key] = scores = {"predicted": np.stack(labels)}
                run.keep_arrays(_file(key), scores)
                advance(1, told[key])
    for key, arrays in kept.items():
        assert arrays is not None
        for victim, predicted in zip(at_once, arrays["predicted"], strict=True):
            found[key, victim.name] = Scores(predicted)
    for number, victim in enumerate(victims):
        for key in keys if victim.kind == "device" else ():
            prediction = _on_device(run, key, number, victim, batch, told[key], progress)
            expected, _ = prediction.sampled(batch.labels, shots, seed)
            found[key, victim.name] = Scores(prediction.values().argmax(1), expected)
    return found


def _file(key: str) -> str:
    return f"scores/{key}.npz"


def _images(run: Run, key: str, batch: Batch) -> torch.Tensor:
    return batch.images if key == CLEAN else torch.from_numpy(load_adversarial(run, key).images)


def _on_device(
    run: Run, key: str, number: int, victim: Deployment, batch: Batch, told: str, progress: Progress
) -> Prediction:
    return predict_on_device(victim, _images(run, key, batch), run, f"{key}-on{number}", progress, told=told)
