"""Adversarial images as files that say what they were made on, how, and from which images."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from qaml_qiskit.artifacts.codecs import ARRAYS, Codec
from qaml_qiskit.datasets import check_images
from qaml_qiskit.errors import InputError
from qaml_qiskit.formats import Arrays, damaged, model_of, read_arrays
from qaml_qiskit.labels import check_labels

_ARRAYS = ("images", "labels", "indices", "clean_correct", "fooled", "provenance")


def told_attack(name: str, eps: float | None) -> str:
    """An attack and its strength, to a reader."""
    return name if eps is None else f"{name}, ε = {eps:g}"


class Provenance(BaseModel):
    """Where adversarial images come from.

    Attributes:
        format: of these fields.
        model: name of the model that was attacked, as it was given.
        weights: fingerprint of its weights; of a network of the user's, of its code, too.
        noise: exact noise on that model, as ``name:strength``; None for none.
        attack: its reported name.
        norm: in which ``eps`` bounds the perturbations.
        parameters: all parameters of the attack.
        eps: the budget; None for none.
        seed: of the attack.
        dataset: that the model was trained for.
        data: the fingerprint of own data; None for a data set that is known by name.
        classes: of that data set, in the order of the labels.
        images: what was attacked: a number of test images, or an .npz.
        images_digest: fingerprint of the clean images.
        targets: by which rule the model was led to other labels; None where it was only led away.
        package_version: of qaml-qiskit.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    format: Literal[1] = 1
    model: str
    weights: str
    noise: str | None
    attack: str
    norm: Literal["linf", "l2"]
    parameters: dict[str, Any]
    eps: float | None
    seed: int
    dataset: str
    data: Annotated[str | None, Field(exclude_if=lambda fingerprint: fingerprint is None)] = None
    classes: tuple[int | str, ...]
    images: str
    images_digest: str
    targets: Annotated[str | None, Field(exclude_if=lambda rule: rule is None)] = None
    package_version: str

    @property
    def source(self) -> str:
        """The model with its noise, as a victim is written."""
        return self.model if self.noise is None else f"{self.model}@{self.noise}"

    @property
    def told(self) -> str:
        """The attack and its strength, to a reader."""
        return told_attack(self.attack, self.eps)


@dataclass(frozen=True)
class AdversarialImages:
    """Adversarial images and what they did to the model that they were made on.

    Attributes:
        images: shape (N, C, H, W), float32, in [0, 1].
        labels: true classes, shape (N,).
        indices: positions among the images that were attacked, shape (N,).
        clean_correct: which images the model got right when clean, shape (N,).
        fooled: which of these it gets wrong now, shape (N,).
        provenance: where they come from.
        targets: what the model was to say of each, shape (N,); None where it was only led away.
    """

    images: NDArray[np.float32]
    labels: NDArray[np.int64]
    indices: NDArray[np.int64]
    clean_correct: NDArray[np.bool_]
    fooled: NDArray[np.bool_]
    provenance: Provenance
    targets: NDArray[np.int64] | None = None

    def arrays(self) -> Arrays:
        """The arrays of an .npz without pickled objects; the provenance is JSON in an array of no dimension."""
        return {
            "images": self.images,
            "labels": self.labels,
            "indices": self.indices,
            "clean_correct": self.clean_correct,
            "fooled": self.fooled,
            "provenance": np.array(json.dumps(self.provenance.model_dump())),
            **({} if self.targets is None else {"targets": self.targets}),
        }


def _from_arrays(arrays: Arrays) -> AdversarialImages:
    plain: dict[str, Any] = {name: arrays[name] for name in _ARRAYS[:-1]}
    provenance = parse_provenance(arrays["provenance"], Path("a kept part"))
    return AdversarialImages(**plain, provenance=provenance, targets=arrays.get("targets"))


#: Adversarial images that a run keeps.
ADVERSARIAL: Codec[AdversarialImages] = ARRAYS.of(AdversarialImages.arrays, _from_arrays)


def read_adversarial(path: Path) -> AdversarialImages:
    """Read a file that ``qaml attack`` or ``qaml transfer`` wrote.

    Raises:
        InputError: the file cannot be read, has no provenance, holds pickled objects, or its arrays do not fit.
    """
    arrays = read_arrays(
        path,
        _ARRAYS,
        ("targets",),
        source=f"images from {path}",
        expected="adversarial images with their provenance, without pickled objects",
        remedy="make the file with `qaml attack`",
    )
    provenance = parse_provenance(arrays["provenance"], path)
    images = check_images(arrays["images"])
    count = len(images)
    labels = check_labels(arrays["labels"], count, len(provenance.classes), source=str(path))
    for name, kind in {"indices": "iu", "clean_correct": "b", "fooled": "b"}.items():
        array = arrays[name]
        if array.shape != (count,) or array.dtype.kind not in kind:
            raise InputError(
                f"the array {name} in {path} does not fit",
                got=f"{array.dtype} of shape {array.shape}",
                expected=f"{'integers' if kind == 'iu' else 'truth values'} of shape ({count},)",
                remedy="make the file again with `qaml attack`",
            )
    return AdversarialImages(
        images=images,
        labels=labels,
        indices=arrays["indices"].astype(np.int64),
        clean_correct=arrays["clean_correct"],
        fooled=arrays["fooled"],
        provenance=provenance,
        targets=_targets(arrays, count, len(provenance.classes), path),
    )


def _targets(arrays: Arrays, count: int, num_classes: int, path: Path) -> NDArray[np.int64] | None:
    found = arrays.get("targets")
    return None if found is None else check_labels(found, count, num_classes, source=f"the targets in {path}")


def parse_provenance(array: NDArray[Any], path: Path) -> Provenance:
    """The provenance from its array.

    Raises:
        InputError: something else is in there; ``path`` is named.
    """
    source, remedy = f"the provenance in {path}", "make the file again with `qaml attack`"
    if array.shape != () or array.dtype.kind != "U":
        got = f"an array of shape {array.shape} and type {array.dtype}"
        raise damaged(source, got, "JSON as `qaml attack` writes it", remedy)
    # A name that is not UTF-8 is written with escapes; a bare lone surrogate is damage, and refused as such.
    return model_of(str(array).encode(errors="surrogatepass"), source, Provenance, remedy)
