"""Classifiers as they are attacked and scored: exact, under exact noise, or on a device's own noise model."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, cast

import torch
from torch import Tensor, nn

from qaml_qiskit.deployments.circuits import native_circuit
from qaml_qiskit.deployments.compiled import Compiled, compile_model
from qaml_qiskit.deployments.inputs import require_qvc
from qaml_qiskit.deployments.references import model_part
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.models import QVC, WEIGHTS_FILE, NoisyQVC, StoredModel, model_files
from qaml_qiskit.noise import NoiseSpec, named_noise
from qaml_qiskit.simulation.heisenberg import noisy_observables

Kind = Literal["exact", "noisy", "device"]


@dataclass(frozen=True)
class Classifier:
    """A model, and what disturbs it.

    Attributes:
        name: as it was given, such as ``mnist-qvc200@depolarizing:0.001``.
        stored: the model and its card.
        noise: on the native gates of the layers and on the readout; None for none.
        noise_name: ``name:strength``; None for none.
        compiled: for a device; None elsewhere.
    """

    name: str
    stored: StoredModel
    noise: NoiseSpec | None = None
    noise_name: str | None = None
    compiled: Compiled | None = None

    @property
    def kind(self) -> Kind:
        """How it is scored."""
        if self.compiled is not None:
            return "device"
        return "exact" if self.noise is None else "noisy"

    @cached_property
    def weights(self) -> str:
        """Fingerprint of the weights: first 16 hexadecimal digits of the SHA-256 of ``model.safetensors``."""
        return hashlib.sha256(model_files(self.stored.model, self.stored.card)[WEIGHTS_FILE]).hexdigest()[:16]

    @property
    def num_classes(self) -> int:
        """How many labels there are."""
        return int(self.stored.card.model.num_classes)

    @cached_property
    def module(self) -> nn.Module:
        """Images (N, C, H, W) to logits (N, m), differentiable; frozen, so that a deep QVC is collapsed once.

        Not for a device, whose own module is its circuit.
        """
        model = self.stored.model.eval().requires_grad_(False)
        if self.noise is None:
            return model
        layers = native_circuit(cast(QVC, model), "gate", with_encoding=False).under(self.noise)
        observables = noisy_observables(layers.circuit, layers.noise, layers.read, inputs=layers.inputs)
        return NoisyQVC(cast(QVC, model), observables)


def under_noise(stored: StoredModel, model: str, noise: str, strength: float) -> Classifier:
    """A QVC under a named noise, by gate.

    Args:
        stored: the model.
        model: its name.
        noise: a name of :data:`qaml_qiskit.noise.NOISES`.
        strength: 0 is no noise.

    Raises:
        ConfigurationError: no QVC, an unknown noise, or a strength out of its range.
    """
    require_qvc(
        stored,
        "this model has no circuit that noise could act on",
        got=f"{noise} noise on {model}, a {stored.card.model.kind}",
        remedy="leave out the noise, or choose another model",
    )
    spec = named_noise(noise, strength)
    told = f"{noise}:{strength:g}"
    return Classifier(f"{model}@{told}", stored, spec if strength > 0 else None, told)


def read_classifier(
    name: str, find: Callable[[str], StoredModel], recipe: str = "level3", backends: Path | None = None
) -> Classifier:
    """Resolve ``MODEL``, ``MODEL@NOISE:STRENGTH`` or ``MODEL@TARGET``.

    Args:
        name: as it was given.
        find: gives a model by its name; pass one that remembers, and models are shared.
        recipe: compiles for a device.
        backends: the backends.yaml of the devices.

    Raises:
        QamlError: a part of the name does not exist or does not fit the model.
    """
    model = model_part(name)
    if model == name:
        return Classifier(name, find(name))
    where = name.removeprefix(f"{model}@")
    noise, colon, strength = where.partition(":")
    if not colon:
        return Classifier(name, find(model), compiled=compile_model(find(model), where, recipe, backends))
    try:
        value = float(strength)
    except ValueError as error:
        raise ConfigurationError(
            f"{name} cannot be read",
            got=f"the strength {strength!r}",
            expected="MODEL@NOISE:STRENGTH with a number, such as model@depolarizing:0.001",
            remedy="correct the strength",
        ) from error
    return under_noise(find(model), model, noise, value)


def check_alike(classifiers: Iterable[Classifier]) -> None:
    """Raise ConfigurationError unless all were trained for the same data, in images of the same shape."""
    first, *others = classifiers
    for other in others:
        for what, mine, its in (
            ("the shape of the images", first.stored.card.model.image_shape, other.stored.card.model.image_shape),
            ("the data set", first.stored.card.data.dataset, other.stored.card.data.dataset),
            ("the classes", first.stored.card.data.classes, other.stored.card.data.classes),
        ):
            if mine != its:
                raise ConfigurationError(
                    f"{first.name} and {other.name} differ in {what}",
                    got=f"{mine} and {its}",
                    expected="sources and victims trained for the same images and classes",
                    remedy="choose models that were trained for the same data",
                )


def check_readable(classifiers: Iterable[Classifier], images: Tensor) -> None:
    """Raise InputError if there is a black image that one of the models refuses."""
    black = (images.flatten(1).amax(1) <= 0).nonzero().flatten().tolist()
    for classifier in classifiers if black else ():
        try:
            with torch.no_grad():
                classifier.stored.model(images[black[:1]])
        except InputError as error:
            raise InputError(
                f"{classifier.name} cannot read image {black[0]}",
                got="pixels that are all zero",
                expected="at least one pixel above zero",
                remedy="leave the image out",
            ) from error
