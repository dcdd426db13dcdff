"""Whether a paper's two files fit together: every name that one uses is a name that the other has."""

from collections.abc import Collection, Iterator

from qaml_qiskit.errors import ConfigurationError, unknown_name
from qaml_qiskit.papers.merging import run_fields, train_fields
from qaml_qiskit.papers.schema import TIERS, Claim, Measure, Paper


def measures_of(claim: Claim) -> Iterator[Measure]:
    """Every figure of merit that a claim's expectation reads."""
    expect = claim.expect
    for name in ("first", "second"):
        if (found := getattr(expect, name, None)) is not None:
            yield found
    yield from getattr(expect, "over", ())


def figures_of(claim: Claim) -> Iterator[Measure]:
    """The same, and whatever is taken off from them."""
    for measure in measures_of(claim):
        part: Measure | None = measure
        while part is not None:
            yield part
            part = part.minus


def check_paper(paper: Paper) -> None:
    """Refuse a paper whose claims and plan do not fit together.

    Raises:
        ConfigurationError: the first name that stands for nothing, with the place where it is used.
    """
    plan, said = paper.plan, paper.said
    for item in plan.items:
        _check(f"{paper.name}/plan.yaml", "claims.yaml does not tell the item", item, said.items)
    for item in said.items:
        _check(f"{paper.name}/claims.yaml", "plan.yaml does not have the item", item, plan.items)
    for name, planned in plan.items.items():
        place = f"{paper.name}/plan.yaml, item {name}"
        pictured = [run for picture in planned.pictures for run in picture.runs]
        for run in (*planned.runs, *(run for run in pictured if run not in plan.models)):
            _check(place, "there is no such run", run, plan.runs)
        for model in planned.models:
            _check(place, "there is no such model", model, plan.models)
            if plan.models[model].only_pattern:
                raise _only_pattern(place, model)
    for tier in TIERS:
        for model in plan.models:
            train_fields(plan, model, tier)
        for run in plan.runs:
            run_fields(plan, run, tier)
    _check_claims(paper)


def _check_claims(paper: Paper) -> None:
    said, plan = paper.said, paper.plan
    seen: set[str] = set()
    for claim in said.claims:
        place = f"{paper.name}/claims.yaml, claim {claim.id}"
        if claim.id in seen:
            raise ConfigurationError(
                f"{place}: two claims have one name", got=claim.id, expected="names of their own", remedy="rename one"
            )
        seen.add(claim.id)
        _check(place, "there is no such item", claim.item, said.items)
        for choice in claim.open:
            _check(place, "there is no such open choice", choice, said.open)
        for measure in figures_of(claim):
            _check_measure(place, measure, paper)
    for item in said.items:
        used = {each for claim in said.claims if claim.item == item for each in runs_of(claim)}
        missing = used - {*plan.items[item].runs}
        if missing:
            raise ConfigurationError(
                f"{paper.name}/plan.yaml, item {item}: a claim reads what is not run",
                got=", ".join(sorted(missing)),
                expected=f"among its runs {', '.join(plan.items[item].runs) or 'none'}",
                remedy="add it to the item's runs",
            )


def runs_of(claim: Claim) -> Iterator[str]:
    """The runs of the plan that a claim reads."""
    for measure in figures_of(claim):
        if measure.run is not None:
            yield measure.run


def models_of(claim: Claim) -> Iterator[str]:
    """The models of the plan whose training a claim reads."""
    for measure in figures_of(claim):
        if measure.model is not None:
            yield measure.model


def _check_measure(place: str, measure: Measure, paper: Paper) -> None:
    plan = paper.plan
    if (measure.run is None) == (measure.model is None):
        raise ConfigurationError(
            f"{place}: a measure is of a run or of a model's training",
            got=measure.model_dump(exclude_defaults=True),
            expected="one of run and model",
            remedy="name one of them",
        )
    if measure.run is not None:
        _check(place, "there is no such run", measure.run, plan.runs)
    if measure.model is not None:
        _check(place, "there is no such model", measure.model, plan.models)
        if plan.models[measure.model].only_pattern:
            raise _only_pattern(place, measure.model)


def _check(place: str, what: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        raise unknown_name(f"{place}: {what}", name, known)


def _only_pattern(place: str, model: str) -> ConfigurationError:
    return ConfigurationError(
        f"{place}: {model} is never trained",
        got="only_pattern",
        expected="a model that is like it",
        remedy="name another model, or take only_pattern back",
    )
