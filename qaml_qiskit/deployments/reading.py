"""Deployments from the names that a user gives."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from qaml_qiskit.compute import DEFAULT_COMPUTE, Compute
from qaml_qiskit.deployments.conditions import DEFAULT_RECIPE, Condition, Ideal, parse_deployment
from qaml_qiskit.deployments.deployment import Deployment
from qaml_qiskit.deployments.references import model_path
from qaml_qiskit.models import StoredModel, load_model
from qaml_qiskit.simulation import computing


def deploy(
    model: StoredModel | str,
    condition: Condition | None = None,
    *,
    name: str | None = None,
    backends: Path | None = None,
    compute: Compute = DEFAULT_COMPUTE,
) -> Deployment:
    """Put a model under a condition.

    Args:
        model: a stored model, or the name of one.
        condition: None for none.
        name: what the model is called, where it was not found by a name.
        backends: the backends.yaml of a target.
        compute: what it is computed with.

    Raises:
        QamlError: the model or a part of the condition does not exist, or they do not fit; or this machine has no such
            device or simulator.
    """
    stored = load_model(model_path(model)) if isinstance(model, str) else model
    called = name or (model if isinstance(model, str) else stored.card.model.kind)
    with computing(compute):
        return Deployment(called, stored, compute=compute).at(condition or Ideal(), backends)


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
