"""What is there already: kept models and kept runs, believed only as far as their fingerprints go."""

from functools import cache
from pathlib import Path
from typing import Any

from qaml_qiskit.artifacts import METRICS_FILE
from qaml_qiskit.campaigns.naming import renamed
from qaml_qiskit.campaigns.reproduce.planning import Found, Job, Planned
from qaml_qiskit.campaigns.reproduce.recorded import recorded
from qaml_qiskit.campaigns.steps import CommandStep
from qaml_qiskit.deployments import deploy
from qaml_qiskit.deployments.references import model_part, reference_folders
from qaml_qiskit.errors import ConfigurationError, QamlError
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
    ours = step.words()
    if kept in (ours, step.words(_digests(step))):
        return place, ""
    differing = sorted(name for name in {*kept, *ours} if kept.get(name) != ours.get(name))
    return None, f"{planned.kept} is of another request: {', '.join(differing)}"


def _kept_words(place: Path, command: str) -> dict[str, Any]:
    """What a kept run was asked for, as :meth:`CommandStep.words` has it."""
    kept = recorded(place)
    if kept.request.command != command:
        raise ConfigurationError(
            f"it is a run of `qaml {kept.request.command}`",
            got=str(place),
            expected=f"a run of `qaml {command}`",
            remedy="correct what is kept in plan.yaml",
        )
    told = kept.request.model_dump(mode="json")
    weights = kept.resolved.get("weights", {})
    if isinstance(weights, str):
        # Of the single model that it has.
        weights = dict.fromkeys([str(told["model"])] if isinstance(told.get("model"), str) else [], weights)
    words: dict[str, Any] = renamed(told, {model_part(name): found for name, found in weights.items()})
    return words


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
