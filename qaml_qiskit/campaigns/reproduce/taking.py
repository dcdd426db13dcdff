"""What is there already: kept models and kept runs, believed only as far as their fingerprints go."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from qaml_qiskit.artifacts import METRICS_FILE
from qaml_qiskit.artifacts.run import CONFIG_FILE, RUN_KEYS
from qaml_qiskit.campaigns.naming import renamed
from qaml_qiskit.campaigns.reproduce.planning import Found, Job, Planned, request_class
from qaml_qiskit.campaigns.steps import CommandStep
from qaml_qiskit.deployments import deploy
from qaml_qiskit.deployments.references import model_part, reference_folders
from qaml_qiskit.errors import ConfigurationError, QamlError
from qaml_qiskit.formats import read_bytes, yaml_of
from qaml_qiskit.models import WEIGHTS_FILE, load_model


def kept_model(job: Job, planned: Planned) -> Found | None:
    """The kept weights that the plan names for a model; None where it names none, or they are not on this machine.

    Raises:
        ConfigurationError: they are not those that the plan was written with.
    """
    place = None if planned.kept is None else _reference(planned.kept, WEIGHTS_FILE)
    if planned.kept is None or place is None:
        return None
    weights = weights_of(place)
    if planned.weights is not None and weights != planned.weights:
        raise ConfigurationError(
            f"the kept weights of {job} have changed under the plan",
            got=f"{weights} in {place}",
            expected=f"{planned.weights}, as the plan has it",
            remedy="restore the reference, or put the new fingerprint into the plan and reproduce all that hangs on it",
        )
    return Found(planned.kept, weights, place)


def kept_training(planned: Planned) -> Found | None:
    """The kept run of a training whose weights are not on this machine, which tells no more than its figures."""
    place = None if planned.kept is None else _reference(planned.kept, METRICS_FILE)
    if planned.kept is None or place is None:
        return None
    return Found(planned.kept, planned.weights or "", place)


def weights_of(place: Path) -> str:
    """The fingerprint of a model's weights, as runs record it.

    Raises:
        QamlError: there is no model, or it is damaged.
    """
    return _weights(place, (place / WEIGHTS_FILE).stat().st_mtime_ns)


@cache
def _weights(place: Path, written: int) -> str:
    return load_model(place).weights


def _reference(name: str, file: str) -> Path | None:
    return next((folder / name for folder in reference_folders() if (folder / name / file).is_file()), None)


def kept_run(planned: Planned, step: CommandStep) -> tuple[Path | None, str]:
    """The kept run that the plan names, if it is of the very same request and the same weights.

    Returns:
        Its folder or None, and why it cannot serve where there is one that cannot.
    """
    place = None if planned.kept is None else _reference(planned.kept, METRICS_FILE)
    if place is None:
        return None, ""
    try:
        kept = _kept_words(place, step.command)
    except QamlError as error:
        return None, f"{planned.kept}: {error.what}"
    ours = step_words(step)
    if kept == ours or kept == step_words(step, _digests(step)):
        return place, ""
    differing = sorted(name for name in {*kept, *ours} if kept.get(name) != ours.get(name))
    return None, f"{planned.kept} is of another request: {', '.join(differing)}"


def step_words(step: CommandStep, depends: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Everything that decides a step's result."""
    told = renamed(step.request.model_dump(mode="json"), step.depends if depends is None else depends)
    return {"command": step.command, **_plain(told)}


def _kept_words(place: Path, command: str) -> dict[str, Any]:
    config = yaml_of(read_bytes(place / CONFIG_FILE), str(place / CONFIG_FILE))
    kind = request_class(command)
    request = kind.model_validate({name: value for name, value in config.items() if name not in RUN_KEYS})
    told = request.model_dump(mode="json")
    recorded = (config.get("resolved") or {}).get("weights", {})
    if isinstance(recorded, str):
        # Of the single model that it has.
        recorded = dict.fromkeys([str(told["model"])] if isinstance(told.get("model"), str) else [], recorded)
    weights = {model_part(name): fingerprint for name, fingerprint in recorded.items()}
    return {"command": config.get("command"), **_plain(renamed(told, weights))}


def _digests(step: CommandStep) -> dict[str, str]:
    """As :attr:`CommandStep.depends`, with the other fingerprint of weights that some commands record."""
    found = {}
    for name in step.depends:
        place = Path(name) if Path(name).is_dir() else _reference(name, WEIGHTS_FILE)
        try:
            found[name] = step.depends[name] if place is None else deploy(place).weights_digest
        except QamlError:
            found[name] = step.depends[name]
    return found


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(value))
    return plain
