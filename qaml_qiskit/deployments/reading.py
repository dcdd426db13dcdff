"""Deployments from the names that a user gives."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import UnionType

from torch import nn

from qaml_qiskit.artifacts.session import in_session
from qaml_qiskit.artifacts.training import recorded_held_out
from qaml_qiskit.compute import DEFAULT_COMPUTE, Compute
from qaml_qiskit.deployments.conditions import DEFAULT_RECIPE, Condition, Ideal, parse_condition, parse_deployment
from qaml_qiskit.deployments.deployment import Deployment
from qaml_qiskit.deployments.given import keep_model
from qaml_qiskit.deployments.networks import DataOfNetwork, network_card
from qaml_qiskit.deployments.references import model_path, names_code
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.models import NETWORKS, Model, Network, StoredModel, as_stored, load_model, network_of, read_network
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.seeds import check_seed
from qaml_qiskit.simulation import computing

_READ_IT = "give the module itself, read a model with load_model, or name its folder"
_READ_NAME = "give one of these, such as 'fake-torino'"


def deploy(
    model: StoredModel | nn.Module | str | os.PathLike[str],
    condition: Condition | str | None = None,
    *,
    data: DataOfNetwork | None = None,
    name: str | None = None,
    backends: Path | None = None,
    compute: Compute = DEFAULT_COMPUTE,
    seed: int = 0,
) -> Deployment:
    """Put a model under a condition.

    Args:
        model: a stored model, a bare one of this package; a torch module of your own, from images (N, C, H, W) in
            [0, 1] to logits (N, m); or the name or the path of either. The outcome of a training has a path, too.
        condition: None for none; in words ``"fake-torino"``, ``"depolarizing:0.01"``, ``"layers:majority:100"``, as
            behind an ``@``. A network of your own takes ``"smoothing:0.25:100"`` alone.
        data: what such a network is for: a data set or its parts, or the card of a model for the same images. The
            network is copied as it is now, on its device and in its precision, and put into evaluation mode; the
            module itself is not touched.
        name: what the model is called, where it was not found by a name.
        backends: the backends.yaml of a target.
        compute: what it is computed with.
        seed: of what is drawn where its rule draws.

    Raises:
        QamlError: the model or a part of the condition does not exist, or they do not fit; or this machine has no such
            device or simulator.
    """
    expected = "a stored model, a torch module, or the name or the path of one"
    _check_kind("this", model, StoredModel | nn.Module | str | os.PathLike, expected, _READ_IT)
    _check_kind(
        "a model so", condition, Condition | str | None, "a text, Ideal, UnderNoise, OnTarget or None", _READ_NAME
    )
    called = name or (os.fspath(model) if isinstance(model, str | os.PathLike) else _kind(model))
    put = parse_condition(condition) if isinstance(condition, str) else condition or Ideal()
    with computing(compute):
        held = _held(model, called, data)
        if (
            name is None
            and isinstance(held, StoredModel)
            and isinstance(model, os.PathLike)
            and in_session(Path(model))
        ):
            # The outcome of a training in a folder of this process, which says nothing.
            called = keep_model(held)
        return Deployment(called, held, compute=compute, seed=check_seed(seed)).at(put, backends)


def _kind(model: StoredModel | nn.Module) -> str:
    if isinstance(model, StoredModel):
        return model.card.model.kind
    return model.config.kind if isinstance(model, Model) else type(model).__name__


def _held(
    model: StoredModel | nn.Module | str | os.PathLike[str], called: str, data: DataOfNetwork | None
) -> StoredModel | Network:
    """The model itself, wherever it comes from."""
    if isinstance(model, StoredModel):
        return model
    if isinstance(model, Model):
        return as_stored(model, None if data is None else network_card(called, data).data)
    if isinstance(model, nn.Module):
        return network_of(model, called, network_card(called, data))
    path = os.fspath(model)
    if path in NETWORKS:
        return NETWORKS[path]
    if names_code(path):
        return read_network(path, network_card(path, data))
    place = model_path(path)
    stored = load_model(place)
    if stored.card.held_out is not None:
        return stored
    held_out = recorded_held_out(place if place.is_dir() else place.parent)
    return replace(stored, card=stored.card.model_copy(update={"held_out": held_out}))


def _check_kind(what: str, given: object, kinds: type | UnionType, expected: str, remedy: str) -> None:
    if not isinstance(given, kinds):
        raise ConfigurationError(f"cannot deploy {what}", got=repr(given), expected=expected, remedy=remedy)


def read_deployment(
    name: str, *, recipe: str = DEFAULT_RECIPE, backends: Path | None = None, compute: Compute = DEFAULT_COMPUTE
) -> Deployment:
    """The deployment that ``MODEL``, ``MODEL@NOISE:STRENGTH`` or ``MODEL@TARGET`` names.

    Raises:
        QamlError: as :func:`deploy`.
    """
    return read_deployments([name], recipe=recipe, backends=backends, compute=compute)[0]


def read_deployments(
    names: Sequence[str],
    *,
    recipe: str = DEFAULT_RECIPE,
    backends: Path | None = None,
    compute: Compute = DEFAULT_COMPUTE,
    data: DataOfNetwork | None = None,
    progress: Progress | None = None,
    seed: int = 0,
) -> list[Deployment]:
    """Several deployments, which share models, and compiled circuits where they can; equal ones are one object.

    Nothing is compiled yet: a circuit that does not fit its target is refused by :meth:`Deployment.resolved`.

    Args:
        names: of models, of networks of the user's, and of their conditions.
        recipe: compiles for targets.
        backends: the backends.yaml of targets.
        compute: what they are computed with.
        data: what networks are for; None for the same as the first stored model.
        progress: told of networks before their code is run.
        seed: of what is drawn where their rules draw.

    Raises:
        QamlError: as :func:`deploy`.
    """
    progress = progress or Silent()
    known: dict[tuple[str, Condition], Deployment] = {}
    parsed = [parse_deployment(name, recipe=recipe) for name in names]
    # Others first: they say what code beside them is for.
    bases: dict[str, Deployment] = {}
    for model in sorted({model: None for model, _ in parsed}, key=names_code):
        if names_code(model):
            progress.say(f"{model}: code of yours, or of whoever wrote it, is run")
            data = data or next((each.card for each in bases.values()), None)
        bases[model] = deploy(model, data=data, compute=compute, seed=seed)
    for model, condition in parsed:
        if (model, condition) not in known:
            known[model, condition] = bases[model].at(condition, backends)
    return [known[key] for key in parsed]
