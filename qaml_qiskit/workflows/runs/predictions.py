"""Which images a run named correctly, from its own files; and which of them two runs share."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.formats import Arrays, arrays_of, read_bytes
from qaml_qiskit.workflows.runs.summary import Summary

PREDICTIONS_FILE = "predictions.npz"
#: The stages of a run or a demo in its arrays, the last one first.
_STAGES = ("mitigated", "raw", "noisy", "ideal")


@dataclass(frozen=True)
class NamedImages:
    """The images of a run.

    Attributes:
        labels: the true ones, shape (N,).
        indices: positions in the test set or the file, shape (N,).
        correct: whether the run's last stage names them, shape (N,).
        digest: fingerprint of the images, where the run has one.
        data: data set, classes and fingerprint of own data, as far as the run says.
        of_test_set: whether the positions are those in the test set.
    """

    labels: NDArray[np.int64]
    indices: NDArray[np.int64]
    correct: NDArray[np.bool_]
    digest: str | None
    data: tuple[Any, ...]
    of_test_set: bool


def named_images(summary: Summary) -> NamedImages | None:
    """What a complete run says of every image; None for a run that keeps no predictions of labels.

    Raises:
        DamagedFileError: the file is damaged.
    """
    file = summary.path / PREDICTIONS_FILE
    if summary.state != "complete" or not file.is_file():
        return None
    arrays = arrays_of(read_bytes(file), str(file))
    said = _said(arrays)
    if said is None or not {"labels", "indices"} <= arrays.keys():
        return None
    labels, indices = arrays["labels"], arrays["indices"]
    if said.ndim != 2 or not said.shape[1] or labels.ndim != 1 or not len(labels) == len(indices) == len(said):
        return None
    resolved = summary.config.get("resolved")
    resolved = resolved if isinstance(resolved, dict) else {}
    classes = summary.config.get("classes")
    given = str(summary.config.get("images", "0"))
    return NamedImages(
        labels,
        indices,
        said.argmax(1) == labels,
        resolved.get("images"),
        (summary.config.get("dataset"), tuple(classes) if isinstance(classes, list) else (), resolved.get("data")),
        given.isdecimal(),
    )


def _said(arrays: Arrays) -> NDArray[Any] | None:
    """The logits of the last stage, or the ⟨Z_k⟩ of a qubit a class, which have their order."""
    places = [f"{what}_{stage}{images}" for stage in _STAGES for images in ("", "_clean") for what in ("logits", "z")]
    return next((arrays[name] for name in ("logits", *places) if name in arrays), None)


def shared_images(first: NamedImages, second: NamedImages) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | str:
    """Whether each run names the images that both saw, or why nobody can say.

    They are the same where their fingerprints are, and where both are of the test set of one data set: then those at
    the same positions, which must have the same labels.
    """
    if first.digest is not None and first.digest == second.digest:
        return first.correct, second.correct
    if not (first.of_test_set and second.of_test_set):
        return "their images come from different files"
    if None not in (first.data[0], second.data[0]) and first.data != second.data:
        return "they were trained for different data"
    _, here, there = np.intersect1d(first.indices, second.indices, return_indices=True)
    if not len(here):
        return "they share no image"
    if (first.labels[here] != second.labels[there]).any():
        return "images at the same positions have different labels"
    return first.correct[here], second.correct[there]
