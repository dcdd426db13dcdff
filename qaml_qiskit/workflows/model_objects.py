"""Models, networks, circuits and detectors of this process, in place of their names."""

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import torch
from qiskit.circuit import QuantumCircuit

from qaml_qiskit.artifacts.session import content_name
from qaml_qiskit.circuits import CIRCUITS, OwnCircuit
from qaml_qiskit.deployments import Deployment
from qaml_qiskit.deployments.conditions import OnTarget, written
from qaml_qiskit.deployments.given import keep_model
from qaml_qiskit.deployments.references import model_path
from qaml_qiskit.detection import GIVEN_DETECTORS, Detector
from qaml_qiskit.errors import QamlError
from qaml_qiskit.models import NETWORKS, Model, Network, StoredModel, as_stored, load_model, model_files
from qaml_qiskit.workflows.outcomes import TrainOutcome
from qaml_qiskit.workflows.request import Request, cannot_take


def model_name(command: str, field: str, value: object) -> str:
    """The name of a model, or of a deployment, that a request can hold.

    Raises:
        ConfigurationError: no model.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, TrainOutcome):
        value = value.model
    if isinstance(value, StoredModel | Model):
        return keep_model(as_stored(value))
    if isinstance(value, Deployment):
        return written(_kept(value.model_name, _calibrated(value)), value.condition)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise cannot_take(
        command,
        field,
        value,
        "a model: a QVC or another classifier of this package, what load_model, train or deploy give, or a name",
        "name a run folder, a model file or a reference, or give the model itself; a module of your own as "
        "deploy(module, data=…)",
    )


def circuit_name(value: object) -> str:
    """The name of an ansatz, the path of a circuit's file, or the name under which a circuit is kept.

    Raises:
        ConfigurationError: no circuit, or one that cannot be trained.
    """
    if isinstance(value, str | os.PathLike):
        return os.fspath(value)
    own = value if isinstance(value, OwnCircuit) else OwnCircuit.of(cast(QuantumCircuit, value))
    name = f"circuit-{content_name(json.dumps([own.fingerprint, *own.parameters]).encode())}"
    if name not in CIRCUITS:
        CIRCUITS.register(name, own, told="given to this process")
    return name


def detector_name(command: str, value: object) -> str:
    """The name of a detector, or the one under which a detector is kept with its settings.

    Raises:
        ConfigurationError: no detector.
    """
    if isinstance(value, str):
        return value
    if not isinstance(value, Detector):
        raise cannot_take(
            command,
            "detector",
            value,
            "the name of a registered detector, or a Detector",
            "give an instance of a subclass of qaml_qiskit.detection.Detector, or a name",
        )
    kind = type(value)
    words = [kind.__module__, kind.__qualname__, value.model_dump_json()]
    name = f"{value.name}-{content_name(json.dumps(words).encode())}"
    if name not in GIVEN_DETECTORS:
        GIVEN_DETECTORS.register(name, value, told="given to this process")
    return name


def check_kind_of_model(command: str, value: object) -> None:
    """Raise ConfigurationError for a model where the kind of a new one is asked for."""
    if isinstance(value, torch.nn.Module | StoredModel | TrainOutcome | Deployment):
        raise cannot_take(
            command,
            "model",
            value,
            "the kind of a new model, such as 'qvc', whose weights are drawn by the seed",
            "give what it is made of, such as ansatz=circuit, layers=…, readout=…, encoding=…; or train the model "
            "itself with Trainer(model, …), and keep it with save_model",
        )


def recipe_of(kind: type[Request], values: Sequence[Any]) -> dict[str, str]:
    """A recipe is no part of a condition's name: it goes where the request has a field for it."""
    recipes = {
        each.condition.recipe
        for each in values
        if isinstance(each, Deployment) and isinstance(each.condition, OnTarget)
    }
    return {"recipe": recipes.pop()} if len(recipes) == 1 and "recipe" in kind.model_fields else {}


def _calibrated(deployment: Deployment) -> StoredModel | Network:
    """What a deployment holds; a temperature of its own goes with a model's card."""
    held, own = deployment.stored, deployment.own_temperature
    if own is None or not isinstance(held, StoredModel):
        return held
    return replace(held, card=held.card.model_copy(update={"temperature": own}))


def _kept(name: str, held: StoredModel | Network) -> str:
    """The name of what a deployment holds: its own where it is found by that, else one for this process."""
    if isinstance(held, StoredModel):
        return name if _is_known(name, held) else keep_model(held)
    if held.key not in NETWORKS:
        NETWORKS.register(held.key, held, told="given to this process")
    return held.key


def _is_known(name: str, stored: StoredModel) -> bool:
    """Whether a model is what is found by this name."""
    try:
        found = load_model(model_path(name))
    except QamlError:
        return False
    return model_files(found.model, found.card) == model_files(stored.model, stored.card)
