"""What a model or a run of a plan is asked for, after all that it takes over from others."""

from collections.abc import Mapping

from qaml_qiskit.errors import ConfigurationError, unknown_name
from qaml_qiskit.papers.schema import Fields, PaperPlan, PlannedModel, PlannedRun, Tier


def train_fields(plan: PaperPlan, name: str, tier: Tier) -> Fields:
    """The fields of ``train`` that a model of the plan is trained with.

    Raises:
        ConfigurationError: a model that the plan does not have, or that is like itself.
    """
    return _merged(plan.models, name, "train", "quick" if tier == "quick" else None)


def run_fields(plan: PaperPlan, name: str, tier: Tier) -> Fields:
    """The fields of a run of the plan's request.

    Raises:
        ConfigurationError: a run that the plan does not have, or that is like itself.
    """
    return _merged(plan.runs, name, "fields", None if tier == "paper" else tier)


def _merged(known: Mapping[str, PlannedModel | PlannedRun], name: str, always: str, special: str | None) -> Fields:
    """All fields; of a tier's own, any counts more than what holds in every tier. None takes a field back."""
    found = _collected(known, name, always, ())
    if special is not None:
        found |= _collected(known, name, special, ())
    return {field: value for field, value in found.items() if value is not None}


def _collected(known: Mapping[str, PlannedModel | PlannedRun], name: str, part: str, below: tuple[str, ...]) -> Fields:
    if name not in known:
        raise unknown_name("the plan has nothing of this name", name, known)
    if name in below:
        raise ConfigurationError(
            f"{name} of the plan is like itself",
            got=" like ".join([*below, name]),
            expected="a model or a run that is like others",
            remedy="leave out one of these",
        )
    found: Fields = {}
    for other in known[name].like:
        found |= _collected(known, other, part, (*below, name))
    return found | dict(getattr(known[name], part))
