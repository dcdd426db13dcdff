"""Deployments from the names that a user gives."""

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import UnionType

from qaml_qiskit.compute import DEFAULT_COMPUTE, Compute
from qaml_qiskit.deployments.conditions import DEFAULT_RECIPE, Condition, Ideal, parse_condition, parse_deployment
from qaml_qiskit.deployments.deployment import Deployment
from qaml_qiskit.deployments.references import model_path
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.models import Model, StoredModel, as_stored, load_model
from qaml_qiskit.simulation import computing

_READ_IT = "read it with load_model, or name its folder"
_READ_NAME = "give one of these, such as 'fake-torino'"


def deploy(
    model: StoredModel | Model | str | os.PathLike[str],
    condition: Condition | str | None = None,
    *,
    name: str | None = None,
    backends: Path | None = None,
    compute: Compute = DEFAULT_COMPUTE,
) -> Deployment:
    """Put a model under a condition.

    Args:
        model: a stored model, a bare one, or the name or the path of one; the outcome of a training has a path, too.
        condition: None for none; in words ``"fake-torino"``, ``"depolarizing:0.01"``, as behind an ``@``.
        name: what the model is called, where it was not found by a name.
        backends: the backends.yaml of a target.
        compute: what it is computed with.

    Raises:
        QamlError: the model or a part of the condition does not exist, or they do not fit; or this machine has no such
            device or simulator.
    """
    kinds, expected = StoredModel | Model | str | os.PathLike, "a stored model, or the name or the path of one"
    _check_kind("this", model, kinds, expected, _READ_IT)
    _check_kind(
        "a model so", condition, Condition | str | None, "a text, Ideal, UnderNoise, OnTarget or None", _READ_NAME
    )
    if isinstance(model, str | os.PathLike):
        path = os.fspath(model)
        stored, called = load_model(model_path(path)), name or path
    else:
        stored = as_stored(model)
        called = name or stored.card.model.kind
    put = parse_condition(condition) if isinstance(condition, str) else condition or Ideal()
    with computing(compute):
        return Deployment(called, stored, compute=compute).at(put, backends)


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
) -> list[Deployment]:
    """Several deployments, which share models, and compiled circuits where they can; equal ones are one object.

    Nothing is compiled yet: a circuit that does not fit its target is refused by :meth:`Deployment.resolved`.

    Raises:
        QamlError: as :func:`deploy`.
    """
    base = cache(lambda model: deploy(model, compute=compute))
    known: dict[tuple[str, Condition], Deployment] = {}
    parsed = [parse_deployment(name, recipe=recipe) for name in names]
    for model, condition in parsed:
        if (model, condition) not in known:
            known[model, condition] = base(model).at(condition, backends)
    return [known[key] for key in parsed]
